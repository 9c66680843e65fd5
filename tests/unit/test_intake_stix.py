"""STIX 2.1 bundles: what is read, who tells of whom, what markings forbid, and hostile bundles."""

import time
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibalagh.events.vocabulary import Category
from services.intake.mapped import Reading
from services.intake.stix import MAX_OBJECTS, MAX_PARTS, Context, read_bundle
from services.intake.stix_markings import LEVELS, SHAREABLE
from services.intake.stix_objects import CONTEXT, OTHER_TYPES
from services.intake.submission import InvalidSubmissionError

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
TIME = "2026-06-30T10:30:00.000Z"
RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"


def made(type_: str, number: int = 1, **fields: Any) -> dict[str, Any]:
    """An object of a type with the id of a number; a field that is set to `...` is left out."""
    common = {"type": type_, "id": f"{type_}--{uuid.UUID(int=number)}", "spec_version": "2.1"}
    times = {"created": TIME, "modified": TIME}
    own: dict[str, Any] = {
        "report": {"name": "A false shop", "published": TIME},
        "note": {"content": "Seen by three schools"},
        "observed-data": {"first_observed": TIME, "last_observed": TIME, "number_observed": 2},
        "indicator": {"pattern": "[url:value = 'https://a.example/x']", "pattern_type": "stix", "valid_from": TIME},
        "url": {"value": "https://shop.example/pay"},
    }.get(type_, {})
    merged = {**common, **times, **own, **fields}
    return {name: value for name, value in merged.items() if value is not ...}


def read(*objects: object, **bundle: Any) -> list[Any]:
    return list(read_bundle({"type": "bundle", "id": f"bundle--{uuid.UUID(int=0)}", "objects": objects, **bundle}, NOW))


def listed(*objects: object) -> list[Any]:
    return read_bundle({"type": "bundle", "objects": list(objects)}, NOW)


def rule(answer: object) -> str:
    assert isinstance(answer, InvalidSubmissionError)
    return answer.rules[0].rule


def test_a_report_tells_of_everything_that_it_refers_to() -> None:
    url = made("url")
    account = made("user-account", account_type="telegram", account_login="shop_invented")
    observed = made("observed-data", object_refs=[url["id"], account["id"]])
    indicator = made("indicator", labels=["phishing"])
    identity = made("identity", name="Bank One", identity_class="organization")
    report = made(
        "report", description="Customers lost money", object_refs=[observed["id"], indicator["id"]], lang="fr",
        created_by_ref=identity["id"],
    )  # fmt: skip
    note = made("note", object_refs=[report["id"]])
    answers = listed(url, account, observed, indicator, identity, report, note)
    assert answers[:5] == [Context(3), Context(3), Context(6), Context(6), Context(0)]
    assert answers[6] == Context(6)
    reading = answers[5]
    assert isinstance(reading, Reading)
    assert reading.submission.text.splitlines() == [
        "A false shop",
        "Customers lost money",
        "STIX report",
        "note: Seen by three schools",
        "observed-data: observed 2 times, first at 2026-06-30T10:30Z",
        "indicator: pattern: [url:value = 'https://a.example/x']",
        "url: https://shop.example/pay",
        "user-account: telegram, shop_invented",
    ]
    assert set(reading.submission.links) == {"https://a.example/x", "https://shop.example/pay"}
    assert reading.submission.platform == "telegram"
    assert reading.submission.category_hint is Category.FRAUD
    assert reading.submission.language == "fr"
    assert reading.submission.seen_at == datetime(2026, 6, 30, 10, 30, tzinfo=UTC)
    assert reading.submission.identity is not None
    assert reading.submission.identity.name == "Bank One"
    assert "Bank One" not in reading.submission.text
    assert reading.key == f"stix:{report['id']}:2026-06-30T10:30:00+00:00".encode()


def test_what_nobody_refers_to_is_a_report_of_its_own() -> None:
    domain = made("domain-name", value="shop.example")
    answers = listed(
        made("indicator"),
        made("note", object_refs=[domain["id"]]),
        domain,
        made("observed-data", object_refs=["url--x"]),
    )
    assert [type(answer) for answer in answers] == [Reading, Reading, Context, InvalidSubmissionError]
    assert answers[1].submission.links == ("shop.example",)


def test_an_observable_alone_and_an_observation_of_nothing_are_refused() -> None:
    gone = f"url--{uuid.UUID(int=9)}"
    assert [rule(each) for each in listed(made("url"), made("observed-data", object_refs=[gone]))] == [
        "not_reported", "nothing_reported",
    ]  # fmt: skip


@pytest.mark.parametrize("type_", sorted(OTHER_TYPES))
def test_what_stix_has_and_nobody_reports_is_refused_by_name(type_: str) -> None:
    assert rule(listed(made(type_))[0]) == "unsupported_type"


@pytest.mark.parametrize("type_", sorted(CONTEXT))
def test_what_explains_other_objects_is_context(type_: str) -> None:
    assert listed(made(type_)) == [Context(0)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (made("x-invented"), "unknown_type"),
        (made("indicator", spec_version="2.0"), "unsupported_version"),
        (made("indicator", spec_version=...), "missing"),
        (made("indicator", pattern_type="yara"), "unsupported_pattern"),
        (made("indicator", pattern=...), "missing"),
        (made("indicator", revoked=True), "revoked"),
        (made("indicator", id="indicator--1"), "bad_id"),
        (made("indicator", id=f"note--{uuid.UUID(int=1)}"), "unknown_type"),
        (made("report", name=..., object_refs=[RED]), "missing"),
        (made("note", object_refs=[]), "too_short"),
        (made("note", object_refs=[RED] * 1_001), "too_long"),
        (made("observed-data", objects={"0": {"type": "url", "value": "x"}}), "unsupported_version"),
        (made("note", object_refs=[RED], content="x" * 1_000_000), "string_too_long"),
        (made("url", value="x" * 1_000_000), "string_too_long"),
        (made("email-addr"), "nothing_reported"),
        (None, "model_type"),
        ([], "model_type"),
        ({}, "missing"),
        ("x" * 1_000_000, "model_type"),
    ],
)
def test_a_refusal_has_its_reason_and_rejects_no_other_object(value: object, expected: str) -> None:
    first, second = listed(value, made("indicator", 2))
    assert rule(first) == expected
    assert isinstance(second, Reading)


@pytest.mark.parametrize("level", sorted(LEVELS))
def test_only_what_may_go_to_other_organisations_is_taken_in(level: str) -> None:
    old = made("marking-definition", 1, definition_type="tlp", definition={"tlp": level})
    new = made(
        "marking-definition",
        2,
        extensions={"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d": {"tlp_2_0": level}},
    )
    for definition in (old, new):
        for how in ({"object_marking_refs": [definition["id"]]},
                    {"granular_markings": [{"marking_ref": definition["id"], "selectors": ["pattern"]}]}):  # fmt: skip
            _, answer = listed(definition, made("indicator", 3, **how))
            if level in SHAREABLE:
                assert isinstance(answer, Reading)
            else:
                assert rule(answer) == "marking_forbids"


def test_the_fixed_markings_need_no_definition_and_cannot_be_defined_away() -> None:
    red_as_white = {**made("marking-definition", definition_type="tlp", definition={"tlp": "white"}), "id": RED}
    answers = listed(red_as_white, made("indicator", object_marking_refs=[RED]))
    assert rule(answers[1]) == "marking_forbids"
    assert isinstance(listed(made("indicator", object_marking_refs=[GREEN]))[0], Reading)


def test_a_marking_that_nobody_knows_keeps_an_object_out_and_a_statement_does_not() -> None:
    statement = made("marking-definition", 5, definition_type="statement", definition={"statement": "(c) Bank One"})
    other = made("marking-definition", 6, definition_type="x-house", definition={"x": 1})
    objects = [
        made("indicator", number, object_marking_refs=refs)
        for number, refs in enumerate(([statement["id"]], [other["id"]], [f"marking-definition--{uuid.UUID(int=7)}"],
                                       "not a list", [{"x": 1}], 5), start=10)
    ]  # fmt: skip
    answers = listed(statement, other, *objects)[2:]
    assert isinstance(answers[0], Reading)
    assert {rule(answer) for answer in answers[1:]} == {"marking_unknown"}


def test_a_part_that_may_not_be_shared_is_refused_and_not_told() -> None:
    secret = made("url", value="https://secret.example/", object_marking_refs=[RED])
    identity = made("identity", name="Secret Name", object_marking_refs=[RED])
    report = made("report", object_refs=[secret["id"], made("indicator")["id"]], created_by_ref=identity["id"])
    answers = listed(secret, identity, made("indicator"), report)
    assert rule(answers[0]) == "marking_forbids"
    assert "secret" not in repr(answers[3]).lower()


def test_a_granular_marking_of_a_language_forbids_nothing() -> None:
    assert isinstance(listed(made("indicator", granular_markings=[{"lang": "fr", "selectors": ["name"]}]))[0], Reading)


def test_a_second_object_with_the_same_id_is_refused() -> None:
    first, second = listed(made("indicator"), made("indicator", description="another"))
    assert isinstance(first, Reading)
    assert rule(second) == "duplicate_id"


def test_cycles_of_references_end() -> None:
    reports = [
        made("report", n, object_refs=[f"report--{uuid.UUID(int=(n + 1) % 3)}"], description="x") for n in range(3)
    ]
    notes = [made("note", n, object_refs=[f"note--{uuid.UUID(int=1 - n)}"]) for n in range(2)]
    both = made("report", 7, object_refs=[f"note--{uuid.UUID(int=8)}"], description="x")
    about = made("note", 8, object_refs=[both["id"], f"note--{uuid.UUID(int=8)}"])
    answers = listed(*reports, *notes, both, about)
    assert [type(answer) for answer in answers] == [Reading] * 6 + [Context]
    assert answers[5].submission.text.count("Seen by three schools") == 1


def test_a_full_bundle_of_reports_that_share_everything_is_read_in_good_time() -> None:
    urls = [made("url", n, value=f"https://x.example/{n}") for n in range(1_000)]
    observed = made("observed-data", object_refs=[url["id"] for url in urls])
    reports = [made("report", n, object_refs=[observed["id"]], description="x") for n in range(3_000)]
    started = time.process_time()
    answers = listed(*urls, observed, *reports)
    assert time.process_time() - started < 8
    assert answers[-1].left_out == ["links", "object_refs"]
    assert answers[-1].submission.text.count("url:") == MAX_PARTS - 1


def test_more_words_than_a_report_holds_are_left_out_by_the_part() -> None:
    notes = [made("note", n, content=str(n) * 9_000, object_refs=[f"report--{uuid.UUID(int=1)}"]) for n in range(1, 5)]
    answers = listed(made("report", object_refs=[RED]), *notes)
    assert answers[0].submission.text.count("note: ") == 2
    assert answers[0].left_out == ["object_refs"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"type": "bundle", "spec_version": "2.0", "objects": []}, "unsupported_version"),
        ({"type": "report", "objects": []}, "not_a_bundle"),
        ({"type": "bundle"}, "missing"),
        ({"type": "bundle", "objects": {}}, "list_type"),
        ({"type": "bundle", "objects": [1] * (MAX_OBJECTS + 1)}, "too_long"),
        ([], "model_type"),
        (None, "model_type"),
    ],
)
def test_what_is_no_bundle_is_refused_as_a_whole(value: object, expected: str) -> None:
    with pytest.raises(InvalidSubmissionError) as raised:
        read_bundle(value, NOW)
    assert raised.value.rules[0].rule == expected


def test_the_addresses_of_a_pattern_are_found_and_unescaped() -> None:
    pattern = r"[url:value = 'https://a.example/it\'s' OR domain-name:value='b.example'] AND [file:name = 'c']"
    assert listed(made("indicator", pattern=pattern))[0].submission.links == ("https://a.example/it's", "b.example")
    started = time.process_time()
    listed(made("indicator", pattern="url:value = '" + "\\" * 9_000))
    assert time.process_time() - started < 2


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.text(max_size=20)
    | st.sampled_from([RED, GREEN, TIME]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=15,
)
FIELDS = (
    *("object_marking_refs", "granular_markings", "object_refs", "labels", "lang", "name", "created_by_ref", "pattern"),
    *("definition", "extensions", "definition_type", "value", "modified", "id", "type", "hashes", "content"),
)
TYPES = ("report", "note", "observed-data", "indicator", "url", "file", "identity", "marking-definition")


@given(
    st.lists(st.tuples(st.sampled_from(TYPES), st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4)), max_size=6)
)
def test_whatever_stands_in_the_objects_each_has_an_answer(objects: list[tuple[str, dict[str, Any]]]) -> None:
    bundle = [made(type_, number, **fields) for number, (type_, fields) in enumerate(objects)]
    answers = listed(*bundle)
    assert len(answers) == len(bundle)
    assert all(isinstance(answer, Reading | Context | InvalidSubmissionError) for answer in answers)
