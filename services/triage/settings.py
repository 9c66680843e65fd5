"""Settings of triage."""

from pathlib import Path
from typing import ClassVar, Final

from pydantic import Field

from ibalagh.local.paths import home
from ibalagh.web.sign_in_settings import SignInSettings


class TriageSettings(SignInSettings):
    """What triage is told by its environment."""

    service: ClassVar[str] = "triage"

    http_port: int = Field(8200, ge=0, le=65535, description="Port to listen on; 0 takes a free one")
    batch_max_records: int = Field(
        3000, ge=1, le=100_000, description="Most records handled in one transaction; more gain little and take memory"
    )
    desk_gather_s: float = Field(
        0.05, ge=0, le=5, description="Longest wait, in seconds, for more reports and decisions to take in at once"
    )
    second_opinion_most: int = Field(
        4, ge=0, le=1_000, description="Most reports in a batch that gets second opinions, 0.05 s each; 0: never"
    )
    claim_s: int = Field(
        300, ge=30, le=3_600, description="How long an analyst holds a report without renewing, in seconds"
    )
    desk_keep_days: int = Field(
        90, ge=1, le=3_650, description="Days that views of decided reports, and selections, are kept at the desk"
    )
    desk_tidy_interval_s: float = Field(
        3_600, gt=0, description="Seconds between two removals of what the desk keeps no longer"
    )
    text_timeout_s: float = Field(
        3.0, gt=0, le=30, description="Longest wait, in seconds, for a report's text to be read from the log"
    )


PROPOSED: Final = "proposed.npz"
"""The model, in the folder of models, that was proposed last."""


def models_folder() -> Path:
    """Where promoted models lie (`model.versions`): in the folder of the stack's state."""
    return home() / "triage" / "models"
