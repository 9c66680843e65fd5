"""Records that something is wrong with, made from good ones."""

from ibalagh.stream.ports import Record


def header(record: Record, name: str, value: bytes | None) -> Record:
    """The record with another value of one header."""
    return record._replace(headers=[(each, value if each == name else old) for each, old in record.headers])


def value(record: Record, old: bytes, new: bytes) -> Record:
    """The record with `new` for the first `old` in its value, which must hold one."""
    assert record.value is not None
    assert old in record.value
    return record._replace(value=record.value.replace(old, new, 1))
