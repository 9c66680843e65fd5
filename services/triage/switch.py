"""Which model decides, and which one in its shadow, while the worker runs: a promotion takes effect within seconds.

A loop looks at the pointers (`model.versions`) once a second, and reads a model when one was written; whoever decides
about a batch takes what is in use when the batch begins, which costs an attribute. What cannot be used is refused: it
is told in the log and in a metric, and everything stays as it is until a pointer is written again.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from ibalagh.ops.shutdown import Shutdown
from ibalagh.storage.postgres import Database
from services.triage.metrics import ModelMetrics
from services.triage.model import files, versions
from services.triage.model.linear import Model
from services.triage.policy import Policy, load, with_model
from services.triage.shadowing import Shadowing, Tallies

LOOK_EVERY_S: Final = 1.0
_log: Final = logging.getLogger(__name__)


class InUse(NamedTuple):
    """The policy that decides, and what decides in its shadow: a `handlers.Models` of one moment."""

    policy: Policy
    shadow: Shadowing | None


class Switch:
    """What is in use, over the folder of models. One thread looks; any thread may ask."""

    def __init__(self, folder: Path, metrics: ModelMetrics) -> None:
        """Raises ValueError when the pointer names no model: a worker that starts has none to stay with; OSError."""
        self._folder, self._metrics = folder, metrics
        self.tallies = Tallies()
        self._stamp = versions.stamp(folder)
        self._now = InUse(load(model_file=versions.in_use(folder)), None)
        self._take_over(versions.SHADOW)
        metrics.in_use(self._now.policy.version, self._shadow_version())

    def now(self) -> InUse:
        """What is in use now."""
        return self._now

    def policy(self) -> Policy:
        """The policy that is in use now."""
        return self._now.policy

    def look(self) -> None:
        """Take over what the pointers name, if one was written since the last look."""
        try:
            stamp = versions.stamp(self._folder)
        except OSError:
            return  # the folder is away for now: the next look will tell
        written = [
            pointer
            for pointer, old, new in zip((versions.POINTER, versions.SHADOW), self._stamp, stamp, strict=True)
            if old != new
        ]
        self._stamp = stamp
        for pointer in written:
            self._take_over(pointer)
        if written:
            self._metrics.in_use(self._now.policy.version, self._shadow_version())

    def run(
        self, shutdown: Shutdown, database: Database, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """The loop: looks, and writes what the shadow counted, until told to stop."""
        while not shutdown.wait(LOOK_EVERY_S):
            self.look()
            self.tallies.write(database, self._metrics, clock())
        self.tallies.write(database, self._metrics, clock())

    def _take_over(self, pointer: str) -> None:
        try:
            changed = self._promoted() if pointer == versions.POINTER else self._shadowed()
        except (ValueError, OSError) as error:
            self._metrics.refused(pointer)
            # The message names files of ours and versions: no report was near.
            _log.error("a model is refused, the old one stays", extra={"pointer": pointer, "reason": str(error)})
            return
        if changed is not self._now:
            self._now = changed
            self._metrics.switched(pointer)
            _log.info(
                "another model is in use", extra={"policy": changed.policy.version, "shadow": self._shadow_version()}
            )

    def _promoted(self) -> InUse:
        file = versions.in_use(self._folder)
        if file.stem == self._now.policy.model.version:
            return self._now
        return self._now._replace(policy=with_model(self._now.policy, _read(file)))

    def _shadowed(self) -> InUse:
        file, shadow = versions.shadowed(self._folder), self._now.shadow
        if file is None:
            return self._now if shadow is None else self._now._replace(shadow=None)
        if shadow is not None and file.stem == shadow.candidate.model.version:
            return self._now
        candidate = with_model(self._now.policy, _read(file))
        return self._now._replace(shadow=Shadowing(candidate, self.tallies, self._metrics))

    def _shadow_version(self) -> str | None:
        shadow = self._now.shadow
        return None if shadow is None else shadow.candidate.version


def _read(file: Path) -> Model:
    """The model that a pointer names. Raises ValueError for one of another version than its file says."""
    model = files.load(file)
    if file != files.FILE and file.stem != model.version:
        raise ValueError(f"{file.name} holds version {model.version}.")
    return model
