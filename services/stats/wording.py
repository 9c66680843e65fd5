"""The words of stats in Arabic, French, English and Spanish: of the communiqué and the dashboard, each said once."""

from collections.abc import Mapping
from typing import Final

from services.stats.counting import Measure
from services.stats.press_words import PRESS_WORDS

LANGUAGES: Final = ("ar", "fr", "en", "es")

WORDS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "title": (
        "بلاغ بحصيلة المنصة",
        "Communiqué : bilan de la plateforme",
        "Communiqué: the platform's figures",
        "Comunicado: cifras de la plataforma",
    ),
    "period": ("من {first} إلى {last}", "Du {first} au {last}", "From {first} to {last}", "Del {first} al {last}"),
    "period_open": ("منذ البداية إلى اليوم", "Depuis le début", "Since the beginning", "Desde el principio"),
    "count": ("العدد", "Nombre", "Count", "Número"),
    "share": ("النسبة", "Part", "Share", "Parte"),
    "reports_processed": ("التبليغات المعالجة", "Signalements traités", "Reports processed", "Denuncias tramitadas"),
    "technology_crime": (
        "الجرائم المرتبطة بالتكنولوجيا",
        "Criminalité technologique",
        "Technology crime",
        "Delincuencia tecnológica",
    ),
    "fraud": ("النصب والاحتيال", "Escroquerie", "Fraud", "Estafa"),
    "sexual_blackmail": ("الابتزاز الجنسي", "Chantage sexuel", "Sexual blackmail", "Chantaje sexual"),
    "insult_defamation": (
        "السب والقذف والتشهير",
        "Injures et diffamation",
        "Insult and defamation",
        "Injurias y difamación",
    ),
    "violence_threats": ("العنف والتهديد", "Violences et menaces", "Violence and threats", "Violencia y amenazas"),
    "other": (
        "أخرى: التحريض ضد الأشخاص، الاتجار في المواد المحظورة، الاستغلال الجنسي للقاصرين",
        "Autres : incitation contre des personnes, trafic de produits interdits, exploitation sexuelle de mineurs",
        "Other: incitement against persons, trafficking in prohibited material, sexual exploitation of minors",
        "Otros: incitación contra personas, tráfico de productos prohibidos, explotación sexual de menores",
    ),
    "terrorism": ("الإرهاب والتطرف", "Terrorisme et extrémisme", "Terrorism and extremism", "Terrorismo y extremismo"),
    "terrorism_praise": (
        "الإشادة بأعمال إرهابية",
        "Apologie du terrorisme",
        "Praise of terrorism",
        "Enaltecimiento del terrorismo",
    ),
    "terrorism_incitement_recruitment": (
        "التحريض على الإرهاب والتجنيد",
        "Incitation au terrorisme et recrutement",
        "Incitement to terrorism and recruitment",
        "Incitación al terrorismo y captación",
    ),
    "isis_praise": (
        "منها الإشادة بتنظيم داعش",
        "dont apologie de Daech",
        "of them praise of ISIS",
        "de ellas, enaltecimiento del Daesh",
    ),
    "out_of_scope": ("خارج الاختصاص", "Hors champ", "Out of scope", "Fuera de ámbito"),
    "identified": ("بهوية كاملة", "Avec identité complète", "With full identity", "Con identidad completa"),
    "anonymous": ("دون الكشف عن الهوية", "Anonymes", "Anonymous", "Anónimas"),
    "domestic": ("من داخل المغرب", "Depuis le Maroc", "From within the country", "Desde Marruecos"),
    "abroad": ("من الخارج", "Depuis l'étranger", "From abroad", "Desde el extranjero"),
    "suspects_identified": (
        "المشتبه فيهم المحددة هوياتهم",
        "Suspects identifiés",
        "Suspects identified",
        "Sospechosos identificados",
    ),
    "presented": (
        "قدموا أمام العدالة",
        "Présentés à la justice",
        "Brought before justice",
        "Puestos a disposición judicial",
    ),
    "search_notices": (
        "صدرت في حقهم مذكرات بحث",
        "Sous avis de recherche",
        "Under national search notice",
        "En búsqueda",
    ),
    "under_investigation": (
        "ما زالت الأبحاث بشأنهم جارية",
        "Enquête toujours en cours",
        "Still under investigation",
        "Investigación en curso",
    ),
    "none": ("لا أحد", "aucun", "none", "ninguna"),
    "all": ("الكل", "tous", "all", "todas"),
    "less_than_a_quarter": ("أقل من الربع", "moins du quart", "less than a quarter", "menos de un cuarto"),
    "about_a_quarter": ("نحو الربع", "environ un quart", "about a quarter", "cerca de un cuarto"),
    "more_than_a_quarter": ("أكثر من الربع", "plus du quart", "more than a quarter", "más de un cuarto"),
    "about_a_third": ("نحو الثلث", "environ un tiers", "about a third", "cerca de un tercio"),
    "more_than_a_third": ("أكثر من الثلث", "plus du tiers", "more than a third", "más de un tercio"),
    "about_half": ("نحو النصف", "environ la moitié", "about half", "cerca de la mitad"),
    "more_than_half": ("أكثر من النصف", "plus de la moitié", "more than half", "más de la mitad"),
    "about_two_thirds": ("نحو الثلثين", "environ les deux tiers", "about two thirds", "cerca de dos tercios"),
    "more_than_two_thirds": ("أكثر من الثلثين", "plus des deux tiers", "more than two thirds", "más de dos tercios"),
    "about_three_quarters": (
        "نحو ثلاثة أرباع",
        "environ les trois quarts",
        "about three quarters",
        "cerca de tres cuartos",
    ),
    "more_than_three_quarters": (
        "أكثر من ثلاثة أرباع",
        "plus des trois quarts",
        "more than three quarters",
        "más de tres cuartos",
    ),
    "dashboard": ("لوحة الأرقام", "Tableau de bord", "Dashboard", "Panel de cifras"),
    "live": ("يُحدَّث تلقائيا", "Mis à jour en continu", "Updates by itself", "Se actualiza solo"),
    "stages": ("مسار التبليغات", "Parcours des signalements", "The reports' way", "Recorrido de las denuncias"),
    "countries": ("بلد المبلغ", "Pays du déclarant", "Reporter's country", "País del denunciante"),
    **PRESS_WORDS,
}
"""Name of a word or sentence → it in the order of `LANGUAGES`."""

MEASURES: Final[Mapping[Measure, tuple[str, str, str, str]]] = {
    Measure.RECEIVED: ("تبليغات واردة", "Signalements reçus", "Reports received", "Denuncias recibidas"),
    Measure.MACHINE: (
        "صنفتها الآلة",
        "Classés par la machine",
        "Triaged by the machine",
        "Clasificadas por la máquina",
    ),
    Measure.TRIAGED: ("تبليغات مصنفة", "Signalements triés", "Reports triaged", "Denuncias clasificadas"),
    Measure.TO_REVIEW: ("أحيلت على محلل", "Envoyés en révision", "Sent to review", "Enviadas a revisión"),
    Measure.AWAITING_REVIEW: ("في انتظار محلل", "En attente de révision", "Awaiting review", "Pendientes de revisión"),
    Measure.REVIEWED: ("قرارات المحللين", "Décisions des analystes", "Analysts' decisions", "Decisiones de analistas"),
    Measure.RECLASSIFIED: ("أعيد تصنيفها", "Reclassés", "Reclassified", "Reclasificadas"),
    Measure.DISMISSED: ("حفظت", "Écartés", "Dismissed", "Descartadas"),
    Measure.REFERRED: ("أحيلت على الشرطة القضائية", "Transmis à la police judiciaire", "In a case", "En un expediente"),
    Measure.CASES_OPENED: ("قضايا مفتوحة", "Dossiers ouverts", "Cases opened", "Expedientes abiertos"),
    Measure.CASES_REFERRED: ("قضايا محالة", "Dossiers transmis", "Cases referred", "Expedientes remitidos"),
    Measure.CASES_REROUTED: (
        "قضايا أعيد توجيهها",
        "Dossiers réorientés",
        "Cases re-routed",
        "Expedientes reencauzados",
    ),
    Measure.PROSECUTIONS_NOTIFIED: (
        "إشعارات للنيابة العامة",
        "Avis au parquet",
        "Prosecutors notified",
        "Avisos a la fiscalía",
    ),
    Measure.CASES_ACCEPTED: ("قضايا مقبولة", "Dossiers acceptés", "Cases accepted", "Expedientes aceptados"),
    Measure.CASES_DECLINED: ("قضايا مرفوضة", "Dossiers déclinés", "Cases declined", "Expedientes rechazados"),
    Measure.INVESTIGATIONS_OPENED: (
        "أبحاث قضائية مفتوحة",
        "Enquêtes ouvertes",
        "Investigations opened",
        "Investigaciones abiertas",
    ),
    Measure.SUSPECTS_IDENTIFIED: (
        "مشتبه فيهم محددة هوياتهم",
        "Suspects identifiés",
        "Suspects identified",
        "Sospechosos identificados",
    ),
    Measure.SUSPECTS_PRESENTED: (
        "قدموا أمام العدالة",
        "Présentés à la justice",
        "Brought before justice",
        "Puestos a disposición judicial",
    ),
    Measure.SEARCH_NOTICES: ("مذكرات بحث", "Avis de recherche", "Search notices", "Órdenes de búsqueda"),
    Measure.CASES_CLOSED: ("قضايا مغلقة", "Dossiers clos", "Cases closed", "Expedientes cerrados"),
    Measure.PROSECUTORS_INSTRUCTIONS: (
        "تعليمات النيابة العامة",
        "Instructions du parquet",
        "Prosecutor’s instructions",
        "Instrucciones de la fiscalía",
    ),
    Measure.CLOCKS_WARNED: ("آجال تقترب", "Délais proches", "Deadlines near", "Plazos próximos"),
    Measure.CLOCKS_ESCALATED: ("آجال منقضية", "Délais dépassés", "Deadlines passed", "Plazos vencidos"),
}


def say(name: str, language: str) -> str:
    """A word in a language. KeyError for an unknown name, ValueError for a language that has no words."""
    return WORDS[name][LANGUAGES.index(language)]


def measure_name(measure: Measure, language: str) -> str:
    """The name of a measure in a language. ValueError for a language that has no words."""
    return MEASURES[measure][LANGUAGES.index(language)]
