"""Settings of the services that people sign in to."""

import ipaddress
from enum import Enum
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from ibalagh.ops.settings import Settings
from ibalagh.web.roles import Role


class How(Enum):
    """How people sign in."""

    PROVIDER = "by an OpenID provider"
    DEMO = "as one of the demonstration's people, with the interface's token"
    NOT = "not at all: nothing is set up for it"


class SignInSettings(Settings):
    """What a service with pages is told besides. Without an issuer there are only the demonstration's people."""

    oidc_issuer: str = Field(
        "", description="OpenID provider that people sign in by: its issuer, as its discovery document says it"
    )
    oidc_client_id: str = Field("", description="This platform's client id with the provider")
    oidc_client_secret_file: Path | None = Field(None, description="File with the client's secret")
    oidc_roles_claim: str = Field(
        "roles", min_length=1, description="Claim of the person's roles, with dots for one inside another"
    )
    oidc_roles: dict[str, Role] = Field(
        default_factory=dict,
        description='The provider\'s names of our roles as JSON, {"grp-desk": "analyst"}; empty: its names are ours',
    )
    sign_in_key_file: Path | None = Field(
        None, description="File with the key (32 bytes or more) of pseudonyms; the same for all services, kept for ever"
    )
    site_url: str = Field(
        "", description="Where browsers reach this service's pages, e.g. https://triage.example; needed with an issuer"
    )
    demo_accounts: Literal["loopback", "anywhere", "never"] = Field(
        "loopback", description="Where the demonstration's people may sign in when there is no issuer"
    )
    session_s: int = Field(28_800, ge=60, description="How long a sign-in to the pages lasts at most, in seconds")
    session_idle_s: int = Field(1800, ge=60, description="Seconds without a request after which a sign-in is over")
    roles_recheck_s: int = Field(
        60, ge=0, description="Oldest, in seconds, that roles may be before the provider is asked again"
    )
    roles_grace_s: int = Field(
        600, ge=0, description="How much longer they hold, in seconds, while the provider does not answer"
    )

    @model_validator(mode="after")
    def _whole(self) -> "SignInSettings":
        if self.oidc_issuer:
            needed = ("oidc_client_id", "oidc_client_secret_file", "sign_in_key_file", "site_url")
            missing = [name for name in needed if not getattr(self, name)]
            if missing:
                raise ValueError(f"with an issuer these are needed too: {', '.join(missing)}")
            if not all(_https_or_near(url) for url in (self.oidc_issuer, self.site_url)):
                raise ValueError("issuer and site_url are https addresses, or of this machine")
        return self

    def how(self, host: str) -> How:
        """How people sign in who come to this host name. The demonstration's people do where only this machine comes:
        by the address that is listened on, and by the name, since a proxy may stand before it."""
        if self.oidc_issuer:
            return How.PROVIDER
        near = self.demo_accounts == "loopback" and is_loopback(self.http_host) and is_loopback(host)
        return How.DEMO if near or self.demo_accounts == "anywhere" else How.NOT


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address to listen on."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _https_or_near(url: str) -> bool:
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0].rpartition("@")[2]
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return scheme == "https" or (scheme == "http" and is_loopback(name))
