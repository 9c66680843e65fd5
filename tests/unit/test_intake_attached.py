"""Which files a report gets: those it names, each once, and each file one report's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.attached import ATTACHMENT_RULES, Claim, Upload, allotted, chosen, claims_of
from services.intake.draft_files import FILE_FIELDS, DraftFile, files_of, removed, with_files
from services.intake.submission import InvalidSubmissionError

FILES = {each.encode(): Upload(each.encode(), bytes(32), 7, "image/png") for each in "abc"}


def test_a_report_gets_the_files_it_names_in_their_order() -> None:
    uploads = chosen(["b", "a"], str.encode, FILES)
    assert [each.capability_hash for each in uploads] == [b"b", b"a"]
    assert uploads[0].told.model_dump() == {"sha256": "0" * 64, "size_bytes": 7, "media_type": "image/png"}
    assert claims_of("r", uploads) == [Claim(b"b", "r", 1), Claim(b"a", "r", 2)]
    assert [each.number for each in claims_of("r", uploads, 4)] == [4, 5]


def test_what_is_unknown_or_named_twice_is_refused_by_its_place() -> None:
    with pytest.raises(InvalidSubmissionError) as refused:
        chosen(["a", "x", "a"], str.encode, FILES)
    rules = [(each.field, each.rule) for each in refused.value.rules]
    assert rules == [("attachments.1", "unknown_attachment"), ("attachments.2", "attachment_twice")]
    only_later = {"attachments_full"}  # a supplement's
    assert {rule for _, rule in rules} == set(ATTACHMENT_RULES) - only_later


@given(st.lists(st.sets(st.sampled_from("abcd")), max_size=5), st.sets(st.sampled_from("abcd")))
def test_no_file_is_given_twice_and_none_in_part(wishes: list[set[str]], free: set[str]) -> None:
    asked = [[Claim(each.encode(), str(number), 1) for each in wish] for number, wish in enumerate(wishes)]
    left = {each.encode() for each in free}
    given = allotted(asked, left)
    taken = [claim.capability_hash for claims in given for claim in claims or ()]
    assert len(taken) == len(set(taken))
    assert set(taken) <= left
    for claims, answer in zip(asked, given, strict=True):
        assert answer in (claims, None)


A, B = DraftFile("A" * 32, 1, "a b.png"), DraftFile("B" * 32, 20_000_000, "صورة.png")


def test_who_comes_first_gets_a_file_and_who_wants_nothing_always_gets_it() -> None:
    first, second = [Claim(b"a", "r", 1), Claim(b"b", "r", 2)], [Claim(b"b", "s", 1)]
    assert allotted([first, second, []], {b"a", b"b"}) == [first, None, []]
    assert allotted([first, second], {b"b"}) == [None, second]


def test_a_drafts_files_travel_in_its_fields() -> None:
    posted = with_files({"text": "x", "file_7": "old"}, [A, B])
    assert posted == {"text": "x", "file_1": f"{'A' * 32} 1 a b.png", "file_2": f"{'B' * 32} 20000000 صورة.png"}
    assert files_of(posted) == [A, B]
    assert files_of({"file_1": "nothing", "file_3": posted["file_2"], "file_4": posted["file_2"]}) == [B]
    assert len(files_of(with_files({}, [DraftFile(f"{n:032}", 1, "x") for n in range(12)]))) == len(FILE_FIELDS)


def test_a_press_takes_one_file_out() -> None:
    assert removed([A, B], "remove-1") == [B]
    for other in ("remove-3", "remove-", "next", "to-evidence"):
        assert removed([A, B], other) == [A, B]
