"""The three fates of an error: invalid → dead letter, passing → retry or pause, anything else → crash loudly."""


class InvalidRecordError(Exception):
    """A record that no retry will make readable. `reason` is a short code without any of the record's content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PassingError(Exception):
    """Something is away for now (broker, database): the same call may succeed later."""


class ConflictError(PassingError):
    """Another worker got there first; the same batch succeeds on the next try, at once."""


class AbortableError(Exception):
    """The transaction must be aborted and the batch read again; the producer is still good."""


class UnknownOutcomeError(Exception):
    """Whether the commit took effect is unknown: throw the producer away, read the committed positions, go on."""


class FatalStreamError(Exception):
    """Going on is pointless or dangerous: crash and be restarted."""
