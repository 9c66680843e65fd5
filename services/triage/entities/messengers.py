"""In which closed messenger a thing takes place, from the messengers that a text names and the links that it holds."""

from collections.abc import Iterable, Sequence
from typing import Final

_OF_HOST: Final = {
    "t.me": "telegram",
    "telegram.me": "telegram",
    "wa.me": "whatsapp",
    "chat.whatsapp.com": "whatsapp",
    "api.whatsapp.com": "whatsapp",
    "m.me": "messenger",
    "signal.me": "signal",
    "signal.group": "signal",
    "invite.viber.com": "viber",
    "join.skype.com": "skype",
}


def closed_messenger(named: Sequence[str], urls: Iterable[str]) -> str | None:
    """One of telegram, whatsapp, viber, skype, signal, messenger; None for none. Of several, the one that a link leads
    to, else the last that is named: people tell the way there first ("from Messenger he took me to Telegram")."""
    for url in urls:
        messenger = _OF_HOST.get(url.partition("/")[0])
        if messenger is not None:
            return messenger
    return named[-1] if named else None
