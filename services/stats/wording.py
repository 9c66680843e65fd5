"""The words of stats in Arabic, French and English: of the communiqué and of the dashboard, each said once."""

from collections.abc import Mapping
from typing import Final

from services.stats.counting import Measure

LANGUAGES: Final = ("ar", "fr", "en")

WORDS: Final[Mapping[str, tuple[str, str, str]]] = {
    "title": ("بلاغ بحصيلة المنصة", "Communiqué : bilan de la plateforme", "Communiqué: the platform's figures"),
    "period": ("من {first} إلى {last}", "Du {first} au {last}", "From {first} to {last}"),
    "period_open": ("منذ البداية إلى اليوم", "Depuis le début", "Since the beginning"),
    "count": ("العدد", "Nombre", "Count"),
    "share": ("النسبة", "Part", "Share"),
    "reports_processed": ("التبليغات المعالجة", "Signalements traités", "Reports processed"),
    "technology_crime": ("الجرائم المرتبطة بالتكنولوجيا", "Criminalité technologique", "Technology crime"),
    "fraud": ("النصب والاحتيال", "Escroquerie", "Fraud"),
    "sexual_blackmail": ("الابتزاز الجنسي", "Chantage sexuel", "Sexual blackmail"),
    "insult_defamation": ("السب والقذف والتشهير", "Injures et diffamation", "Insult and defamation"),
    "violence_threats": ("العنف والتهديد", "Violences et menaces", "Violence and threats"),
    "other": (
        "أخرى: التحريض ضد الأشخاص، الاتجار في المواد المحظورة، الاستغلال الجنسي للقاصرين",
        "Autres : incitation contre des personnes, trafic de produits interdits, exploitation sexuelle de mineurs",
        "Other: incitement against persons, trafficking in prohibited material, sexual exploitation of minors",
    ),
    "terrorism": ("الإرهاب والتطرف", "Terrorisme et extrémisme", "Terrorism and extremism"),
    "terrorism_praise": ("الإشادة بأعمال إرهابية", "Apologie du terrorisme", "Praise of terrorism"),
    "terrorism_incitement_recruitment": (
        "التحريض على الإرهاب والتجنيد",
        "Incitation au terrorisme et recrutement",
        "Incitement to terrorism and recruitment",
    ),
    "isis_praise": ("منها الإشادة بتنظيم داعش", "dont apologie de Daech", "of them praise of ISIS"),
    "out_of_scope": ("خارج الاختصاص", "Hors champ", "Out of scope"),
    "identified": ("بهوية كاملة", "Avec identité complète", "With full identity"),
    "anonymous": ("دون الكشف عن الهوية", "Anonymes", "Anonymous"),
    "domestic": ("من داخل المغرب", "Depuis le Maroc", "From within the country"),
    "abroad": ("من الخارج", "Depuis l'étranger", "From abroad"),
    "suspects_identified": ("المشتبه فيهم المحددة هوياتهم", "Suspects identifiés", "Suspects identified"),
    "presented": ("قدموا أمام العدالة", "Présentés à la justice", "Brought before justice"),
    "search_notices": ("صدرت في حقهم مذكرات بحث", "Sous avis de recherche", "Under national search notice"),
    "under_investigation": (
        "ما زالت الأبحاث بشأنهم جارية",
        "Enquête toujours en cours",
        "Still under investigation",
    ),
    "who": ("من يبلغ", "Qui signale", "Who reports"),
    "outcomes": ("النتائج", "Suites", "Outcomes"),
    "none": ("لا أحد", "aucun", "none"),
    "all": ("الكل", "tous", "all"),
    "less_than_a_quarter": ("أقل من الربع", "moins du quart", "less than a quarter"),
    "about_a_quarter": ("نحو الربع", "environ un quart", "about a quarter"),
    "more_than_a_quarter": ("أكثر من الربع", "plus du quart", "more than a quarter"),
    "about_a_third": ("نحو الثلث", "environ un tiers", "about a third"),
    "more_than_a_third": ("أكثر من الثلث", "plus du tiers", "more than a third"),
    "about_half": ("نحو النصف", "environ la moitié", "about half"),
    "more_than_half": ("أكثر من النصف", "plus de la moitié", "more than half"),
    "about_two_thirds": ("نحو الثلثين", "environ les deux tiers", "about two thirds"),
    "more_than_two_thirds": ("أكثر من الثلثين", "plus des deux tiers", "more than two thirds"),
    "about_three_quarters": ("نحو ثلاثة أرباع", "environ les trois quarts", "about three quarters"),
    "more_than_three_quarters": ("أكثر من ثلاثة أرباع", "plus des trois quarts", "more than three quarters"),
    "dashboard": ("لوحة الأرقام", "Tableau de bord", "Dashboard"),
    "live": ("يتحدث تلقائيا", "Mis à jour en continu", "Updates by itself"),
    "stages": ("مسار التبليغات", "Parcours des signalements", "The reports' way"),
    "countries": ("بلد المبلغ", "Pays du déclarant", "Reporter's country"),
    "sign_in": ("تسجيل الدخول", "Connexion", "Sign in"),
    "token": ("رمز الدخول", "Jeton d'accès", "Access token"),
    "wrong_token": ("الرمز غير صحيح", "Ce jeton n'est pas le bon", "This token is not the right one"),
}
"""Name of a word or sentence → it in the order of `LANGUAGES`."""

MEASURES: Final[Mapping[Measure, tuple[str, str, str]]] = {
    Measure.RECEIVED: ("تبليغات واردة", "Signalements reçus", "Reports received"),
    Measure.MACHINE: ("صنفتها الآلة", "Classés par la machine", "Triaged by the machine"),
    Measure.TRIAGED: ("تبليغات مصنفة", "Signalements triés", "Reports triaged"),
    Measure.TO_REVIEW: ("أحيلت على محلل", "Envoyés en révision", "Sent to review"),
    Measure.AWAITING_REVIEW: ("في انتظار محلل", "En attente de révision", "Awaiting review"),
    Measure.REVIEWED: ("قرارات المحللين", "Décisions des analystes", "Analysts' decisions"),
    Measure.RECLASSIFIED: ("أعيد تصنيفها", "Reclassés", "Reclassified"),
    Measure.DISMISSED: ("حفظت", "Écartés", "Dismissed"),
    Measure.REFERRED: ("أحيلت على الشرطة القضائية", "Transmis à la police judiciaire", "In a case"),
    Measure.CASES_OPENED: ("قضايا مفتوحة", "Dossiers ouverts", "Cases opened"),
    Measure.CASES_REFERRED: ("قضايا محالة", "Dossiers transmis", "Cases referred"),
    Measure.CASES_REROUTED: ("قضايا أعيد توجيهها", "Dossiers réorientés", "Cases re-routed"),
    Measure.PROSECUTIONS_NOTIFIED: ("إشعارات للنيابة العامة", "Avis au parquet", "Prosecutors notified"),
    Measure.CASES_ACCEPTED: ("قضايا مقبولة", "Dossiers acceptés", "Cases accepted"),
    Measure.CASES_DECLINED: ("قضايا مرفوضة", "Dossiers déclinés", "Cases declined"),
    Measure.INVESTIGATIONS_OPENED: ("أبحاث قضائية مفتوحة", "Enquêtes ouvertes", "Investigations opened"),
    Measure.SUSPECTS_IDENTIFIED: ("مشتبه فيهم محددة هوياتهم", "Suspects identifiés", "Suspects identified"),
    Measure.SUSPECTS_PRESENTED: ("قدموا أمام العدالة", "Présentés à la justice", "Brought before justice"),
    Measure.SEARCH_NOTICES: ("مذكرات بحث", "Avis de recherche", "Search notices"),
    Measure.CASES_CLOSED: ("قضايا مغلقة", "Dossiers clos", "Cases closed"),
}


def say(name: str, language: str) -> str:
    """A word in a language; languages without words of their own read English. KeyError for an unknown name."""
    return WORDS[name][_index(language)]


def measure_name(measure: Measure, language: str) -> str:
    """The name of a measure in a language."""
    return MEASURES[measure][_index(language)]


def _index(language: str) -> int:
    return LANGUAGES.index(language if language in LANGUAGES else "en")
