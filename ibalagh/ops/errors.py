"""What may be told about an error: its kind and where it was raised, never what it quotes.

Messages of errors quote their input (a row, a field, a number out of a text), and logs must hold nothing of a report.
"""

import traceback
from typing import Any, Final

_STRUCTURAL: Final = (TypeError, AttributeError, NameError, ImportError, NotImplementedError, AssertionError)
"""Errors about the program itself, whose messages name parts of the program."""
_OURS: Final = ("ibalagh.", "services.", "bench.")
_FRAMES: Final = 25


def describe_error(error: BaseException) -> dict[str, Any]:
    """Fields for a log: `error` (class), `frames` (file:line function, outermost first), `message` where it is known to
    quote nothing, `sqlstate` of a database error, `cause` (the same of the error that it came from)."""
    kind = type(error)
    fields: dict[str, Any] = {"error": f"{kind.__module__}.{kind.__qualname__}"}
    if isinstance(error, OSError):
        fields["message"] = error.strerror or ""
    elif isinstance(error, _STRUCTURAL) or kind.__module__.startswith(_OURS):
        fields["message"] = str(error)
    sqlstate = getattr(error, "pgcode", None)
    if sqlstate:
        fields["sqlstate"] = sqlstate
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    fields["frames"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        fields["cause"] = describe_error(cause)
    return fields
