"""The reporter's side of the dialogue without broker and database: pages, problems, the pure parts."""

import asyncio
import os
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from ibalagh.contracts.codec import Codec
from ibalagh.events.vocabulary import AmendmentKind, SupplementKind
from ibalagh.stream.errors import ConflictError, PassingError
from ibalagh.stream.ports import Acknowledgement, Outgoing, Record
from ibalagh.web.words import LANGUAGES
from services.intake.__main__ import application
from services.intake.acceptance import Acceptance, record_of
from services.intake.admission import PATIENCE_S
from services.intake.dialogue import Dialogue
from services.intake.dialogue_store import Kept, Stored
from services.intake.receipt import Secrets
from services.intake.settings import IntakeSettings
from services.intake.status import Status
from services.intake.status_pages import _STATUS_OF, BUSY, broken_fields, read_dialogue_texts, supplement_of
from services.intake.store import Amended, Message, ReportStatus
from services.intake.submission import InvalidSubmissionError, parse
from services.intake.supplements import NOWHERE, Amendment, Supplement, Withdrawal, kind_of
from services.intake.timeline import Step, timeline
from services.intake.vault import MasterKey
from tests.support.intake import AppClient, app_client, made_intake

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
REPORT = "01890000-0000-7000-8000-000000000001"
RECEIPT = "BGK-887-JNW-8CW-ZK2-VXJ-XHF-PZV-X9Y"
CODEC = Codec("t.")
SECRETS = Secrets.from_root(bytes(32))
TEXTS = read_dialogue_texts()


class Store:
    """Keeps amendments of one report, as the database does; `error` is raised instead."""

    def __init__(self, known: bytes) -> None:
        self.known = known
        self.kept: dict[str, Kept] = {}
        self.by_key: dict[bytes, str] = {}
        self.asked = 0
        self.most = 3
        self.error: Exception | None = None
        self.noted: list[str] = []

    def store(self, amendment: Amendment) -> Stored:
        self.asked += 1
        if self.error is not None:
            raise self.error
        if amendment.receipt_hash != self.known:
            return Stored(None, None, amendment.record(CODEC, NOWHERE))
        record, retry = amendment.record(CODEC, REPORT), amendment.retry
        if retry is not None and retry.key_hash in self.by_key:
            return Stored(REPORT, self.kept[self.by_key[retry.key_hash]], record)
        if len(self.kept) >= self.most:
            return Stored(REPORT, None, record)
        body_hash = None if retry is None else retry.body_hash
        kept = Kept(amendment.amendment_id, amendment.kind, amendment.at, body_hash, True)
        self.kept[kept.amendment_id] = kept
        if retry is not None:
            self.by_key[retry.key_hash] = kept.amendment_id
        return Stored(REPORT, kept, record)

    def note_published(self, amendment_id: str, _position: Acknowledgement) -> None:
        self.noted.append(amendment_id)
        self.kept[amendment_id] = self.kept[amendment_id]._replace(open=False)


class Producer:
    """Acknowledges everything, unless it is away."""

    def __init__(self) -> None:
        self.away = False
        self.records: list[Outgoing] = []

    def publish(self, records: Sequence[Outgoing], _timeout_s: float) -> list[Acknowledgement | None]:
        self.records += records
        return [None if self.away else Acknowledgement("t.reports.received", 0, 0) for _ in records]

    def close(self) -> None:
        """Nothing to free."""


class Statuses:
    """Knows one receipt."""

    def __init__(self, known: bytes) -> None:
        self.known = known
        self.found = ReportStatus(Status.REFERRED, NOW)
        self.away = False

    def status_of(self, receipt_hash: bytes) -> ReportStatus | None:
        if self.away:
            raise PassingError("away")
        return self.found if receipt_hash == self.known else None


class NoQueue:
    """Reports are no matter here."""

    def offer(self, reports: Sequence[Any], *, pressing: bool = False) -> Any:
        raise AssertionError((reports, pressing))


class Service:
    """The application around one report with the receipt `RECEIPT`."""

    def __init__(self) -> None:
        master = MasterKey(bytes(32), os.urandom)
        acceptance = Acceptance(CODEC, SECRETS, master, lambda: str(uuid.uuid4()), os.urandom)
        known = acceptance.receipt_hash(RECEIPT)
        self.store, self.producer, self.statuses = Store(known), Producer(), Statuses(known)
        self.dialogue = Dialogue(
            self.store, self.producer, acceptance, SECRETS, lambda: str(uuid.uuid4()), publish_timeout_s=1
        )
        self.intake = made_intake(
            acceptance, NoQueue(), self.statuses, trusts=lambda _: False, now=NOW, open_rate_per_s=20
        )
        settings = IntakeSettings(api_token=SecretStr("a-token-of-the-tests"))
        self.app = application(settings, self.intake, [], dialogue=self.dialogue)
        self.client: AppClient

    def supplement(self, **given: Any) -> Any:
        headers = given.pop("headers", None)
        body = {"receipt": RECEIPT, "text": "x", **given}
        return self.client.post("/v1/supplements", json=body, headers=headers)


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    with app_client(made.app) as made.client:
        yield made
    made.dialogue.close()


def test_a_supplement_is_answered_once_it_is_stored_and_acknowledged(service: Service) -> None:
    answer = service.supplement(kind="correction", links=["https://a.example/x"])
    assert answer.status_code == 202
    [record] = service.producer.records
    event = CODEC.decode(Record(record.topic, 0, 0, record.key, record.value, record.headers))
    assert (event.id, event.subject, event.source) == (answer.json()["supplement_id"], REPORT, "/intake")
    assert event.data.model_dump(mode="json") == {
        "report_id": REPORT,
        "supplement_id": event.id,
        "kind": "correction",
        "supplemented_at": "2026-07-01T12:00:00Z",
        "text": "x",
        "links": ["https://a.example/x"],
    }
    assert service.store.noted == [event.id]
    assert answer.headers["cache-control"] == "no-store"


def test_a_wrong_receipt_is_told_the_same_everywhere_and_publishes_nothing(service: Service) -> None:
    answers = [
        service.supplement(receipt="0" * 27),
        service.client.post("/v1/withdrawals", json={"receipt": "x"}),
        service.client.post("/v1/status", json={"receipt": "x"}),
    ]
    assert {(each.status_code, each.content) for each in answers} == {(404, answers[0].content)}
    assert answers[0].json()["code"] == "unknown_receipt"
    pages = [
        service.client.post(path, data={"receipt": "x", "kind": "addition", "text": "y", "confirmed": "yes"})
        for path in ("/status", "/status/supplement", "/status/withdraw")
    ]
    assert {(each.status_code, each.text) for each in pages} == {(404, pages[0].text)}
    assert service.producer.records == []
    assert service.store.asked == 4


@pytest.mark.parametrize(
    ("body", "status", "field", "rule"),
    [
        (b"nothing", 400, None, None),
        (b'{"receipt": "x"}', 422, "text", "missing"),
        (b'{"receipt": "x", "text": " "}', 422, "text", "not_blank"),
        (b'{"receipt": "x", "text": "a", "links": ["a\\nb"]}', 422, "links.0", "no_control_characters"),
        (b'{"receipt": "x", "text": "x", "kind": "withdrawal"}', 422, "kind", "enum"),
        (b'{"receipt": "x", "text": "x", "report_id": "y"}', 422, "report_id", "extra_forbidden"),
        (b'{"receipt": "", "text": "x"}', 422, "receipt", "string_too_short"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_field_and_rule(
    service: Service, body: bytes, status: int, field: str | None, rule: str | None
) -> None:
    answer = service.client.post("/v1/supplements", content=body)
    assert answer.status_code == status
    assert [(each["field"], each["rule"]) for each in answer.json().get("errors", [])] == (
        [(field, rule)] if field else []
    )
    assert service.store.asked == 0


def test_a_repeat_is_the_same_supplement_and_another_body_is_refused(service: Service) -> None:
    headers = {"Idempotency-Key": "k" * 16}
    first, again, other = (service.supplement(text=text, headers=headers) for text in ("x", "x", "y"))
    assert (first.status_code, first.content) == (202, again.content)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len(service.producer.records) == 1
    assert service.supplement(headers={"Idempotency-Key": "short"}).status_code == 400


def test_those_who_send_the_same_at_once_share_what_becomes_of_it(service: Service) -> None:
    async def send() -> list[Any]:
        said = Supplement(receipt=RECEIPT, text="x")
        return list(
            await asyncio.gather(*[service.dialogue.amend(said, now=NOW, key=b"k", body=b"b") for _ in range(9)])
        )

    outcomes = asyncio.run(send())
    assert len({outcome.kept.amendment_id for outcome in outcomes}) == 1
    assert service.store.asked == 1


def test_without_the_broker_nothing_is_promised_and_a_repeat_waits_for_the_reconciler(service: Service) -> None:
    service.producer.away = True
    headers = {"Idempotency-Key": "k" * 16}
    answers = [service.supplement(headers=headers) for _ in range(2)]
    assert [each.status_code for each in answers] == [503, 503]
    assert int(answers[0].headers["retry-after"]) > 0
    assert (len(service.producer.records), service.store.asked) == (1, 1)  # the second was refused at once
    service.producer.away = False
    service.dialogue._away_until = 0.0
    assert service.supplement(headers=headers).status_code == 503  # stored, and not acknowledged
    assert len(service.producer.records) == 1


@pytest.mark.parametrize("error", [PassingError("away"), ConflictError("again")])
def test_without_the_database_nothing_is_promised(service: Service, error: Exception) -> None:
    service.store.error = error
    assert service.supplement().status_code == 503
    page = service.client.post(
        "/status/supplement?lang=en", data={"receipt": RECEIPT, "kind": "message", "text": "typed"}
    )
    assert (page.status_code, page.headers["retry-after"]) == (503, "2")
    assert TEXTS["en"]["notices"]["unavailable"] in page.text
    assert "typed</textarea>" in page.text
    assert service.producer.records == []


def test_what_is_one_too_many_is_told_when_to_come_back(service: Service) -> None:
    answers = [service.supplement() for _ in range(4)]
    assert [each.status_code for each in answers] == [202, 202, 202, 429]
    assert answers[3].headers["retry-after"] == "3600"


def test_a_flood_is_met_before_anything_is_read(service: Service) -> None:
    answers = [service.client.post("/v1/supplements", content=b"nothing") for _ in range(50)]
    assert [each.status_code for each in answers] == [400] * 40 + [503] * 10
    assert answers[-1].json()["code"] == BUSY
    typed = {"receipt": RECEIPT, "kind": "message", "text": "typed"}
    page = service.client.post("/status/supplement?lang=en", data=typed)
    assert (page.status_code, int(page.headers["retry-after"])) == (503, PATIENCE_S)
    assert TEXTS["en"]["notices"][BUSY] in page.text
    assert "typed</textarea>" in page.text
    confirming = service.client.post("/status/withdraw?lang=en", data={"receipt": RECEIPT, "confirmed": "yes"})
    assert confirming.status_code == 503
    assert TEXTS["en"]["withdraw_title"] in confirming.text
    assert service.store.asked == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_a_report_speaks_every_language_and_shows_nothing_that_the_reporter_wrote(
    service: Service, language: str
) -> None:
    service.statuses.found = ReportStatus(
        Status.INVESTIGATION_OPENED,
        NOW,
        [Message("m", NOW, "<i>Is it</i>\nstill there?")],
        [Amended(kind, NOW + timedelta(hours=1)) for kind in AmendmentKind],
    )
    page = service.client.post(f"/status?lang={language}", data={"receipt": RECEIPT})
    assert page.status_code == 200
    text, own = page.text, TEXTS[language]
    assert f'dir="{"rtl" if language == "ar" else "ltr"}"' in text
    assert "&lt;i&gt;Is it&lt;/i&gt;\nstill there?" in text
    assert text.count("✓") == 4
    assert text.count("○") == 1
    assert text.count(f"({own['done']})") == 4
    assert text.count(f"({own['not_yet']})") == 1
    assert text.count('aria-current="step"') == 1
    for kind in AmendmentKind:
        assert own["kinds"][kind] in text
    assert "2026-07-01 13:00" in text  # Morocco's civil time
    assert 'action="/status/withdraw' not in text  # it is withdrawn
    assert RECEIPT not in page.headers.get("link", "") + "".join(
        part.partition('"')[0] for part in text.split('href="')[1:] + text.split('action="')[1:]
    )
    assert text.count("<script") == text.count('<script type="module" src="/assets/') == 1
    withdraw = service.client.post(f"/status/withdraw?lang={language}", data={"receipt": RECEIPT})
    for line in (*own["withdraw_does"], *own["withdraw_does_not"], own["forced"]):
        assert line.replace("'", "&#39;") in withdraw.text
    assert service.store.asked == 0


def test_a_withdrawal_is_confirmed_first_and_then_counts_once(service: Service) -> None:
    first = service.client.post("/status/withdraw?lang=en", data={"receipt": RECEIPT})
    assert (first.status_code, service.store.asked) == (200, 0)
    done = service.client.post("/status/withdraw?lang=en", data={"receipt": RECEIPT, "confirmed": "yes"})
    assert done.status_code == 200
    assert TEXTS["en"]["notices"]["withdrawn"] in done.text
    assert [record.headers[2][1] for record in service.producer.records] == [b"ibalagh.report.withdrawn.v1"]


def test_a_form_that_is_sent_twice_is_one_supplement_and_what_is_wrong_comes_back(service: Service) -> None:
    form = {"receipt": RECEIPT, "draft": "d" * 32, "kind": "addition", "text": "more", "links": " a.example \n\n"}
    for _ in range(2):
        page = service.client.post("/status/supplement?lang=en", data=form)
        assert TEXTS["en"]["notices"]["sent"] in page.text
        assert "more</textarea>" not in page.text
        assert "d" * 32 not in page.text
    assert len(service.producer.records) == 1
    wrong = service.client.post("/status/supplement?lang=en", data=form | {"text": " ", "links": "x\n" * 21})
    assert wrong.status_code == 422
    assert 'href="#text"' in wrong.text
    assert 'href="#links"' in wrong.text
    assert service.client.post("/status/supplement", data={"receipt": RECEIPT, "kind": "odd"}).status_code == 422


def test_the_language_can_be_changed_without_losing_what_was_typed(service: Service) -> None:
    form = {"receipt": RECEIPT, "draft": "d" * 32, "kind": "correction", "text": "half a sen", "links": "a.example"}
    page = service.client.post("/status?lang=fr", data=form)
    assert 'formaction="/status?lang=ar"' in page.text
    for typed in ("half a sen</textarea>", "a.example</textarea>", f'value="{"d" * 32}"'):
        assert typed in page.text
    assert 'value="correction" checked' in page.text


def test_with_the_database_away_the_page_says_so(service: Service) -> None:
    service.statuses.away = True
    page = service.client.post("/status?lang=en", data={"receipt": RECEIPT})
    assert (page.status_code, TEXTS["en"]["unavailable"] in page.text) == (503, True)


def test_the_openapi_document_describes_both_operations(service: Service) -> None:
    document = service.client.get("/openapi.json").json()
    assert {"/v1/supplements", "/v1/withdrawals"} <= set(document["paths"])
    assert {"Supplement", "Withdrawal", "SupplementKind"} <= set(document["components"]["schemas"])
    assert set(document["paths"]["/v1/supplements"]["post"]["responses"]) >= {"202", "404", "429", "503"}


def test_every_language_says_the_same_things() -> None:
    def shape(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: shape(value) for key, value in node.items()}
        return len(node) if isinstance(node, list) else type(node)

    assert {tag: shape(TEXTS[tag]) for tag in LANGUAGES} == dict.fromkeys(LANGUAGES, shape(TEXTS["en"]))
    own = TEXTS["en"]
    assert set(own["steps"]) == set(Step)
    assert set(own["kinds"]) == set(AmendmentKind)
    assert set(own["choices"]) == set(SupplementKind)
    assert set(own["notices"]) == {"sent", "withdrawn", BUSY, *_STATUS_OF} - {"accepted", "unknown_receipt"}


@pytest.mark.parametrize(
    ("status", "done", "steps"),
    [
        (Status.RECEIVED, 1, 5),
        (Status.UNDER_REVIEW, 1, 5),
        (Status.EXAMINED, 2, 5),
        (Status.SET_ASIDE, 2, 2),
        (Status.REFERRED, 3, 5),
        (Status.ACCEPTED, 3, 5),
        (Status.INVESTIGATION_OPENED, 4, 5),
        (Status.OUTCOME, 5, 5),
    ],
)
def test_a_status_is_so_many_steps_and_what_was_set_aside_awaits_no_more(status: Status, done: int, steps: int) -> None:
    found = timeline(status)
    assert [each.step for each in found] == list(Step)[:steps]
    assert [each.done for each in found] == [True] * done + [False] * (steps - done)


@pytest.mark.parametrize("said", [Supplement(receipt="r", text="x"), Withdrawal(receipt="r")])
def test_the_reconciler_makes_the_same_record_again_from_what_is_stored(said: Supplement | Withdrawal) -> None:
    amendment = Amendment(str(uuid.uuid4()), kind_of(said), b"", said, NOW, None)
    record = amendment.record(CODEC, REPORT)
    event_type = dict(record.headers)["ce_type"] or b""
    assert record_of(CODEC, amendment.amendment_id, record.value or b"", NOW, event_type.decode()) == record


def test_a_form_says_a_supplement_or_which_fields_are_wrong() -> None:
    said = supplement_of({"receipt": "r", "kind": "message", "text": "a\nb", "links": " https://a.example \n\n"})
    assert said == parse(Supplement, b'{"receipt":"r","kind":"message","text":"a\\nb","links":["https://a.example"]}')
    with pytest.raises(InvalidSubmissionError) as raised:
        supplement_of({"receipt": "r", "kind": "odd", "links": "x" * 3_000})
    assert broken_fields(raised.value) == {"kind": "enum", "text": "not_blank", "links": "string_too_long"}


@pytest.mark.parametrize(
    ("text", "lane"), [("il vient ce soir me tuer, je pense au suicide", ".urgent"), ("merci", "")]
)
def test_a_supplement_of_danger_takes_the_urgent_lane_and_the_same_again_from_what_is_stored(
    text: str, lane: str
) -> None:
    said = Supplement(receipt=RECEIPT, text=text)
    amendment = Amendment(str(uuid.uuid4()), kind_of(said), b"h", said, NOW, None)
    record = amendment.record(CODEC, REPORT)
    assert record.topic == f"t.reports.received{lane}"
    event = CODEC.decode(Record(record.topic, 0, 0, record.key, record.value, record.headers))
    assert record_of(CODEC, amendment.amendment_id, record.value or b"", NOW, event.type) == record
