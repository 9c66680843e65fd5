"""The public in a storm: sends reports through intake's batch interface and repeats each until it has its 202.

Every report has an idempotency key of its own, so a repeat is the same report. What a campaign shares is one link.
"""

import json
import threading
import time
from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

import httpx

LINES = 25
GIVE_UP_S = 180.0


class Sent(NamedTuple):
    """A report as the sender knows it: its key, its campaign if it has one."""

    key: str
    campaign: int | None
    body: dict[str, Any]


def write_reports(count: int, campaigns: int, rng: Random) -> list[Sent]:
    """Invented fraud reports, every other one of a campaign, in random order."""
    reports = []
    for number in range(count):
        campaign = rng.randrange(campaigns) if number % 2 else None
        place = f"promo-{campaign}.example/offre" if campaign is not None else f"boutique-{number}.example/"
        text = (
            f"Arnaque: ce site de vente est un faux site, j'ai payé {rng.randrange(90, 900)} dirhams par virement et "
            f"je n'ai jamais reçu la commande numéro {number}, c'est une escroquerie https://{place}"
        )
        reports.append(Sent(f"chaos-{number:012d}", campaign, {"text": text, "language": "fr"}))
    return reports


class Public:
    """Sends from several threads at about `rate_per_s`; `accepted` maps keys to report ids."""

    def __init__(self, address: str, token: str, reports: Sequence[Sent], rate_per_s: float, threads: int = 4) -> None:
        self.accepted: dict[str, str] = {}
        self.repeats = 0
        self._address = address
        self._token = token
        self._rate_per_s = rate_per_s
        self._chunks = [list(reports[start : start + LINES]) for start in range(0, len(reports), LINES)]
        self._next = 0
        self._lock = threading.Lock()
        self._errors: list[BaseException] = []
        self._threads = [threading.Thread(target=self._run, name=f"public-{n}") for n in range(threads)]

    def start(self) -> None:
        """Begin to send."""
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()

    @property
    def progress(self) -> float:
        """The share of the reports that has its 202."""
        return len(self.accepted) / sum(len(chunk) for chunk in self._chunks)

    def join(self) -> None:
        """Wait until all are accepted. Raises what a sender met that repeating did not heal."""
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def _run(self) -> None:
        try:
            with httpx.Client(headers={"Authorization": f"Bearer {self._token}"}, timeout=20) as client:
                while (chunk := self._take()) is not None:
                    self._send(client, chunk)
        except BaseException as error:  # noqa: BLE001  # handed to the test's own thread by `join`
            self._errors.append(error)

    def _take(self) -> list[Sent] | None:
        with self._lock:
            if self._next == len(self._chunks):
                return None
            number, self._next = self._next, self._next + 1
        due = self._began + number * LINES / self._rate_per_s
        if (wait_s := due - time.monotonic()) > 0:
            threading.Event().wait(wait_s)
        return self._chunks[number]

    def _send(self, client: httpx.Client, chunk: list[Sent]) -> None:
        left = chunk
        deadline = time.monotonic() + GIVE_UP_S
        while left:
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(left)} reports were not accepted within {GIVE_UP_S} s")
            left = self._once(client, left)
            if left:
                self.repeats += len(left)
                threading.Event().wait(0.2)

    def _once(self, client: httpx.Client, chunk: list[Sent]) -> list[Sent]:
        """Send once; those that must be sent again."""
        lines = "".join(json.dumps({**one.body, "idempotency_key": one.key}) + "\n" for one in chunk)
        headers = {"Content-Type": "application/x-ndjson"}
        try:
            answer = client.post(f"{self._address}/v1/reports:batch", content=lines, headers=headers)
        except httpx.TransportError:
            return chunk
        if answer.status_code in {429, 503}:
            return chunk
        assert answer.status_code == 200, answer.text
        again = []
        for one, line in zip(chunk, answer.text.splitlines(), strict=True):
            result = json.loads(line)
            if result["status"] == 202:
                known = self.accepted.setdefault(one.key, result["report_id"])
                assert known == result["report_id"], "a repeat got another report id"
            else:
                assert result["status"] in {429, 503}, line
                again.append(one)
        return again
