"""What hurried thumbs do to a text: letters swapped, dropped and stretched, accents and full stops left out, emoji."""

from collections.abc import Callable
from random import Random

_ACCENTS = str.maketrans("àâäéèêëîïôöùûüçñáíóúÀÉÈÇ", "aaaeeeeiioouuucnaiouAEEC")
_HAMZA = str.maketrans("أإآىة", "اااي" + "ه")
_EMOJI = ("😡", "😭", "🙏", "😢", "⚠️", "‼️", "😔", "🙏🙏", "💔", "😱")
_STRETCHABLE = frozenset("aeiouyاوي!")


def disturb(rng: Random, text: str, arabic: bool) -> str:
    """`text` as a hurried person types it; about half of all texts come out unchanged."""
    if rng.random() < 0.5:
        return text
    for change in rng.sample(_CHANGES_ARABIC if arabic else _CHANGES_LATIN, rng.choice((1, 1, 2))):
        text = change(rng, text)
    return text


def emoji(rng: Random) -> str:
    """One to three emoji."""
    return "".join(rng.choices(_EMOJI, k=rng.choice((1, 1, 2, 3))))


def _swap_letters(rng: Random, text: str) -> str:
    at = _inside_a_word(rng, text)
    return text if at is None else text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _drop_letter(rng: Random, text: str) -> str:
    at = _inside_a_word(rng, text)
    return text if at is None else text[:at] + text[at + 1 :]


def _stretch(rng: Random, text: str) -> str:
    places = [i for i, letter in enumerate(text) if letter in _STRETCHABLE and not text[i + 1 : i + 2].isalpha()]
    if not places:
        return text
    at = rng.choice(places)
    return text[:at] + text[at] * rng.randrange(2, 5) + text[at:]


def _plain_letters(_rng: Random, text: str) -> str:
    return text.translate(_ACCENTS)


def _lower(_rng: Random, text: str) -> str:
    return text.lower()


def _no_apostrophe(_rng: Random, text: str) -> str:
    return text.replace("'", "")


def _shout(rng: Random, text: str) -> str:
    return text.upper() if rng.random() < 0.3 else text


def _no_hamza(_rng: Random, text: str) -> str:
    return text.translate(_HAMZA)


def _kashida(rng: Random, text: str) -> str:
    at = _inside_a_word(rng, text)
    return text if at is None else text[: at + 1] + "ـ" * rng.randrange(1, 4) + text[at + 1 :]


def _inside_a_word(rng: Random, text: str) -> int | None:
    """A place with letters before it and two after it, if a few throws find one."""
    for _ in range(4):
        at = rng.randrange(1, max(2, len(text) - 2))
        if text[at - 1 : at + 2].isalpha() and len(text) > at + 2:
            return at
    return None


_Change = Callable[[Random, str], str]
_CHANGES_LATIN: tuple[_Change, ...] = (
    _swap_letters,
    _drop_letter,
    _stretch,
    _plain_letters,
    _lower,
    _no_apostrophe,
    _shout,
)
_CHANGES_ARABIC: tuple[_Change, ...] = (_swap_letters, _drop_letter, _stretch, _no_hamza, _no_hamza, _kashida)
