"""Settings of referral."""

from pathlib import Path
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
    signing_key_file: Path | None = Field(
        None,
        description="File with the Ed25519 key that seals case files, 64 hexadecimal digits; unset: one is made in the "
        "stack's state",
    )
    earlier_signing_keys_file: Path | None = Field(
        None,
        description="File with the public keys that sealed case files before, as `ibalagh case keys` printed them; "
        "unset: referral-signing-earlier.json beside the key, if there is one",
    )
