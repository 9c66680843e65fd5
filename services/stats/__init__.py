"""Stats: exact counters from all events, windows and surges from their deltas, dashboard and communiqué."""
