"""The key that seals case files, and those that did before.

In: settings. Out: the key, and the published keys. Raises FileNotFoundError for a named file that is missing,
ValueError for one that holds no key.
"""

import orjson

from ibalagh.local.paths import home
from ibalagh.ops.keyfiles import read_or_create, read_public
from ibalagh.signing import PublicKeys, SigningKey
from services.referral.settings import ReferralSettings


def signing_key(settings: ReferralSettings) -> SigningKey:
    """The present key; made on first use where no setting names a file."""
    return SigningKey(read_or_create(settings.signing_key_file, home() / "keys" / "referral-signing.key"))


def published_keys(settings: ReferralSettings) -> PublicKeys:
    """The present key's public part, then those of earlier keys."""
    earlier = read_public(settings.earlier_signing_keys_file, home() / "keys" / "referral-signing-earlier.json")
    before = () if earlier is None else PublicKeys.read(orjson.loads(earlier)).publics
    return PublicKeys([signing_key(settings).public, *before])
