"""The key that signs communiqués, and those that did before.

In: settings. Out: a `Publisher`, the published keys. Raises FileNotFoundError for a named file that is missing,
ValueError for one that holds no key.
"""

import orjson

from ibalagh.local.paths import home
from ibalagh.ops.keyfiles import read_or_create, read_public
from ibalagh.signing import PublicKeys, SigningKey
from services.stats.names import group
from services.stats.publishing import Publisher
from services.stats.settings import StatsSettings


def signing_key(settings: StatsSettings) -> SigningKey:
    """The present key; made on first use where no setting names a file."""
    return SigningKey(read_or_create(settings.signing_key_file, home() / "keys" / "stats-signing.key"))


def published_keys(settings: StatsSettings) -> PublicKeys:
    """The present key's public part, then those of earlier keys."""
    earlier = read_public(settings.earlier_signing_keys_file, home() / "keys" / "stats-signing-earlier.json")
    before = () if earlier is None else PublicKeys.read(orjson.loads(earlier)).publics
    return PublicKeys([signing_key(settings).public, *before])


def publisher(settings: StatsSettings) -> Publisher:
    """What makes communiqués by these settings."""
    return Publisher(signing_key(settings), group(settings.topic_prefix), settings.smallest_count)
