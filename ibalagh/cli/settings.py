"""`ibalagh settings [SERVICE]`: every setting that a service reads from its environment, as its class says."""

import argparse
import importlib

from ibalagh.events.registry import SERVICES
from ibalagh.ops.settings import Described, Settings, describe


def of_service(service: str) -> list[Described]:
    """The settings of a service's processes, each once, in the order of declaration."""
    module = importlib.import_module(f"services.{service}.settings")
    classes = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, Settings)]
    settings = {line.env: line for each in classes if each is not Settings for line in describe(each)}
    return list(settings.values())


def main(argv: list[str]) -> int:
    """Print them; 0."""
    from rich.console import Console
    from rich.table import Table

    parser = argparse.ArgumentParser(prog="ibalagh settings", description=__doc__)
    parser.add_argument("service", nargs="?", choices=SERVICES)
    chosen = parser.parse_args(argv).service
    console = Console()
    for service in (chosen,) if chosen else SERVICES:
        table = Table("variable", "default", "what it is for", title=service, title_justify="left")
        table.columns[0].no_wrap = True
        for line in of_service(service):
            table.add_row(line.env, line.default, line.description)
        console.print(table)
    return 0
