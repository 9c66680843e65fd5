"""What the documents name exists: files in backticks, commands of `./run`, relative places of a service."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ibalagh.cli import COMMANDS

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
WRITTEN_LATER = {
    "schemas/revisions/": "made when a committed schema first changes",
}
"""Files that a document may name before they exist, each with the reason."""
TOP = ("ibalagh", "services", "bench", "docs", "deploy", "schemas", "tests", "requirements", ".ci")
BY_BOOTSTRAP = {"setup"}
"""Commands that `ibalagh/bootstrap.py` carries out itself."""


def named_paths(text: str) -> Iterator[str]:
    """What stands in backticks and begins like a path of this tree."""
    for quoted in re.findall(r"`([^`\n]+)`", text):
        if re.fullmatch(r"[\w.-]+(/[\w.*-]*)+", quoted) and quoted.split("/")[0] in TOP:
            yield quoted


def named_commands(text: str) -> set[str]:
    """The first word after `./run`, wherever it stands."""
    return set(re.findall(r"\./run ([a-z]+)", text))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_file_and_command_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    missing = [path for path in named_paths(text) if not any(ROOT.glob(path.rstrip("/")))]
    assert [path for path in missing if path not in WRITTEN_LATER] == []
    assert named_commands(text) <= COMMANDS.keys() | BY_BOOTSTRAP


def test_every_function_that_a_document_places_in_a_file_is_there() -> None:
    placed = [
        (name.rpartition(".")[2], path)
        for document in DOCUMENTS
        for name, path in re.findall(r"`([\w.]+)` in\s+`([\w/]+\.py)`", document.read_text(encoding="utf-8"))
    ]
    assert len(placed) > 15
    absent = [
        (name, path) for name, path in placed if not re.search(rf"(def|class) {name}\b", (ROOT / path).read_text())
    ]
    assert absent == []


def test_a_name_that_does_not_exist_would_be_seen() -> None:
    assert list(named_paths("see `services/nowhere.py`, `reports.received` and `Relay`")) == ["services/nowhere.py"]
    assert named_commands("try `./run nonsense now`") == {"nonsense"}


def test_every_decision_has_its_own_number_and_the_form_of_the_others() -> None:
    records = sorted((ROOT / "docs" / "adr").glob("0*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {int(path.name[:4])}. ")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Why", "Decision", "What follows"]
