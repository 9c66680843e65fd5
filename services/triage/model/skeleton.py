"""What is left of a word when spelling is taken away: its consonants, the same for both scripts of Darija.

Vowels and ع go, sounds that Latin letters do not tell apart fall together (ح with ه and 7 and h, ق with ك and 9 and q),
digraphs are one sound, doubled letters one. So «كيهددني», «kayhedadni» and «kayheddedni» are one word, khdn. Letters of
French, English and Spanish go the same way, which forgives misspelling there.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.triage.normalise import encode

_SOUNDS: Final = {
    **dict.fromkeys("حه7h", "h"),
    **dict.fromkeys("خ5x", "x"),
    **dict.fromkeys("غ8g", "g"),
    **dict.fromkeys("قك9qk", "k"),
    **dict.fromkeys("شc", "c"),
    **dict.fromkeys("سصs", "s"),
    **dict.fromkeys("ذظضدd", "d"),
    **dict.fromkeys("تطثt", "t"),
    **dict.fromkeys("بbp", "b"),
    **dict.fromkeys("فfv", "f"),
    **dict.fromkeys("جj", "j"),
    **dict.fromkeys("زz", "z"),
    **dict.fromkeys("لl", "l"),
    **dict.fromkeys("مm", "m"),
    **dict.fromkeys("نn", "n"),
    **dict.fromkeys("رr", "r"),
    **dict.fromkeys("اويعaeiouyw32", ""),
}
_DIGRAPHS: Final = {"k": "x", "c": "c", "s": "c", "g": "g"}
"""Letters that an h after them changes, and to what."""
_DROPPED: Final = 0


_SOUND_OF: Final = np.arange(256, dtype=np.uint8)
"""What is neither of these letters nor a digit with a sound keeps its own code."""
for _letter, _sound in _SOUNDS.items():
    _SOUND_OF[encode(_letter)[0]] = ord(_sound) if _sound else _DROPPED
_BEFORE_H: Final = np.zeros(256, np.uint8)
for _letter, _becomes in _DIGRAPHS.items():
    _BEFORE_H[ord(_letter)] = ord(_becomes)
_H: Final = ord("h")


def skeleton(letters: NDArray[np.uint8], begins: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The skeletons of texts that stand one after another (`features.Joined`), in the same form."""
    sounds, begins, _ = reduced(letters, begins)
    return sounds, begins


def reduced(
    letters: NDArray[np.uint8], begins: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """As `skeleton`, and the place in `letters` of each letter that is left."""
    sounds = _SOUND_OF[letters]
    digraph = np.flatnonzero((letters[1:] == _H) & (_BEFORE_H[letters[:-1]] != 0))
    sounds[digraph] = _BEFORE_H[letters[digraph]]
    sounds[digraph + 1] = _DROPPED
    kept = sounds != _DROPPED
    kept[begins] = True
    sounds, whole = sounds[kept], np.cumsum(kept) - 1
    begins = whole[begins]
    single = np.ones(len(sounds), bool)
    single[1:] = sounds[1:] != sounds[:-1]
    single[begins] = True
    return sounds[single], (np.cumsum(single) - 1)[begins], np.flatnonzero(kept)[single]
