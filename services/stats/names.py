"""The names under which stats reads and writes: groups and transactional ids, all with the topics' prefix."""


def group(prefix: str) -> str:
    """Consumer group of the counters, and the name under which they store their positions."""
    return f"{prefix}stats"


def relay(prefix: str) -> str:
    """Group and transactional id of the relay."""
    return f"{prefix}stats.relay"


def windows(prefix: str) -> str:
    """The Faust app: its consumer group, and the first part of its changelog's name."""
    return f"{prefix}stats.windows"
