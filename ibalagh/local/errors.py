"""What the embedded stack says when it cannot go on."""


class StackError(Exception):
    """One clear sentence, fit to be printed alone: what is wrong, and what to do about it."""
