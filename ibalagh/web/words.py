"""Words that the pages of several services share, in the platform's four languages: categories, countries, languages.

In: a table of key → the words in the order of `LANGUAGES`; out: language → key → words.
"""

from collections.abc import Mapping
from typing import Final

LANGUAGES: Final[Mapping[str, str]] = {"ar": "العربية", "fr": "Français", "en": "English", "es": "Español"}
"""Language tag → its own name, in the order of the chooser and of every table of words."""

Words = Mapping[str, Mapping[str, str]]
"""Language → key → words."""


def by_language(*tables: Mapping[str, tuple[str, str, str, str]]) -> Words:
    """The tables together, one mapping a language; where two have a key, the later one's words hold."""
    return {
        language: {key: words[number] for table in tables for key, words in table.items()}
        for number, language in enumerate(LANGUAGES)
    }


# The tables' columns: Arabic, French, English, Spanish.
CATEGORIES: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "fraud": ("النصب والاحتيال", "Escroquerie", "Fraud", "Estafa"),
    "sexual_blackmail": ("الابتزاز الجنسي", "Chantage sexuel", "Sexual blackmail", "Chantaje sexual"),
    "insult_defamation": ("السب والقذف", "Injure et diffamation", "Insult and defamation", "Injurias y difamación"),
    "violence_threats": ("العنف والتهديد", "Violences et menaces", "Violence and threats", "Violencia y amenazas"),
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
        "Incitement to terrorism and recruitment",
        "Incitación al terrorismo y captación",
    ),
    "out_of_scope": ("خارج الاختصاص", "Hors champ", "Out of scope", "Fuera de ámbito"),
}
"""Every category, as analysts and officers name it; the public form asks in plainer words."""

URGENCIES: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "urgency_0": ("عادي", "Ordinaire", "Routine", "Ordinaria"),
    "urgency_1": ("قريبا", "Bientôt", "Soon", "Pronto"),
    "urgency_2": ("مستعجل", "Élevée", "High", "Alta"),
    "urgency_3": ("فوري", "Immédiate", "Immediate", "Inmediata"),
}
"""`urgency_<n>` for every `Urgency`."""

OTHER_COUNTRY: Final = "ZZ"
COUNTRIES: Final[Words] = by_language(
    {
        "MA": ("المغرب", "Maroc", "Morocco", "Marruecos"),
        "BE": ("بلجيكا", "Belgique", "Belgium", "Bélgica"),
        "CA": ("كندا", "Canada", "Canada", "Canadá"),
        "DE": ("ألمانيا", "Allemagne", "Germany", "Alemania"),
        "DZ": ("الجزائر", "Algérie", "Algeria", "Argelia"),
        "ES": ("إسبانيا", "Espagne", "Spain", "España"),
        "FR": ("فرنسا", "France", "France", "Francia"),
        "GB": ("المملكة المتحدة", "Royaume-Uni", "United Kingdom", "Reino Unido"),
        "IT": ("إيطاليا", "Italie", "Italy", "Italia"),
        "NL": ("هولندا", "Pays-Bas", "Netherlands", "Países Bajos"),
        "QA": ("قطر", "Qatar", "Qatar", "Catar"),
        "SA": ("السعودية", "Arabie saoudite", "Saudi Arabia", "Arabia Saudí"),
        "TN": ("تونس", "Tunisie", "Tunisia", "Túnez"),
        "AE": ("الإمارات العربية المتحدة", "Émirats arabes unis", "United Arab Emirates", "Emiratos Árabes Unidos"),
        "US": ("الولايات المتحدة", "États-Unis", "United States", "Estados Unidos"),
        OTHER_COUNTRY: ("بلد آخر", "Autre pays", "Another country", "Otro país"),
    }
)
"""ISO 3166-1 alpha-2 → name, of the countries that the public form offers; `OTHER_COUNTRY` is any other."""
