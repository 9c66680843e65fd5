"""A scenario's way through the four services, told in order: one method a step, each under a progress bar.

In: the clients, the scenario, a name for the run (it begins every idempotency key). Out: a `Result`. Raises what the
steps raise: a service that refused, did not answer, or stood still.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bench.demonstration import analysts, casefinder, comparison, officers, steps
from bench.demonstration.client import Client
from bench.demonstration.timeline import settle, wait_for_count
from bench.scenario.figures import Figures
from bench.scenario.model import Scenario, ScenarioReport, Truth

_STANDSTILL_S: Final = 20.0
_SETTLE_QUIET_S: Final = 3.0
_SETTLE_LONGEST_S: Final = 30.0


@dataclass(slots=True)
class Result:
    """What the journey ended with: the communiqué's lines, the machine's score, seconds per step."""

    computed: dict[str, int] = field(default_factory=dict)
    score: analysts.Score = field(default_factory=analysts.Score)
    timings: dict[str, float] = field(default_factory=dict)


class _Bar:
    """One step's progress bar."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def advance(self, count: int) -> None:
        self._progress.advance(self._task, count)

    def at(self, count: int) -> None:
        self._progress.update(self._task, completed=count)

    def of(self, total: int) -> None:
        self._progress.update(self._task, total=total)


class Journey:
    """Takes the first `sent` reports of `scenario` through the services behind `clients`."""

    def __init__(self, clients: steps.Clients, scenario: Scenario, run: str, sent: int) -> None:
        self._clients = clients
        self._scenario = scenario
        self._reports: Sequence[ScenarioReport] = scenario.reports[:sent]
        self._run = run
        self._result = Result()

    def travel(self, console: Console) -> Result:
        """The whole way, from the first report sent to the settled communiqué."""
        columns = (TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console) as progress:
            with self._step(progress, "reports sent to intake") as bar:
                report_ids = self._send(bar)
            truths = steps.truths_by_id(self._reports, report_ids)
            with self._step(progress, "triaged by the machine") as bar:
                self._wait_for_stage("triaged", bar)
            with self._step(progress, "reviews decided by analysts") as bar:
                triaged = self._triaged()
                reviewed = self._review(truths, bar)
            with self._step(progress, "corrections by analysts") as bar:
                self._correct(triaged, truths, reviewed, bar)
            with self._step(progress, "referred to a police service") as bar:
                self._wait_for_stage("referred", bar)
            with self._step(progress, "figures of reports settled") as bar:
                self._settle(comparison.REPORT_LINES, bar)
            with self._step(progress, "actions of officers") as bar:
                self._act(report_ids, bar)
            with self._step(progress, "communiqué settled") as bar:
                self._settle(comparison.ALL_LINES, bar)
        return self._result

    @contextmanager
    def _step(self, progress: Progress, name: str) -> Iterator[_Bar]:
        started = time.monotonic()
        task = progress.add_task(name, total=None)
        yield _Bar(progress, task)
        progress.stop_task(task)
        self._result.timings[name] = time.monotonic() - started

    def _send(self, bar: _Bar) -> list[str]:
        bar.of(len(self._reports))
        return steps.send_reports(self._clients.intake, self._reports, self._run, bar.advance)

    def _wait_for_stage(self, stage: str, bar: _Bar) -> None:
        bar.of(len(self._reports))
        wait_for_count(
            lambda: stage_count(self._clients.stats, stage), len(self._reports), stage, _STANDSTILL_S, bar.at
        )

    def _triaged(self) -> list[dict[str, Any]]:
        """Every triaged report as triage's desk shows it, once it shows all: stats may count faster than the desk."""

        def ask() -> list[dict[str, Any]]:
            return list(self._clients.triage.pages("/v1/reports", 5_000))

        wanted = len(self._reports)
        return settle(ask, lambda items: len(items) >= wanted, _STANDSTILL_S, _SETTLE_LONGEST_S)

    def _review(self, truths: Mapping[str, Truth], bar: _Bar) -> set[str]:
        # One by one, since the scenario knows the truth of each: the copies of a campaign wait behind what is open.
        states = ("open", "copy")
        queue = [each for state in states for each in self._clients.triage.pages("/v1/reviews", 500, state=state)]
        decisions = analysts.decide_queue(queue, truths, self._result.score)
        bar.of(len(decisions))
        steps.give_commands(self._clients.triage, "/v1/decisions:batch", decisions, f"{self._run}-review", bar.advance)
        return {decision["report_id"] for decision in decisions}

    def _correct(
        self, triaged: Sequence[Mapping[str, Any]], truths: Mapping[str, Truth], reviewed: set[str], bar: _Bar
    ) -> None:
        corrections = analysts.check_decided(triaged, truths, reviewed, self._result.score)
        bar.of(len(corrections))
        steps.give_commands(
            self._clients.triage, "/v1/decisions:batch", corrections, f"{self._run}-correct", bar.advance
        )

    def _act(self, report_ids: Sequence[str], bar: _Bar) -> None:
        referral = self._clients.referral
        cases = list(referral.pages("/v1/cases", 1_000))

        @cache
        def reports_of(case_id: str) -> frozenset[str]:
            return frozenset(report["report_id"] for report in referral.get(f"/v1/cases/{case_id}")["reports"])

        wanted = casefinder.sought(self._scenario, report_ids)
        found = {place: casefinder.find(each, cases, reports_of) for place, each in wanted.items()}
        plans = casefinder.plans_by_case(self._scenario.outcomes, found)
        acts = list(officers.actions(cases, plans))
        bar.of(len(acts))
        steps.give_commands(referral, "/v1/actions:batch", acts, f"{self._run}-act", bar.advance)

    def _settle(self, lines: frozenset[str], bar: _Bar) -> None:
        """Waits until the communiqué's `lines` are the scenario's, or until they have stopped moving."""
        wanted = {name: n for name, n in comparison.expected(self._scenario.figures).items() if name in lines}
        bar.of(len(wanted))

        def ask() -> dict[str, int]:
            computed = comparison.computed(communique(self._clients.stats, self._scenario.figures))
            bar.at(len(wanted) - len(comparison.differences(wanted, computed)))
            return computed

        def equal(computed: dict[str, int]) -> bool:
            return not comparison.differences(wanted, computed)

        self._result.computed = settle(ask, equal, _SETTLE_QUIET_S, _SETTLE_LONGEST_S)


def stage_count(stats: Client, name: str) -> int:
    """How many reports have passed a stage, as stats counts them."""
    return int(stats.get("/v1/counters", measure=name)["totals"].get(name, 0))


def communique(stats: Client, figures: Figures) -> Any:
    """The communiqué of the figures' days, as stats computes it."""
    days = {"from": figures.first_day.isoformat(), "to": figures.last_day.isoformat()}
    return stats.get("/v1/communique", **days, format="json")
