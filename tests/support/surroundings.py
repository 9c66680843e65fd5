"""The environment of a stack of a test's own."""

import os


def own_stack(**settings: str) -> dict[str, str]:
    """This process's environment without any setting of ours, so that a stack finds none of another one's addresses,
    and with these settings, named without their prefix."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("IBALAGH_")}
    return others | {f"IBALAGH_{name}": value for name, value in settings.items()}
