"""What a communiqué says besides the names of its figures, in Arabic, French, English and Spanish."""

from collections.abc import Mapping
from typing import Final

PRESS_WORDS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "table_reports": ("التبليغات المعالجة", "Signalements traités", "Reports processed", "Denuncias tramitadas"),
    "table_reporters": ("المبلغون", "Déclarants", "Reporters", "Denunciantes"),
    "table_origin": ("مصدر التبليغات", "Provenance", "Origin", "Procedencia"),
    "table_region": ("حسب الجهة", "Par région", "By region", "Por región"),
    "table_urgency": ("حسب درجة الاستعجال", "Par urgence", "By urgency", "Por urgencia"),
    "table_channel": ("حسب قناة التبليغ", "Par voie de réception", "By channel", "Por vía de entrada"),
    "table_outcomes": ("نتائج الأبحاث", "Suites judiciaires", "Outcomes", "Resultados"),
    "other_countries": ("دول أخرى", "Autres pays", "Other countries", "Otros países"),
    "region:unknown": (
        "مكان غير محدد أو خارج المغرب",
        "Lieu inconnu ou à l'étranger",
        "Place unknown or abroad",
        "Lugar desconocido o en el extranjero",
    ),
    "urgency:3": ("خطر محدق", "Danger imminent", "Immediate danger", "Peligro inminente"),
    "urgency:2": ("مستعجل", "Urgence élevée", "High", "Urgencia alta"),
    "urgency:1": ("قريب الأجل", "À traiter sans tarder", "Soon", "Pronto"),
    "urgency:0": ("عادي", "Ordinaire", "Routine", "Ordinaria"),
    "channel:form": ("الاستمارة", "Formulaire", "Form", "Formulario"),
    "channel:api": ("واجهة برمجية", "Interface de programmation", "Programming interface", "Interfaz de programación"),
    "channel:batch": ("دفعات", "Lots", "Batches", "Lotes"),
    "channel:partner": ("شركاء", "Partenaires", "Partners", "Socios"),
    "before": ("الفترة السابقة", "Période préc.", "Before", "Antes"),
    "change": ("التغير", "Évolution", "Change", "Variación"),
    "compared": (
        "مقارنة بالفترة من {first} إلى {last}",
        "Comparaison avec la période du {first} au {last}",
        "Compared with the period from {first} to {last}",
        "Comparación con el periodo del {first} al {last}",
    ),
    "left_out": (
        "* رقم محجوب حماية للأشخاص: الأعداد من 1 إلى {most}، وما يمكن من استنتاجها",
        "* Chiffre non publié, pour protéger les personnes : nombres de 1 à {most} et ceux qui permettraient "
        "de les déduire",
        "* Not published, to protect people: counts from 1 to {most}, and those from which they could be worked out",
        "* No se publica, para proteger a las personas: cifras de 1 a {most} y las que permitirían deducirlas",
    ),
    "exact": (
        "أرقام كاملة للاستعمال الداخلي فقط: غير صالحة للنشر",
        "Chiffres complets, à usage interne : ne pas publier",
        "Complete figures, for internal use: not for publication",
        "Cifras completas, de uso interno: no publicar",
    ),
    "basis": (
        "تُحسب التبليغات حسب يوم ورودها، وأعمال البحث حسب يوم وقوعها",
        "Les signalements sont comptés au jour de leur réception, les suites au jour de l'acte",
        "Reports are counted on the day on which they came in, acts on the day on which they happened",
        "Las denuncias se cuentan el día de su recepción, los actos el día en que ocurrieron",
    ),
    "log": ("مواقع السجل", "Positions du journal", "Positions of the log", "Posiciones del registro"),
    "key": ("المفتاح", "Clé", "Key", "Clave"),
    "signature": ("التوقيع (Ed25519)", "Signature (Ed25519)", "Signature (Ed25519)", "Firma (Ed25519)"),
    "communique": ("البلاغ", "Communiqué", "Communiqué", "Comunicado"),
    "from_day": ("من يوم", "Du", "From", "Desde"),
    "to_day": ("إلى يوم", "Au", "To", "Hasta"),
    "show": ("عرض", "Afficher", "Show", "Mostrar"),
    "download": ("تنزيل", "Télécharger", "Download", "Descargar"),
    "internal": ("أرقام كاملة (داخلي)", "Chiffres complets (interne)", "Complete (internal)", "Completas (interno)"),
    "releases": ("البلاغات الصادرة", "Communiqués publiés", "Published communiqués", "Comunicados publicados"),
    "no_releases": ("لا شيء بعد", "Aucun pour l'instant", "None yet", "Ninguno todavía"),
    "to_dashboard": ("لوحة الأرقام", "Tableau de bord", "Dashboard", "Panel de cifras"),
}
"""Name → it in the order of `services.stats.wording.LANGUAGES`."""
