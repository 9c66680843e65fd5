"""Triage as a process whose model is changed while it runs: in the shadow, promoted, and refused when it is damaged."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.triage.model import files, versions
from services.triage.settings import models_folder
from tests.support.poll import eventually
from tests.support.service_processes import ServiceProcesses
from tests.support.triage import received, report_id

TOPICS = {
    "reports.received": 2,
    "reports.received.urgent": 1,
    "reports.triaged": 2,
    "triage.decisions": 1,
    "triage.deadletters": 1,
}
OTHER = "0123456789ab"


class Stack(ServiceProcesses):
    """Triage's process, what it says of its models, and by which one it decides."""

    def metric(self, pattern: str) -> bool:
        """Whether a line of the metrics is so."""
        return re.search(pattern, self.client.get("/metrics").text, re.MULTILINE) is not None

    def decided_by(self, name: str) -> str:
        """The model that decides about a report that is sent now."""
        self.publish([received("J'ai payé une montre et je n'ai jamais reçu le colis", name)])

        def policy() -> str:
            said = [json.loads(each.value or b"") for each in self.written("reports.triaged")]
            return next((each["decision"]["policy"] for each in said if each["report_id"] == report_id(name)), "")

        return eventually(policy, timeout_s=30).partition("+")[2]


@pytest.fixture
def stack(
    broker: str, database_url: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stack]:
    monkeypatch.setenv("IBALAGH_HOME", str(tmp_path / "home"))
    stack = Stack("triage", TOPICS, broker, database_url, topic_prefix, tmp_path)
    yield stack
    stack.close()


def test_a_running_process_compares_takes_over_and_refuses_models(stack: Stack, tmp_path: Path) -> None:
    process = stack.start()
    committed = files.load()
    assert stack.decided_by("before") == committed.version
    proposed, folder = tmp_path / "proposed.npz", models_folder()
    files.save(committed._replace(version=OTHER), proposed)
    versions.start_shadow(folder, proposed)
    eventually(lambda: stack.metric(rf'^ibalagh_triage_model_info{{.*shadow="[^"]*\+{OTHER}"'), timeout_s=30)
    assert stack.decided_by("shadowed") == committed.version
    (compared,) = eventually(lambda: stack.client.get("/v1/shadow").json()["compared"], timeout_s=30)
    assert (compared["reports"], compared["changed"]) == (1, 0)
    assert compared["candidate"].endswith(OTHER)
    versions.promote(folder, proposed)
    eventually(lambda: stack.metric(rf'^ibalagh_triage_model_info{{policy="[^"]*\+{OTHER}",shadow=""'), timeout_s=30)
    assert stack.decided_by("promoted") == OTHER
    (folder / "ffffffffffff.npz").write_bytes(b"no model")
    (folder / versions.POINTER).write_text("ffffffffffff\n")
    eventually(lambda: stack.metric(r'^ibalagh_triage_model_refusals_total{pointer="current"} 1\.0$'), timeout_s=30)
    assert stack.decided_by("refused") == OTHER
    assert process.poll() is None
    assert "a model is refused, the old one stays" in stack.log(0).read_text()
