"""The words of triage's pages in the platform's four languages, by key; keys of closed lists are their values."""

from collections.abc import Mapping
from typing import Final

from ibalagh.web.words import CATEGORIES, URGENCIES, by_language
from services.triage.desk_words import DESK
from services.triage.model_words import MODELS
from services.triage.wellbeing_words import WELLBEING

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
    # the dialogue with the reporter
    "dialogue": (
        "الحوار مع المبلغ",
        "Dialogue avec le déclarant",
        "Dialogue with the reporter",
        "Diálogo con el denunciante",
    ),
    "no_dialogue": (
        "لم يضف المبلغ شيئا ولم يُراسَل.",
        "Rien n’a été ajouté ni écrit depuis le signalement.",
        "Nothing was added or written since the report.",
        "No se ha añadido ni escrito nada desde el aviso.",
    ),
    "news": (
        "جديد من المبلغين",
        "Nouveau de la part des déclarants",
        "New from reporters",
        "Novedades de los denunciantes",
    ),
    "new_from_reporter": (
        "جديد من المبلغ",
        "Nouveau de la part du déclarant",
        "New from the reporter",
        "Novedad del denunciante",
    ),
    "withdrawn": ("سحبه المبلغ", "Retiré par le déclarant", "Withdrawn by the reporter", "Retirado por el denunciante"),
    "withdrawn_hint": (
        "قد يكون المبلغ قد أُجبر على ذلك. القرار لك.",
        "Le déclarant y a peut-être été contraint. La décision vous appartient.",
        "The reporter may have been forced to. The decision is yours.",
        "Puede que le hayan obligado. La decisión es suya.",
    ),
    "message": ("رسالة إلى المبلغ", "Message au déclarant", "Message to the reporter", "Mensaje al denunciante"),
    "message_hint": (
        "يقرؤها المبلغ حين يدخل رمز المتابعة، وقد يقرؤها من عثر على الرمز. لا يظهر اسمك المستعار.",
        "Lu par qui saisit le code de suivi, donc aussi par qui l’aurait trouvé. Votre pseudonyme n’est pas montré.",
        "Read by whoever enters the receipt, so also by whoever found it. Your pseudonym is not shown.",
        "Lo lee quien introduce el código de seguimiento, incluso quien lo haya encontrado. Su seudónimo no se ve.",
    ),
    "send_message": ("إرسال الرسالة", "Envoyer le message", "Send the message", "Enviar el mensaje"),
    "message_sent": ("رسالة من محلل", "Message d’un analyste", "Message from an analyst", "Mensaje de un analista"),
    "sent": ("أُرسلت الرسالة.", "Le message est envoyé.", "The message was sent.", "El mensaje se ha enviado."),
    "amendment_addition": (
        "إضافة من المبلغ",
        "Complément du déclarant",
        "Addition by the reporter",
        "Añadido del denunciante",
    ),
    "amendment_correction": (
        "تصحيح من المبلغ",
        "Correction du déclarant",
        "Correction by the reporter",
        "Corrección del denunciante",
    ),
    "amendment_message": (
        "رسالة من المبلغ",
        "Message du déclarant",
        "Message from the reporter",
        "Mensaje del denunciante",
    ),
    "amendment_withdrawal": (
        "سحب المبلغ تبليغه",
        "Le déclarant a retiré son signalement",
        "The reporter withdrew the report",
        "El denunciante ha retirado su aviso",
    ),
    # why a decision changed nothing
    "stale_version": (
        "قرر شخص آخر في هذه الأثناء. راجع التبليغ كما هو الآن.",
        "Quelqu’un d’autre a décidé entre-temps. Relisez le signalement tel qu’il est maintenant.",
        "Somebody else decided meanwhile. Look at the report as it is now.",
        "Alguien ha decidido entretanto. Revise el aviso tal como está ahora.",
    ),
    "unknown_report": (
        "لا يوجد هذا التبليغ.",
        "Ce signalement n’existe pas.",
        "There is no such report.",
        "No existe este aviso.",
    ),
    "bad_decision": (
        "القرار لا يناسب الصنف أو التنظيم.",
        "La décision ne va pas avec la catégorie ou l’organisation.",
        "The decision does not fit the category or the organisation.",
        "La decisión no corresponde a la categoría o a la organización.",
    ),
    "unavailable": (
        "تعذر تسجيل القرار. أعد المحاولة بعد لحظات.",
        "La décision n’a pu être prise. Réessayez dans un instant.",
        "The decision could not be taken. Try again in a moment.",
        "La decisión no pudo registrarse. Inténtelo de nuevo en un momento.",
    ),
    # varieties of language
    "ar": ("العربية", "Arabe", "Arabic", "Árabe"),
    "ary": ("الدارجة", "Darija", "Darija", "Dariya"),
    "ary-Latn": (
        "الدارجة بحروف لاتينية",
        "Darija en lettres latines",
        "Darija in Latin letters",
        "Dariya en letras latinas",
    ),
    "fr": ("الفرنسية", "Français", "French", "Francés"),
    "en": ("الإنجليزية", "Anglais", "English", "Inglés"),
    "es": ("الإسبانية", "Espagnol", "Spanish", "Español"),
    "und": ("غير محددة", "Indéterminée", "Not known", "Sin determinar"),
    # kinds of indicators
    "url": ("رابط", "Lien", "Link", "Enlace"),
    "phone": ("هاتف", "Téléphone", "Phone", "Teléfono"),
    "handle": ("حساب", "Compte", "Account", "Cuenta"),
    "email": ("بريد إلكتروني", "Adresse électronique", "E-mail", "Correo electrónico"),
    "crypto": ("عنوان عملة مشفرة", "Adresse de cryptomonnaie", "Crypto-currency address", "Dirección de criptomoneda"),
    "file": ("ملف مرفق", "Fichier joint", "Attached file", "Archivo adjunto"),
    "iban": ("حساب بنكي", "Compte bancaire", "Bank account", "Cuenta bancaria"),
    # why a link is suspicious
    "mixed_script_link": (
        "عنوان بحروف من كتابات مختلفة، قد يقلد عنوانا آخر",
        "Adresse qui mêle des alphabets et en imite peut-être une autre",
        "Address that mixes alphabets and may imitate another",
        "Dirección que mezcla alfabetos y puede imitar otra",
    ),
    "lookalike_link": (
        "عنوان بحروف تشبه الحروف اللاتينية، قد يقلد عنوانا آخر",
        "Adresse en lettres qui ressemblent aux latines et en imite peut-être une autre",
        "Address in letters that look Latin and may imitate another",
        "Dirección con letras que parecen latinas y puede imitar otra",
    ),
    # why the machine decided as it did
    "explanation": ("لماذا هذا الصنف؟", "Pourquoi cette catégorie ?", "Why this category?", "¿Por qué esta categoría?"),
    "runner_up": ("الصنف الموالي", "Seconde catégorie", "Runner-up", "Segunda categoría"),
    "sure_at": ("الحد الأدنى لليقين", "Seuil de certitude", "Sure from", "Umbral de certeza"),
    "decisive": ("ما كان حاسما", "Déterminant", "Decisive", "Decisivo"),
    "by_words": ("كلمات النص", "les mots du texte", "the words of the text", "las palabras del texto"),
    "by_rules": ("القواعد", "les règles", "the rules", "las reglas"),
    "by_hint": ("ما اختاره المبلغ", "le choix du déclarant", "the reporter’s choice", "la elección del denunciante"),
    "by_second_opinion": ("الرأي الثاني", "le second avis", "the second opinion", "la segunda opinión"),
    "by_start": ("شيوع الصنف", "la fréquence de la catégorie", "how common it is", "la frecuencia de la categoría"),
    "by_none": ("لا شيء بمفرده", "rien à lui seul", "nothing alone", "nada por sí solo"),
    "spoke_for": ("كلمات رجحت الصنف", "Mots pour", "Words for it", "Palabras a favor"),
    "spoke_against": ("كلمات رجحت الصنف الموالي", "Mots contre", "Words against it", "Palabras en contra"),
    "rules_fired": ("القواعد المطابقة", "Règles reconnues", "Rules that fired", "Reglas que coinciden"),
    # what belongs together
    "campaign": ("حملة", "Campagne", "Campaign", "Campaña"),
    "campaign_reports": ("تبليغات", "signalements", "reports", "avisos"),
    "campaign_waiting": ("تنتظر", "en attente", "waiting", "pendientes"),
    "campaign_decided": ("آخر قرار فيها", "dernière décision", "latest decision", "última decisión"),
    "linked": ("تبليغات ذات صلة", "Signalements liés", "Linked reports", "Avisos vinculados"),
    "linked_by_person": ("ربطها شخص", "liés par une personne", "linked by a person", "vinculados por una persona"),
    "resembling": ("نصوص مشابهة", "textes ressemblants", "texts that resemble it", "textos parecidos"),
    "yes": ("نعم", "oui", "yes", "sí"),
    "minor_involved": ("قاصر معني", "Mineur concerné", "Minor involved", "Menor implicado"),
    "closed_messenger": ("تطبيق مغلق", "Messagerie fermée", "Closed messenger", "Mensajería cerrada"),
    "place": ("المكان", "Lieu", "Place", "Lugar"),
    # states
    "open": ("ينتظر", "en attente", "waiting", "pendiente"),
    "copy": (
        "ينتظر خلف تبليغ آخر من الحملة نفسها",
        "en attente derrière un autre de la même campagne",
        "waiting behind another of its campaign",
        "pendiente detrás de otra de su campaña",
    ),
    "decided": ("قرره محلل", "décidé par un analyste", "decided by an analyst", "decidido por un analista"),
    "straight": ("أحالته الآلة", "transmis par la machine", "sent on by the machine", "remitido por la máquina"),
}

WORDS: Final = by_language(CATEGORIES, URGENCIES, _TABLE, DESK, WELLBEING, MODELS)
"""Language → key → words."""
