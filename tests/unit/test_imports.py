"""Imports go one way, as DESIGN.md says; and importing anything connects to nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.import_rules import MORE_EDGES, is_domain, violations

ROOT = Path(__file__).parents[2]


def test_the_tree_keeps_the_rules() -> None:
    assert violations(ROOT) == []


def test_every_edge_that_is_excepted_exists() -> None:
    for service, names in MORE_EDGES.items():
        assert [name for name in names if not (ROOT / "services" / service / f"{name}.py").is_file()] == []


def test_there_is_something_to_check() -> None:
    domain = [path for path in (ROOT / "services").rglob("*.py") if is_domain(path.relative_to(ROOT).as_posix())]
    assert {path.relative_to(ROOT).parts[1] for path in domain} == {"intake", "triage", "referral", "stats"}


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("services/triage/urgency.py", "import psycopg2"),
        ("services/triage/urgency.py", "from confluent_kafka import Consumer"),
        ("services/triage/urgency.py", "import requests"),
        ("services/triage/urgency.py", "import socket"),
        ("services/triage/urgency.py", "from time import time"),
        ("services/triage/urgency.py", "from urllib.request import urlopen"),
        ("services/triage/urgency.py", "from ibalagh.stream.kafka import KafkaProducer"),
        ("ibalagh/events/make.py", "import time"),
        ("ibalagh/stream/ports.py", "from ibalagh.storage.postgres import Database"),
        ("services/triage/urgency.py", "from ibalagh import ops"),
        ("services/triage/urgency.py", "from services.triage.store import load"),
        ("services/triage/urgency.py", "from services.triage import store"),
        ("services/triage/urgency.py", "from .store import load"),
        ("services/triage/urgency.py", "from . import store"),
        ("services/triage/urgency.py", "from datetime import datetime\nnow = datetime.now()"),
        ("services/triage/urgency.py", "def f() -> None:\n    import psycopg2"),
        ("services/triage/rules/words.py", "import psycopg2"),
        ("services/intake/evidence/names.py", "from services.intake.evidence.viewing import make_view"),
        ("services/intake/evidence/names.py", "import PIL.Image"),
        ("services/triage/handlers.py", "import psycopg2"),
        ("services/triage/handlers.py", "from services.stats import counting"),
        ("services/triage/handlers.py", "import services.stats.counting"),
        ("services/triage/http.py", "from bench import load"),
        ("services/triage/http.py", "import confluent_kafka"),
        ("services/triage/windows.py", "import faust"),
        ("services/stats/counting.py", "import faust"),
        ("ibalagh/web/app.py", "from services.intake import http"),
        ("ibalagh/web/app.py", "import bench.load"),
        ("ibalagh/stream/processor.py", "import confluent_kafka"),
        ("ibalagh/ops/health.py", "import psycopg2"),
    ],
)
def test_a_planted_violation_is_found(tmp_path: Path, file: str, source: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    (tmp_path / "ibalagh").mkdir(exist_ok=True)
    path.write_text(source)
    found = violations(tmp_path)
    assert len(found) >= 1
    assert all(each.startswith(f"{file}:") for each in found)


@pytest.mark.parametrize(
    ("file", "imported"),
    [
        (
            "services/triage/urgency.py",
            ["re", "pydantic", "ibalagh.events.make", "services.triage.taxonomy"],
        ),
        ("services/triage/urgency.py", ["ibalagh.stream.ports"]),
        ("services/triage/store.py", ["psycopg2", "services.triage.taxonomy", "ibalagh.storage.postgres"]),
        ("services/triage/__main__.py", ["time", "services.triage.store", "ibalagh.stream.kafka"]),
        ("services/stats/windows_worker.py", ["faust"]),
        ("ibalagh/storage/postgres.py", ["psycopg2"]),
        ("ibalagh/stream/kafka/client.py", ["confluent_kafka"]),
    ],
)
def test_what_the_design_allows_passes(tmp_path: Path, file: str, imported: list[str]) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    (tmp_path / "ibalagh").mkdir(exist_ok=True)
    path.write_text("\n".join(f"import {module}" for module in imported))
    assert violations(tmp_path) == []


IMPORT_ALL = """
import importlib, pathlib, sys
import confluent_kafka, confluent_kafka.admin, psycopg2

def refuse(*_args, **_kwargs):
    raise AssertionError("connected at import")

def audit(event, _args):
    if event in {"socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen"}:
        refuse()

psycopg2.connect = refuse
clients = ((confluent_kafka, "Consumer"), (confluent_kafka, "Producer"), (confluent_kafka.admin, "AdminClient"))
for owner, name in clients:
    setattr(owner, name, type(name, (getattr(owner, name),), {"__init__": refuse}))
sys.addaudithook(audit)
root = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(root))
count = 0
for folder in sys.argv[2:]:
    for path in sorted((root / folder).rglob("*.py")):
        if path.name == "__main__.py" and folder == "ibalagh":
            continue  # `python -m ibalagh.cli`: one line that runs the program
        name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        importlib.import_module(name)
        count += 1
print(count)
"""


def _import_all(root: Path, *folders: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, str(root), *folders], capture_output=True, text=True, check=False
    )


def test_importing_every_module_connects_to_nothing() -> None:
    done = _import_all(ROOT, "ibalagh", "services")
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout.split()[-1]) > 50


@pytest.mark.parametrize(
    "source",
    [
        "import socket\nsocket.create_connection(('127.0.0.1', 9))",
        "import psycopg2\npsycopg2.connect('postgresql://127.0.0.1:9/x')",
        "from confluent_kafka import Producer\nProducer({'bootstrap.servers': '127.0.0.1:9'})",
        "from confluent_kafka.admin import AdminClient\nAdminClient({'bootstrap.servers': '127.0.0.1:9'})",
        "import subprocess\nsubprocess.run(['true'])",
    ],
)
def test_a_module_that_connects_at_import_is_found(tmp_path: Path, source: str) -> None:
    (tmp_path / "planted").mkdir()
    (tmp_path / "planted" / "eager.py").write_text(source)
    done = _import_all(tmp_path, "planted")
    assert done.returncode != 0
    assert "connected at import" in done.stderr
