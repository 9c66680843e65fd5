"""The words of a case file in the platform's four languages, by key, with those of referral's pages."""

from collections.abc import Mapping
from typing import Any, Final

from services.referral.words import WORDS as PAGES

_TABLE: Final[Mapping[str, tuple[str, str, str, str]]] = {
    # key: Arabic, French, English, Spanish
    "case_file": ("ملف القضية", "Dossier de procédure", "Case file", "Expediente del caso"),
    "platform": (
        "منصة إبلاغ: ملف موجه إلى القضاء",
        "Plateforme Ibalagh : pièce destinée à la justice",
        "Ibalagh platform: a file for the court",
        "Plataforma Ibalagh: documento para la justicia",
    ),
    "confidential": (
        "سري: لا يطلع عليه إلا من تخوله مهامه ذلك.",
        "Confidentiel : réservé aux personnes dont les fonctions l’exigent.",
        "Confidential: for those only whose duties require it.",
        "Confidencial: solo para quienes lo necesiten por su función.",
    ),
    "presumption": (
        "التبليغات أقوال أصحابها، وكل شخص بريء إلى أن تثبت إدانته.",
        "Les signalements n’engagent que leurs auteurs ; toute personne est présumée innocente.",
        "Reports are what their senders say; everybody is presumed innocent.",
        "Los avisos son dichos de sus autores; toda persona se presume inocente.",
    ),
    "case_number": ("رقم القضية", "Numéro du dossier", "Case number", "Número del caso"),
    "identifier": ("المعرّف", "Identifiant", "Identifier", "Identificador"),
    "place": ("المكان (الرمز)", "Lieu (code)", "Place (code)", "Lugar (código)"),
    "stated_place": ("المكان حسب المبلّغ", "Lieu indiqué", "Place as stated", "Lugar indicado"),
    "platform_stated": ("المنصة حسب المبلّغ", "Plateforme indiquée", "Platform as stated", "Plataforma indicada"),
    "opened_at": ("تاريخ فتح القضية", "Ouverture du dossier", "Opened", "Apertura"),
    "court": ("المحكمة الابتدائية", "Juridiction de première instance", "Court of first instance", "Primera instancia"),
    "appeal": ("محكمة الاستئناف", "Cour d’appel", "Court of appeal", "Tribunal de apelación"),
    "competence": ("الاختصاص", "Compétence", "Competence", "Competencia"),
    "table": ("الجدول", "Table", "Table", "Tabla"),
    "valid_from": ("سارٍ منذ", "En vigueur depuis", "Valid from", "En vigor desde"),
    "unconfirmed": (
        "المصلحة والمحكمة بيانات مرجعية لم يؤكدها المشغّل بعد.",
        "Le service et la juridiction sont des données de référence que l’exploitant n’a pas encore confirmées.",
        "Service and court are reference data that the operator has not confirmed yet.",
        "El servicio y el tribunal son datos de referencia que el operador aún no ha confirmado.",
    ),
    "log_position": ("الموضع في السجل", "Position dans le journal", "Position in the log", "Posición en el registro"),
    "record_sha256": ("بصمة SHA-256 للتسجيل", "SHA-256 de l’enregistrement", "SHA-256 of the record", "SHA-256"),
    "received_on_day": ("يوم الورود", "Jour de réception", "Day of receipt", "Día de recepción"),
    "received_at": ("ورد في", "Reçu le", "Received", "Recibido"),
    "links": ("الروابط", "Liens", "Links", "Enlaces"),
    "seen_at": ("شوهد في", "Constaté le", "Seen", "Visto"),
    "text": ("نص التبليغ كما ورد", "Texte tel que reçu", "Text as received", "Texto tal como se recibió"),
    "text_gone": (
        "لم يعد النص في السجل: انتهت مدة حفظه.",
        "Le texte n’est plus dans le journal : sa durée de conservation est écoulée.",
        "The text is not in the log any more: it was kept as long as it may be.",
        "El texto ya no está en el registro: terminó su plazo de conservación.",
    ),
    "not_listed": (
        "تبليغات أخرى غير مدرجة هنا:",
        "Autres signalements, non repris ici :",
        "Further reports, not listed here:",
        "Otros avisos, no incluidos aquí:",
    ),
    "evidence": ("الأدلة", "Pièces à conviction", "Evidence", "Pruebas"),
    "no_evidence_files": ("لا توجد ملفات.", "Aucun fichier.", "No files.", "Ningún archivo."),
    "file": ("الملف", "Fichier", "File", "Archivo"),
    "media_type": ("النوع", "Type", "Type", "Tipo"),
    "size": ("الحجم (بايت)", "Taille (octets)", "Size (bytes)", "Tamaño (bytes)"),
    "evidence_note": (
        "بصمات الملفات كما أُرسلت. الأصول مختومة ولا تُفتح إلا بإذن يُقيَّد.",
        "Empreintes des fichiers tels qu’envoyés. Les originaux sont scellés ; toute ouverture est notée.",
        "Digests of the files as they were sent. The originals are sealed; whoever opens one is recorded.",
        "Huellas de los archivos tal como se enviaron. Los originales están sellados; toda apertura queda registrada.",
    ),
    "no_suspects": ("لم تحدد هوية أحد.", "Personne n’est identifié.", "Nobody is identified.", "Nadie identificado."),
    "reference": ("المرجع", "Référence", "Reference", "Referencia"),
    "timeline": ("التسلسل الزمني", "Chronologie", "Timeline", "Cronología"),
    "custody": ("سلسلة الحيازة", "Chaîne de conservation", "Chain of custody", "Cadena de custodia"),
    "custody_until": (
        "من اطلع على القضية أو عمل عليها، إلى غاية:",
        "Qui a consulté le dossier ou agi sur lui, jusqu’au (UTC) :",
        "Who saw the case or acted on it, until:",
        "Quién vio el caso o actuó sobre él, hasta:",
    ),
    "no_custody": ("لا أحد.", "Personne.", "Nobody.", "Nadie."),
    "row": ("القيد", "Ligne", "Row", "Fila"),
    "action": ("الفعل", "Acte", "Act", "Acto"),
    "viewed": ("اطلاع", "Consultation", "Viewed", "Consulta"),
    "exported": ("استخراج الملف", "Export du dossier", "File exported", "Exportación"),
    "details": ("تفاصيل", "Détails", "Details", "Detalles"),
    "signatures": ("التوقيعات", "Signatures", "Signatures", "Firmas"),
    "officer": ("ضابط الشرطة القضائية", "Officier de police judiciaire", "Judicial police officer", "Policía judicial"),
    "prosecutor_signs": ("النيابة العامة", "Ministère public", "Public prosecutor", "Ministerio público"),
    "registrar": ("كتابة الضبط", "Greffe", "Registrar", "Secretaría"),
    "name_date_seal": (
        "الاسم والتاريخ والخاتم",
        "Nom, date et cachet",
        "Name, date and stamp",
        "Nombre, fecha y sello",
    ),
    "sealed": (
        "هذا الملف مختوم إلكترونيا (Ed25519). يتضمن البيانات نفسها في case-file.json. للتحقق دون اتصال:",
        "Ce fichier est scellé par signature Ed25519 et contient les mêmes données dans case-file.json. "
        "Vérification hors ligne :",
        "This file is sealed by an Ed25519 signature and holds the same data as case-file.json. To check it offline:",
        "Este archivo está sellado con una firma Ed25519 y contiene los mismos datos (case-file.json). Para verificar:",
    ),
    "key": ("المفتاح", "Clé", "Key", "Clave"),
    "page": ("صفحة", "Page", "Page", "Página"),
    "unknown": ("غير معروف", "Inconnu", "Unknown", "Desconocido"),
    "across_regions": (
        "تبليغات من جهات عدة",
        "Signalements de plusieurs régions",
        "Reports of several regions",
        "Avisos de varias regiones",
    ),
}

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    language: {**pages, **{key: words[number] for key, words in _TABLE.items()}}
    for number, (language, pages) in enumerate(PAGES.items())
}
"""Language → key → words."""

_CODES: Final = ("category", "previous_category", "case_category", "clock", "result")
"""Details whose values are codes that have words."""


def event(type_: str, language: str) -> str:
    """What a type of event is called: `ibalagh.case.opened.v1`."""
    name = ".".join(type_.split(".")[1:-1])
    return WORDS[language].get(name, name)


def details(detail: Mapping[str, Any], language: str) -> str:
    """What an event says besides, on a line."""
    say = WORDS[language]
    return " · ".join(
        f"{say.get(name, name)}: {say.get(value, value) if name in _CODES else value}" for name, value in detail.items()
    )
