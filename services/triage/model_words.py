"""The words of what is said about models: the one in the shadow, and whether a second opinion was heard."""

from collections.abc import Mapping
from typing import Final

MODELS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    # key: Arabic, French, English, Spanish
    "shadow": ("نموذج مقترح", "Modèle proposé", "A proposed model", "Un modelo propuesto"),
    "shadow_is": (
        "يقرر نموذج مقترح في كل تبليغ إلى جانب النموذج المعمول به. قراره لا أثر له: تحصى الفروق فقط.",
        "Un modèle proposé décide de chaque signalement à côté de celui en service. Sa décision reste sans effet: "
        "seules les différences sont comptées.",
        "A proposed model decides about each report beside the one in use. Its decision has no effect: only the "
        "differences are counted.",
        "Un modelo propuesto decide sobre cada aviso junto al que está en uso. Su decisión no tiene efecto: solo se "
        "cuentan las diferencias.",
    ),
    "no_shadow": (
        "لم يقرر أي نموذج مقترح بعد.",
        "Aucun modèle proposé n’a encore décidé.",
        "No proposed model has decided yet.",
        "Ningún modelo propuesto ha decidido todavía.",
    ),
    "proposed_model": ("النموذج المقترح", "Modèle proposé", "Proposed model", "Modelo propuesto"),
    "model_in_use": ("النموذج المعمول به", "Modèle en service", "Model in use", "Modelo en uso"),
    "decided_by_both": ("قررا فيها معا", "Décidés par les deux", "Decided by both", "Decididos por ambos"),
    "decided_otherwise": ("قررا فيها بشكل مختلف", "Décidés autrement", "Decided otherwise", "Decididos de otro modo"),
    "from_to": ("من – إلى (UTC)", "Du – au (UTC)", "From – to (UTC)", "Desde – hasta (UTC)"),
    "second_opinion": ("الرأي الثاني", "Second avis", "Second opinion", "Segunda opinión"),
    "second_asked": (
        "سمع عند القرار، وطلب هنا من جديد",
        "entendu lors de la décision, et demandé ici à nouveau",
        "heard when it was decided, and asked here again",
        "escuchada al decidir, y pedida aquí de nuevo",
    ),
    "second_not_heard": (
        "لم تسمعه الآلة عند قرارها (كثرة التبليغات حينها)، فلم يطلب هنا",
        "pas entendu par la machine quand elle a décidé (trop de signalements alors), donc pas demandé ici",
        "not heard by the machine when it decided (too many reports then), so not asked here",
        "no escuchada por la máquina al decidir (demasiados avisos entonces), así que no se pide aquí",
    ),
    "second_away": (
        "سمع عند القرار، لكنه غير متاح هنا: الأسباب المعروضة بدونه",
        "entendu lors de la décision, mais indisponible ici: les raisons montrées sont sans lui",
        "heard when it was decided, but not available here: the reasons shown are without it",
        "escuchada al decidir, pero no disponible aquí: las razones mostradas son sin ella",
    ),
    "second_unknown": (
        "قرار الآلة لم يحفظ، فلا يعرف هل سمعته: الأسباب المعروضة بدونه",
        "la décision de la machine n’est pas conservée, on ne sait s’il fut entendu: raisons montrées sans lui",
        "the machine's decision was not kept, so whether it was heard is unknown: the reasons shown are without it",
        "la decisión de la máquina no se conservó y no se sabe si fue escuchada: las razones mostradas son sin ella",
    ),
}
