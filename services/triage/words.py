"""The words of triage's pages in the platform's four languages, by key; keys of closed lists are their values."""

from collections.abc import Mapping
from typing import Final

from ibalagh.web.words import CATEGORIES, URGENCIES, by_language

_TABLE: Final[Mapping[str, tuple[str, str, str, str]]] = {
    # key: Arabic, French, English, Spanish
    "triage": ("الفرز", "Tri", "Triage", "Clasificación"),
    "queue": ("تبليغات في انتظار القرار", "Signalements à examiner", "Reports to review", "Avisos por revisar"),
    "report": ("تبليغ", "Signalement", "Report", "Aviso"),
    "nothing_waits": ("لا شيء في الانتظار.", "Rien n’attend.", "Nothing waits.", "No hay nada pendiente."),
    "waiting": ("في الانتظار", "En attente", "Waiting", "Pendientes"),
    "category": ("الصنف", "Catégorie", "Category", "Categoría"),
    "guess": ("تخمين الآلة", "Proposition de la machine", "The machine’s guess", "Propuesta de la máquina"),
    "urgency": ("الاستعجال", "Urgence", "Urgency", "Urgencia"),
    "confidence": ("درجة اليقين", "Certitude", "Confidence", "Certeza"),
    "reasons": ("الأسباب", "Raisons", "Reasons", "Razones"),
    "received_at": ("وقت التوصل (UTC)", "Reçu (UTC)", "Received (UTC)", "Recibido (UTC)"),
    "variety": ("اللغة", "Langue du texte", "Language of the text", "Lengua del texto"),
    "province": ("الإقليم", "Province", "Province", "Provincia"),
    "organisation": ("التنظيم", "Organisation", "Organisation", "Organización"),
    "text": ("نص التبليغ", "Texte du signalement", "What was reported", "Texto del aviso"),
    "links": ("الروابط", "Liens", "Links", "Enlaces"),
    "no_text": (
        "تعذرت قراءة النص الآن.",
        "Le texte ne peut être lu pour l’instant.",
        "The text cannot be read now.",
        "El texto no puede leerse ahora.",
    ),
    "indicators": ("المؤشرات", "Indicateurs", "Indicators", "Indicadores"),
    "state": ("الحالة", "État", "State", "Estado"),
    "version": ("الإصدار", "Version", "Version", "Versión"),
    "hint": ("ما اختاره المبلغ", "Choix du déclarant", "Ticked by the reporter", "Marcado por el denunciante"),
    "decision": ("القرار", "Décision", "Decision", "Decisión"),
    "reason": (
        "رمز السبب (بدون معطيات شخصية)",
        "Code du motif (sans donnée personnelle)",
        "Reason code (no personal data)",
        "Código del motivo (sin datos personales)",
    ),
    "confirm": ("تأكيد", "Confirmer", "Confirm", "Confirmar"),
    "reclassify": ("تغيير الصنف", "Reclasser", "Reclassify", "Reclasificar"),
    "dismiss": ("خارج الاختصاص", "Classer hors champ", "Dismiss as out of scope", "Descartar"),
    "applied": ("تم تسجيل القرار.", "Décision enregistrée.", "The decision was taken.", "Decisión registrada."),
    "pending": (
        "قُبل القرار ويُعالج الآن.",
        "Décision acceptée, en cours de traitement.",
        "Accepted, being handled.",
        "Aceptada, en curso.",
    ),
    "refused": ("رُفض القرار", "Décision refusée", "Refused", "Rechazada"),
    # states
    "open": ("ينتظر", "en attente", "waiting", "pendiente"),
    "decided": ("قرره محلل", "décidé par un analyste", "decided by an analyst", "decidido por un analista"),
    "straight": ("أحالته الآلة", "transmis par la machine", "sent on by the machine", "remitido por la máquina"),
}

WORDS: Final = by_language(CATEGORIES, URGENCIES, _TABLE)
"""Language → key → words."""
