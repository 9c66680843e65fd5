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
    unposted_see: Literal["by_sign_in", "everything", "nothing"] = Field(
        "by_sign_in",
        description="What a person without a posting (`ibalagh postings`) sees; by sign-in: nothing where an issuer"
        " signs people in, everything in the demonstration",
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

    @property
    def unposted_see_everything(self) -> bool:
        """Whether whoever has no posting sees all cases."""
        if self.unposted_see == "by_sign_in":
            return not self.oidc_issuer
        return self.unposted_see == "everything"
