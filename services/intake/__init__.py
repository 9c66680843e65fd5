"""Intake: takes reports from the public, seals who sent them, and answers only for what is durable.

A report's way: `http` or `forms` → `submission` (is it well formed?) → `acceptance` (ids, receipt, sealed identity,
record) → `publisher` (one database transaction, then the broker, for a whole group) → 202 with a receipt. `reconciler`
publishes what was stored and never acknowledged. `handlers` keeps, from the events of triage and referral, the status
that a receipt is answered with.
"""
