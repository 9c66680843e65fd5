"""What the pages say about signing in, and the names of roles. Columns: Arabic, French, English, Spanish."""

from collections.abc import Mapping
from typing import Final

SIGN_IN: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "sign_in": ("الدخول", "Se connecter", "Sign in", "Entrar"),
    "sign_out": ("الخروج", "Se déconnecter", "Sign out", "Salir"),
    "signed_out": ("تم الخروج.", "Vous êtes déconnecté.", "You are signed out.", "Ha salido."),
    "sign_out_there": (
        "الخروج أيضا من خدمة الهوية",
        "Se déconnecter aussi du service d’identité",
        "Sign out of the identity service too",
        "Salir también del servicio de identidad",
    ),
    "by_provider": (
        "الدخول بحسابك المهني",
        "Se connecter avec votre compte professionnel",
        "Sign in with your work account",
        "Entrar con su cuenta profesional",
    ),
    "token": ("رمز الدخول", "Jeton d’accès", "Access token", "Clave de acceso"),
    "who": ("من أنت", "Qui êtes-vous", "Who you are", "Quién es"),
    "demo_accounts": (
        "حسابات للتجربة فقط: أشخاص من نسج الخيال.",
        "Comptes de démonstration : personnes inventées.",
        "Demonstration accounts: invented people.",
        "Cuentas de demostración: personas inventadas.",
    ),
    "not_set_up": (
        "لم يتم إعداد الدخول بعد. على المسؤول عن المنصة أن يعين خدمة للهوية.",
        "La connexion n’est pas configurée. L’exploitant doit indiquer un service d’identité.",
        "Signing in is not set up. The operator has to name an identity service.",
        "El acceso no está configurado. El operador debe indicar un servicio de identidad.",
    ),
    "wrong_token": (
        "رمز الدخول غير صحيح.",
        "Le jeton n’est pas le bon.",
        "The token is not right.",
        "La clave no es correcta.",
    ),
    "over": (
        "انتهت جلستك. المرجو الدخول من جديد.",
        "Votre session est terminée. Connectez-vous de nouveau.",
        "Your session is over. Please sign in again.",
        "Su sesión ha terminado. Entre de nuevo.",
    ),
    "failed": (
        "لم يتم الدخول. المرجو المحاولة من جديد.",
        "La connexion n’a pas abouti. Veuillez réessayer.",
        "Signing in did not work. Please try again.",
        "No se pudo entrar. Inténtelo de nuevo.",
    ),
    "no_role": (
        "ليست لحسابك أي صلاحية هنا. المرجو الاتصال بمن يدير الحسابات.",
        "Votre compte n’a aucun rôle ici. Adressez-vous à qui gère les comptes.",
        "Your account has no role here. Please ask whoever manages the accounts.",
        "Su cuenta no tiene ninguna función aquí. Consulte a quien gestiona las cuentas.",
    ),
    "shut_out": (
        "تم سحب حق دخولك إلى هذه الخدمة.",
        "Votre accès à ce service a été retiré.",
        "Your access to this service was withdrawn.",
        "Se le ha retirado el acceso a este servicio.",
    ),
    "away": (
        "خدمة الهوية لا تستجيب الآن. المرجو المحاولة بعد قليل.",
        "Le service d’identité ne répond pas. Réessayez dans un moment.",
        "The identity service does not answer now. Please try again shortly.",
        "El servicio de identidad no responde. Inténtelo dentro de un momento.",
    ),
    "not_allowed": ("غير مسموح", "Non autorisé", "Not allowed", "No permitido"),
    "not_allowed_why": (
        "لا تسمح لك صلاحياتك بهذا. وقد تم تسجيل المحاولة.",
        "Vos rôles ne le permettent pas. La tentative a été notée.",
        "Your roles do not allow this. The attempt was noted.",
        "Sus funciones no lo permiten. El intento se ha anotado.",
    ),
    "needed": ("الصلاحية المطلوبة", "Droit nécessaire", "What it needs", "Permiso necesario"),
    "first_page": ("الصفحة الأولى", "Première page", "First page", "Página inicial"),
    "audit": ("سجل الاطلاع", "Journal des accès", "Who saw and did what", "Registro de accesos"),
    "at": ("الوقت (UTC)", "Moment (UTC)", "Time (UTC)", "Momento (UTC)"),
    "person": ("الشخص", "Personne", "Person", "Persona"),
    "action": ("الفعل", "Acte", "Action", "Acción"),
    "subject": ("الموضوع", "Objet", "Subject", "Objeto"),
    "permission": ("الصلاحية", "Droit", "Permission", "Permiso"),
    "detail": ("التفصيل", "Détail", "Detail", "Detalle"),
    "filter": ("بحث", "Chercher", "Filter", "Filtrar"),
    "older": ("الأقدم", "Plus anciens", "Older", "Anteriores"),
    "nothing": ("لا شيء.", "Rien.", "Nothing.", "Nada."),
}
"""Alerts are keyed by their code; `sign_in.html` shows `failed` for a code that has no text."""

ROLES: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "role_analyst": ("محلل", "Analyste", "Analyst", "Analista"),
    "role_senior_analyst": ("محلل رئيسي", "Analyste principal", "Senior analyst", "Analista principal"),
    "role_custodian": ("أمين الهويات", "Gardien des identités", "Custodian", "Custodio"),
    "role_officer": ("ضابط", "Officier", "Officer", "Oficial"),
    "role_prosecutor": ("نيابة عامة", "Parquet", "Prosecutor", "Fiscal"),
    "role_operator": ("مشرف التشغيل", "Exploitant", "Operator", "Operador"),
    "role_auditor": ("مدقق", "Auditeur", "Auditor", "Auditor"),
    "role_admin": ("مدير الحسابات", "Administrateur", "Administrator", "Administrador"),
}
"""`role_<role>` for every `Role`."""
