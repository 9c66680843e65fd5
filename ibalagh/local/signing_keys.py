"""The key that a service signs documents with, and those that did before.

In: the service's settings. Out: the key, and the published keys. Raises FileNotFoundError for a named file that is
missing, ValueError for one that holds no key.
"""

from pathlib import Path
from typing import Protocol

import orjson

from ibalagh.local.paths import home
from ibalagh.ops.keyfiles import read_or_create, read_public
from ibalagh.signing import PublicKeys, SigningKey


class SigningSettings(Protocol):
    """Where a service's keys are; unset, they are in the stack's own state."""

    @property
    def service(self) -> str: ...
    @property
    def signing_key_file(self) -> Path | None: ...
    @property
    def earlier_signing_keys_file(self) -> Path | None: ...


def signing_key(settings: SigningSettings) -> SigningKey:
    """The present key; made on first use where no setting names a file."""
    return SigningKey(read_or_create(settings.signing_key_file, home() / "keys" / f"{settings.service}-signing.key"))


def published_keys(settings: SigningSettings) -> PublicKeys:
    """The present key's public part, then those of earlier keys."""
    default = home() / "keys" / f"{settings.service}-signing-earlier.json"
    earlier = read_public(settings.earlier_signing_keys_file, default)
    before = () if earlier is None else PublicKeys.read(orjson.loads(earlier)).publics
    return PublicKeys([signing_key(settings).public, *before])
