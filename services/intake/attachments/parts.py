"""The parts that take files in, put together from settings: who takes, who knows the rows, who seals, who sweeps."""

import os
import tempfile
from typing import NamedTuple

from ibalagh.local.paths import home
from ibalagh.storage.leadership import Leadership
from ibalagh.storage.postgres import Database
from services.intake.attachments.blobs import Blobs
from services.intake.attachments.records import Records
from services.intake.attachments.sweep import Sweep
from services.intake.attachments.taking import Evidence, Limits, Making
from services.intake.attachments.vessel import Vessel
from services.intake.evidence.inspection import inspect
from services.intake.evidence.viewing import make_view
from services.intake.settings import IntakeSettings
from services.intake.vault import KeyProvider


class Parts(NamedTuple):
    """See the module's docstring. `blobs` is where it lies."""

    evidence: Evidence
    records: Records
    vessel: Vessel
    sweep: Sweep
    blobs: Blobs


def parts_of(settings: IntakeSettings, database: Database, keys: KeyProvider, secret: bytes) -> Parts:
    """The parts at work. `secret` keys the hashes of attachments' ids. Raises OSError when a folder cannot be made."""
    records = Records(database, lifetime_s=settings.evidence_staged_s)
    blobs = blobs_of(settings)
    vessel = Vessel(blobs, keys, os.urandom)
    spool = home() / "spool"
    spool.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Viewing copies are made there too: a container's /tmp is often memory, which is what must not be used for files.
    tempfile.tempdir = str(spool)
    limits = Limits(settings.evidence_file_bytes, settings.evidence_staged_bytes, settings.evidence_uploads)
    making = Making(inspect, make_view)
    evidence = Evidence(records, vessel, making, limits, secret=secret, random=os.urandom, spool=spool)
    sweep = Sweep(
        records,
        blobs,
        vessel,
        Leadership(database, f"{settings.topic_prefix}intake.evidence"),
        interval_s=settings.evidence_sweep_interval_s,
        orphan_after_s=settings.evidence_orphan_s,
        days=settings.evidence_days,
    )
    return Parts(evidence, records, vessel, sweep, blobs)


def blobs_of(settings: IntakeSettings) -> Blobs:
    """Where the settings say that evidence lies. Raises as `Blobs.at`."""
    url = settings.evidence_url
    return Blobs.at(None if url is None else url.get_secret_value(), home() / "evidence")
