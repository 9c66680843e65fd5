"""How good triage is on reports whose truth is known: the form of such files, and the figures."""
