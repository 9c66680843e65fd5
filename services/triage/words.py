"""The words of triage's pages in the platform's four languages, by key; keys of closed lists are their values."""

from collections.abc import Mapping
from typing import Final

from ibalagh.web.pages import LANGUAGES

_TABLE: Final[Mapping[str, tuple[str, str, str, str]]] = {
    # key: Arabic, French, English, Spanish
    "triage": ("الفرز", "Tri", "Triage", "Clasificación"),
    "queue": ("تبليغات في انتظار القرار", "Signalements à examiner", "Reports to review", "Avisos por revisar"),
    "report": ("تبليغ", "Signalement", "Report", "Aviso"),
    "nothing_waits": ("لا شيء في الانتظار.", "Rien n’attend.", "Nothing waits.", "No hay nada pendiente."),
    "waiting": ("في الانتظار", "En attente", "Waiting", "Pendientes"),
    "sign_in": ("الدخول", "Se connecter", "Sign in", "Entrar"),
    "sign_out": ("الخروج", "Se déconnecter", "Sign out", "Salir"),
    "token": ("رمز الدخول", "Jeton d’accès", "Access token", "Clave de acceso"),
    "pseudonym": ("الاسم المستعار", "Pseudonyme", "Pseudonym", "Seudónimo"),
    "wrong_token": (
        "رمز الدخول غير صحيح.",
        "Le jeton n’est pas le bon.",
        "The token is not right.",
        "La clave no es correcta.",
    ),
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
    # categories
    "fraud": ("الاحتيال", "Escroquerie", "Fraud", "Estafa"),
    "sexual_blackmail": ("الابتزاز الجنسي", "Chantage sexuel", "Sexual blackmail", "Chantaje sexual"),
    "insult_defamation": ("السب والقذف", "Injure et diffamation", "Insult and defamation", "Injuria y difamación"),
    "violence_threats": ("التهديد والعنف", "Menaces et violence", "Violence and threats", "Amenazas y violencia"),
    "incitement_against_persons": (
        "التحريض على جنايات ضد الأشخاص",
        "Incitation à des crimes contre les personnes",
        "Incitement to crimes against persons",
        "Incitación a delitos contra las personas",
    ),
    "trafficking_prohibited_material": (
        "الاتجار في مواد محظورة",
        "Trafic de produits prohibés",
        "Trafficking in prohibited material",
        "Tráfico de material prohibido",
    ),
    "sexual_exploitation_minors": (
        "الاستغلال الجنسي للقاصرين",
        "Exploitation sexuelle de mineurs",
        "Sexual exploitation of minors",
        "Explotación sexual de menores",
    ),
    "terrorism_praise": (
        "الإشادة بالإرهاب",
        "Apologie du terrorisme",
        "Praise of terrorism",
        "Enaltecimiento del terrorismo",
    ),
    "terrorism_incitement_recruitment": (
        "التحريض على الإرهاب والتجنيد",
        "Incitation au terrorisme et recrutement",
        "Incitement to terrorism, recruitment",
        "Incitación al terrorismo y captación",
    ),
    "out_of_scope": ("خارج الاختصاص", "Hors champ", "Out of scope", "Fuera de ámbito"),
}

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    language: {key: texts[number] for key, texts in _TABLE.items()} for number, language in enumerate(LANGUAGES)
}
"""Language → key → words."""
