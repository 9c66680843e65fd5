"""Settings of stats: the shared ones, what it publishes, and what its windows call a surge."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from ibalagh.ops.settings import Settings
from ibalagh.web.sign_in_settings import SignInSettings


class StatsSettings(SignInSettings):
    """Of the counters' process."""

    service: ClassVar[str] = "stats"

    http_port: int = Field(8400, ge=0, le=65535, description="Port to listen on; 0 takes a free one")
    batch_max_records: int = Field(
        10_000,
        ge=1,
        le=100_000,
        description="Most events counted in one transaction: each costs a row for every cell that it touches",
    )
    signing_key_file: Path | None = Field(
        None,
        description="File with the Ed25519 key that signs communiqués, 64 hexadecimal digits; unset: one is made in "
        "the stack's state",
    )
    earlier_signing_keys_file: Path | None = Field(
        None,
        description="File with the public keys that signed communiqués before, as /v1/public/keys.json gave them; they "
        "are published beside the present one; unset: stats-signing-earlier.json beside the key, if there is one",
    )
    smallest_count: int = Field(
        5,
        ge=2,
        le=1_000,
        description="Counts from 1 to one less than this are not published, nor what they could be worked out from",
    )
    public_cache_s: float = Field(
        30, ge=0, le=3_600, description="Seconds for which what is public is answered without asking the database"
    )
    verify_every_s: float = Field(
        86_400,
        ge=0,
        description="Seconds between two counts of the whole log, which are compared with the counters; 0: never",
    )
    verify_pause: float = Field(
        4,
        ge=0,
        le=1_000,
        description="How long such a count rests after each batch, in times of what the batch took: 4 is a fifth of a "
        "core at most",
    )
    deltas_every_s: float = Field(
        0.25, gt=0, le=60, description="Seconds between two looks for deltas to publish; the dashboard lags by it"
    )


class WindowsSettings(Settings):
    """Of the windows' process."""

    service: ClassVar[str] = "stats"

    http_port: int = Field(8450, ge=0, le=65535, description="Port to listen on; 0 takes a free one")
    surge_minimum: int = Field(30, ge=1, description="Fewer reports of a category than this in a window are no surge")
    surge_ratio: float = Field(3.0, gt=1, description="How many times the expected number makes a surge")
    windows_replication: int = Field(
        1, ge=1, le=10, description="Replication of the windows' changelog topic, which Faust creates itself"
    )
