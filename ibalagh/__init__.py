"""What every Ibalagh service needs and no business rule: events, contracts, streams, storage, operations, web."""

__version__ = "0.1.0"
