"""Settings of referral."""

from typing import ClassVar, Literal

from pydantic import Field

from ibalagh.web.sign_in_settings import SignInSettings


class ReferralSettings(SignInSettings):
    """What referral is told by its environment."""

    service: ClassVar[str] = "referral"

    http_port: int = Field(8300, ge=0, le=65535, description="Port to listen on; 0 takes a free one")
    batch_max_records: int = Field(
        2500, ge=1, le=100_000, description="Most records handled in one transaction; more gain nothing and take memory"
    )
    unposted_see: Literal["everything", "nothing"] = Field(
        "everything",
        description="What a person without a posting (`ibalagh postings`) sees: nothing, where services share it",
    )
