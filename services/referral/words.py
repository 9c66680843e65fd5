"""The words of referral's pages in the platform's four languages, by key; keys of closed lists are their values."""

from collections.abc import Mapping
from typing import Final

from ibalagh.web.words import CATEGORIES, URGENCIES, by_language

_TABLE: Final[Mapping[str, tuple[str, str, str, str]]] = {
    # key: Arabic, French, English, Spanish
    "referral": ("الإحالة", "Transmission", "Referral", "Remisión"),
    "cases": ("القضايا", "Dossiers", "Cases", "Casos"),
    "case": ("قضية", "Dossier", "Case", "Caso"),
    "no_cases": ("لا توجد قضايا.", "Aucun dossier.", "No cases.", "Ningún caso."),
    "next_page": ("الصفحة التالية", "Page suivante", "Next page", "Página siguiente"),
    "state": ("الحالة", "État", "State", "Estado"),
    "category": ("الصنف", "Catégorie", "Category", "Categoría"),
    "service": ("المصلحة", "Service", "Service", "Servicio"),
    "prosecutor": ("النيابة العامة", "Parquet", "Prosecutor", "Fiscalía"),
    "urgency": ("الاستعجال", "Urgence", "Urgency", "Urgencia"),
    "reports": ("التبليغات", "Signalements", "Reports", "Avisos"),
    "received_on": ("تاريخ أول تبليغ", "Premier signalement", "First report", "Primer aviso"),
    "rule": ("قاعدة الاختصاص", "Règle de compétence", "Competence rule", "Regla de competencia"),
    "suspects": ("المشتبه فيهم", "Suspects", "Suspects", "Sospechosos"),
    "history": ("السجل", "Historique", "History", "Historial"),
    "version": ("الإصدار", "Version", "Version", "Versión"),
    "when": ("متى", "Quand", "When", "Cuándo"),
    "who": ("من", "Qui", "Who", "Quién"),
    "event": ("الحدث", "Événement", "Event", "Suceso"),
    "actions": ("الإجراءات الممكنة", "Actions possibles", "Possible actions", "Acciones posibles"),
    "no_actions": ("لا إجراء ممكن.", "Aucune action possible.", "No action is possible.", "Ninguna acción posible."),
    "occurred_at": (
        "وقت الوقوع (UTC، فارغ: الآن)",
        "Moment (UTC ; vide : maintenant)",
        "When it happened (UTC; empty: now)",
        "Momento (UTC; vacío: ahora)",
    ),
    "reason": ("السبب", "Motif", "Reason", "Motivo"),
    "suspect_ref": ("مرجع المشتبه فيه", "Référence du suspect", "Suspect's reference", "Referencia del sospechoso"),
    "result": ("النتيجة", "Résultat", "Result", "Resultado"),
    "all": ("الكل", "Tous", "All", "Todos"),
    "filter": ("تصفية", "Filtrer", "Filter", "Filtrar"),
    "applied": ("تم الإجراء.", "C’est fait.", "Done.", "Hecho."),
    "pending": (
        "قُبل الإجراء ويُعالج الآن.",
        "Action acceptée, en cours de traitement.",
        "Accepted, being handled.",
        "Aceptada, en curso.",
    ),
    "refused": ("رُفض الإجراء", "Action refusée", "Refused", "Rechazada"),
    # states of a case and of a suspect
    "referred": ("محالة", "Transmis", "Referred", "Remitido"),
    "accepted": ("مقبولة", "Accepté", "Accepted", "Aceptado"),
    "declined": ("مرفوضة", "Décliné", "Declined", "Declinado"),
    "investigation": ("قيد البحث", "En enquête", "Under investigation", "En investigación"),
    "closed": ("مغلقة", "Clos", "Closed", "Cerrado"),
    "identified": ("محدد الهوية", "Identifié", "Identified", "Identificado"),
    "presented": ("قُدِّم أمام العدالة", "Déféré", "Presented", "Puesto a disposición"),
    "searched": ("مبحوث عنه", "Recherché", "Searched for", "En búsqueda"),
    # actions
    "accept": ("قبول", "Accepter", "Accept", "Aceptar"),
    "decline": ("رفض", "Décliner", "Decline", "Declinar"),
    "reroute": ("إعادة التوجيه", "Réorienter", "Re-route", "Reenviar"),
    "open_investigation": ("فتح بحث قضائي", "Ouvrir l’enquête", "Open the investigation", "Abrir la investigación"),
    "identify_suspect": ("تحديد مشتبه فيه", "Identifier un suspect", "Identify a suspect", "Identificar a alguien"),
    "present_suspect": ("تقديم أمام العدالة", "Déférer un suspect", "Present a suspect", "Poner a disposición"),
    "issue_search_notice": (
        "إصدار مذكرة بحث",
        "Émettre un avis de recherche",
        "Issue a search notice",
        "Emitir orden de búsqueda",
    ),
    "close": ("إغلاق", "Clore", "Close", "Cerrar"),
    # results
    "prosecuted": ("متابعة", "Poursuites", "Prosecuted", "Enjuiciado"),
    "no_offence": ("لا جريمة", "Pas d’infraction", "No offence", "Sin delito"),
    "no_evidence": ("لا دليل", "Pas de preuve", "No evidence", "Sin pruebas"),
    "author_unknown": ("الفاعل مجهول", "Auteur inconnu", "Author unknown", "Autor desconocido"),
}

WORDS: Final = by_language(CATEGORIES, URGENCIES, _TABLE)
"""Language → key → words."""
