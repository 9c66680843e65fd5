"""The words of how content is shown, of breaks, of what a person chooses, and of keys."""

from collections.abc import Mapping
from typing import Final

WELLBEING: Final[Mapping[str, tuple[str, str, str, str]]] = {
    # key: Arabic, French, English, Spanish
    # content
    "attachments": ("المرفقات", "Pièces jointes", "Attachments", "Adjuntos"),
    "bytes": ("بايت", "octets", "bytes", "bytes"),
    "content_hidden": (
        "المحتوى غير معروض.",
        "Le contenu n’est pas affiché.",
        "The content is not shown.",
        "El contenido no se muestra.",
    ),
    "seen_before": ("قرأته يوم", "Vous l’avez lu le", "You read it on", "Lo leyó el"),
    "show_content": ("اعرض المحتوى", "Afficher le contenu", "Show the content", "Mostrar el contenido"),
    "unblur": ("بوضوح", "Sans flou", "Clearly", "Con nitidez"),
    # breaks and choices
    "choices": ("راحتك", "Votre bien-être", "Your wellbeing", "Su bienestar"),
    "today": ("اليوم", "Aujourd’hui", "Today", "Hoy"),
    "hard_ones": ("منها صعبة", "dont difficiles", "of these hard ones", "de ellos difíciles"),
    "minutes_working": ("دقائق دون استراحة", "minutes sans pause", "minutes without a break", "minutos sin descanso"),
    "break_due": (
        "حان وقت استراحة. التبليغات تنتظر.",
        "C’est l’heure d’une pause. Les signalements attendront.",
        "Time for a break. The reports will wait.",
        "Es hora de una pausa. Los avisos esperarán.",
    ),
    "enough_hard": (
        "قرأت اليوم ما يكفي من المحتوى الصعب. يمكنك إبعاد هذه الأصناف.",
        "Assez de contenus difficiles pour aujourd’hui. Vous pouvez écarter ces catégories.",
        "Enough hard content for today. You can keep these categories away.",
        "Suficiente contenido duro por hoy. Puede apartar estas categorías.",
    ),
    "ask_first": (
        "اسألني قبل عرض محتوى",
        "Me demander avant d’afficher",
        "Ask me before showing",
        "Preguntarme antes de mostrar",
    ),
    "keep_away": ("لا تقترح علي", "Ne pas me proposer", "Do not offer me", "No ofrecerme"),
    "blur": (
        "التمويه (0 بدون، 3 قوي)",
        "Flou (0 aucun, 3 fort)",
        "Blur (0 none, 3 strong)",
        "Desenfoque (0 nada, 3 fuerte)",
    ),
    "grey": (
        "تدرج الرمادي (0 بدون، 3 كامل)",
        "Gris (0 aucun, 3 complet)",
        "Grey (0 none, 3 full)",
        "Gris (0 nada, 3 completo)",
    ),
    "break_after": (
        "اقترح استراحة بعد (دقائق)",
        "Proposer une pause après (minutes)",
        "Suggest a break after (minutes)",
        "Proponer una pausa tras (minutos)",
    ),
    "most_hard": (
        "أكثر عدد من التبليغات الصعبة في اليوم",
        "Signalements difficiles par jour, au plus",
        "Hard reports a day, at most",
        "Avisos difíciles al día, como máximo",
    ),
    "keys_on": ("اختصارات لوحة المفاتيح", "Raccourcis clavier", "Keyboard shortcuts", "Atajos de teclado"),
    "keep": ("احفظ", "Enregistrer", "Save", "Guardar"),
    "kept": (
        "حُفظت اختياراتك.",
        "Vos choix sont enregistrés.",
        "Your choices were saved.",
        "Sus preferencias se han guardado.",
    ),
    # keys
    "shortcuts": ("اختصارات", "Raccourcis", "Shortcuts", "Atajos"),
    "key": ("مفتاح", "Touche", "Key", "Tecla"),
    "key_does": ("ما يفعله", "Effet", "What it does", "Qué hace"),
    "close": ("إغلاق", "Fermer", "Close", "Cerrar"),
    "key_down_up": ("التبليغ الموالي، السابق", "Suivant, précédent", "Next one, one before", "Siguiente, anterior"),
    "key_open": ("افتح", "Ouvrir", "Open", "Abrir"),
    "key_tick": ("اختر هذا السطر", "Cocher la ligne", "Tick the row", "Marcar la fila"),
    "key_filter": ("إلى التصفية", "Aller au filtre", "Go to the filter", "Ir al filtro"),
    "key_back": ("عد إلى القائمة", "Retour à la file", "Back to the queue", "Volver a la cola"),
    "key_then_enter": ("ثم Enter للتأكيد", "puis Entrée", "then Enter", "y luego Intro"),
}
"""Merged into `services.triage.words.WORDS`."""
