"""Settings of stats: the shared ones, and what its windows call a surge."""

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
