"""The demo's way through the four HTTP interfaces, step by step: send, wait, decide, act, settle.

Every step takes the clients and values, reports its progress to a callable, and gives back what it learnt.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from bench.demonstration.client import Client, RefusedError, batches
from bench.demonstration.timeline import TooSlowError
from bench.scenario.model import ScenarioReport, Truth

Progress = Callable[[int], None]
"""Is told by how many the work went on."""

_SENDERS: Final = 64
_LINES_A_BATCH: Final = 500
_COMMAND_PATIENCE_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Clients:
    """One client per service."""

    intake: Client
    triage: Client
    referral: Client
    stats: Client

    def close(self) -> None:
        """Closes all their connections."""
        for client in (self.intake, self.triage, self.referral, self.stats):
            client.close()


class RefusedCommandError(Exception):
    """A service refused a decision or an action that the demo's people had every right to take."""


def send_reports(intake: Client, reports: Sequence[ScenarioReport], run: str, progress: Progress) -> list[str]:
    """Posts every report singly; the report ids in the order of `reports`."""

    def send(numbered: tuple[int, ScenarioReport]) -> str:
        number, report = numbered
        report_id: str = intake.post("/v1/reports", report.body, f"{run}-report-{number:06d}")["report_id"]
        progress(1)
        return report_id

    with ThreadPoolExecutor(_SENDERS) as pool:
        return list(pool.map(send, enumerate(reports)))


def give_commands(
    service: Client, path: str, commands: Iterable[Mapping[str, Any]], key: str, progress: Progress
) -> None:
    """Posts commands in batches, in their order, and waits until every one is known to be applied.

    `key` and the batch's number make its idempotency key, so a batch whose answer was lost is taken once.
    Raises `RefusedCommandError` on the first refusal, `TooSlowError` when a command stays unknown.
    """
    for number, batch in enumerate(batches(commands, _LINES_A_BATCH)):
        answers = service.post_lines(path, batch, f"{key}-{number:04d}")
        if len(answers) != len(batch):
            raise RefusedCommandError(f"{path} answered {len(answers)} lines to {len(batch)}.")
        for command, answer in zip(batch, answers, strict=True):
            status = answer["status"]
            if status == 202:
                _wait_for_result(service, path, answer["command_id"], command)
            elif status != 200:
                raise _refusal(command, answer.get("code", status))
            progress(1)


def _wait_for_result(service: Client, path: str, command_id: str, command: Mapping[str, Any]) -> None:
    """Asks for the result of a command that was not known yet within the batch's time."""
    deadline = time.monotonic() + _COMMAND_PATIENCE_S
    while time.monotonic() < deadline:
        try:
            result = service.get(f"/v1/commands/{command_id}")
        except RefusedError as error:
            if error.status != 404:  # 404: no result yet
                raise
            time.sleep(0.1)
            continue
        if result["outcome"] != "applied":
            raise _refusal(command, result.get("code"))
        return
    raise TooSlowError(f"{path}: a command had no result after {_COMMAND_PATIENCE_S:.0f} s.")


def _refusal(command: Mapping[str, Any], code: object) -> RefusedCommandError:
    return RefusedCommandError(f"The action {command['action']} was refused: {code}.")


def truths_by_id(reports: Sequence[ScenarioReport], report_ids: Sequence[str]) -> dict[str, Truth]:
    """What the analysts know: report id → truth."""
    return {report_id: report.truth for report_id, report in zip(report_ids, reports, strict=True)}
