"""`ibalagh topics apply|list`: the topic files of schemas/topics carried over to the cluster, or compared with it."""

import argparse
import os
import sys
from collections.abc import Sequence

from ibalagh.contracts.topics import load_topic_files
from ibalagh.local.errors import StackError
from ibalagh.stream.admin import ClusterAdmin, TopologyError
from ibalagh.stream.errors import PassingError
from ibalagh.stream.topology import Plan, plan, wanted_topics

DEFAULT_PREFIX = "ibalagh."


def main(argv: Sequence[str] | None = None) -> int:
    """0 when the cluster is as the files say (`list`: whatever it is), 1 with one sentence when it cannot be."""
    parser = argparse.ArgumentParser(prog="ibalagh topics", description="The topics of schemas/topics on the cluster.")
    parser.add_argument("--bootstrap", default=os.environ.get("IBALAGH_KAFKA_BOOTSTRAP"))
    parser.add_argument("--prefix", default=os.environ.get("IBALAGH_TOPIC_PREFIX") or DEFAULT_PREFIX)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("apply", help="create and alter topics; never drops one and never takes partitions away")
    actions.add_parser("list", help="the topics of the files and what the cluster has")
    arguments = parser.parse_args(argv)
    if not arguments.bootstrap:
        raise StackError("There is no broker to talk to: ./run up starts one, or set IBALAGH_KAFKA_BOOTSTRAP.")
    try:
        act = _apply if arguments.action == "apply" else _list
        act(ClusterAdmin(arguments.bootstrap), arguments.prefix)
    except PassingError as error:
        raise StackError(
            f"The broker at {arguments.bootstrap} does not answer: check its address ({error})."
        ) from error
    except TopologyError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _apply(admin: ClusterAdmin, prefix: str) -> None:
    wanted = wanted_topics(load_topic_files(), prefix)
    found = admin.topics(prefix)
    changes = plan(wanted, found)
    admin.apply(changes)
    for line in describe(changes):
        print(line)
    strays = sorted(found.keys() - {topic.name for topic in wanted})
    if strays:
        print(f"left alone, in no topic file: {', '.join(strays)}")


def describe(changes: Plan) -> list[str]:
    """What was done, a line each."""
    if changes.is_empty:
        return ["all topics are as their files say"]
    lines = [f"created {topic.name} ({topic.partitions} partitions)" for topic in changes.create]
    for name, count in changes.grow.items():
        lines.append(f"{name} has {count} partitions now; a key's order holds among records written from now on")
    for name, settings in changes.alter.items():
        lines.append(f"{name}: {', '.join(f'{key}={value}' for key, value in sorted(settings.items()))}")
    return lines


def _list(admin: ClusterAdmin, prefix: str) -> None:
    from rich.console import Console
    from rich.table import Table

    found = admin.topics(prefix)
    table = Table("topic", "owner", "key", "retention", "partitions", "on the cluster")
    for file in load_topic_files():
        name = prefix + file.name
        kept = "for ever" if file.retention_ms < 0 else f"{file.retention_ms / 86_400_000:g} days"
        there = f"{found[name].partitions} partitions" if name in found else "missing"
        table.add_row(name, file.owner, file.key, kept, str(file.partitions), there)
    Console().print(table)
