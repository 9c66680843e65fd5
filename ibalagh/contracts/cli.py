"""`ibalagh schemas generate|check`: write what is generated under `schemas/`, or say what differs or would break.

A generated schema that differs from the committed one replaces it only when both may live on one topic; the replaced
one is kept under `schemas/revisions/`, and every later one is held against all of them.
"""

import argparse
import json
import sys
from pathlib import Path

import yaml

from ibalagh import __version__
from ibalagh.contracts.asyncapi import asyncapi_document
from ibalagh.contracts.compatibility import incompatibilities
from ibalagh.contracts.schemas import all_schemas, as_text, revisions, schema_path
from ibalagh.contracts.topics import SCHEMAS_DIRECTORY, load_topic_files

_ROLLOUT = (
    "A breaking change needs a new version of the event. Roll it out in this order: 1 add the new version beside "
    "the old one, 2 deploy every consumer, so that it reads both, 3 deploy the producer, 4 drop the old version when "
    "no topic holds it any more."
)


def stale_files(directory: Path = SCHEMAS_DIRECTORY) -> dict[Path, str]:
    """The files under `directory` that are not what the models and topic files generate, with what they should hold."""
    wanted = {schema_path(name, directory): as_text(schema) for name, schema in all_schemas().items()}
    document = asyncapi_document(load_topic_files(directory / "topics"), __version__)
    wanted[directory / "asyncapi.yaml"] = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    return {path: text for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text}


def breaking_changes(directory: Path = SCHEMAS_DIRECTORY) -> list[str]:
    """What in today's models cannot live beside the committed schemas or any earlier revision of them."""
    problems = []
    for name, schema in all_schemas().items():
        earlier = [*revisions(name, directory), schema_path(name, directory)]
        for path in (path for path in earlier if path.exists()):
            found = incompatibilities(json.loads(path.read_text("utf-8")), json.loads(as_text(schema)))
            problems += [f"{name} against {path.relative_to(directory)}: {problem}" for problem in found]
    return problems


def orphans(directory: Path = SCHEMAS_DIRECTORY) -> list[Path]:
    """Schema files of no event."""
    known = {schema_path(name, directory) for name in all_schemas()}
    return sorted(set((directory / "events").glob("*")) - known)


def main(argv: list[str]) -> int:
    """Run `ibalagh schemas`; 0 when all is well, 1 when something differs or would break."""
    parser = argparse.ArgumentParser(prog="ibalagh schemas", description=__doc__)
    parser.add_argument("command", choices=("generate", "check"))
    generate = parser.parse_args(argv).command == "generate"
    if problems := breaking_changes():
        print("\n".join([*problems, _ROLLOUT]), file=sys.stderr)
        return 1
    if lost := orphans():
        print(
            "\n".join(f"{path}: no event of the registry has this schema; delete it" for path in lost), file=sys.stderr
        )
        return 1
    stale = stale_files()
    for path, text in stale.items():
        print(path.relative_to(SCHEMAS_DIRECTORY.parent))
        if generate:
            _keep_revision(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    if stale and not generate:
        print("These differ from what the models say: run `./run schemas generate` and commit them.", file=sys.stderr)
        return 1
    return 0


def _keep_revision(path: Path) -> None:
    if path.parent.name != "events" or not path.exists():
        return
    folder = SCHEMAS_DIRECTORY / "revisions" / path.name.removesuffix(".schema.json")
    folder.mkdir(parents=True, exist_ok=True)
    number = len(list(folder.glob("*.schema.json"))) + 1
    (folder / f"{number}.schema.json").write_text(path.read_text("utf-8"), "utf-8")
