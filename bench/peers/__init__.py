"""Programs that do the same hop, reports.received → reports.triaged, each on another stream library.

Each is a process of its own that reads `BENCH_*` from its environment (`contender.Settings`), prints nothing, and runs
until it is told to stop. What they do to a report is the same function, `contender.triage`.
"""
