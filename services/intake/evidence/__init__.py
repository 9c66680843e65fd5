"""Files that people send as evidence: what they are, whether they are taken, and copies that can be looked at.

`inspection` decides from a file's content whether it is taken in; `names` makes a name to show; `viewing` makes a
copy without metadata in a fenced child process. Nothing here stores anything: see `docs/evidence.md`.
"""
