"""Who is taken in when very many come: the bucket, proofs of work, patience."""

import altcha
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.admission import PATIENCE_LASTS_S, PATIENCE_S, Admission, Refused, TokenBucket
from services.intake.proof import Proofs

RATE = 10.0


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


class Door:
    """An admission on a clock of its own, with nothing random in it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.proofs = Proofs(b"s" * 32)
        self.admission = Admission(
            self.proofs,
            b"s" * 32,
            open_rate_per_s=RATE,
            monotonic=self.clock,
            wall=self.clock,
            spread=lambda below: below - 1,
        )

    def crowd(self) -> None:
        """So many come that nobody more is taken in without a proof."""
        while self.admission.admit() is None:
            pass


@pytest.fixture
def door() -> Door:
    return Door()


def solved(proofs: Proofs) -> str:
    challenge = altcha.Challenge.from_dict(dict(proofs.challenge()))
    solution = altcha.solve_challenge(challenge)
    assert solution is not None
    return altcha.Payload(challenge, solution).to_base64()


@given(st.lists(st.floats(0, 3), max_size=200), st.floats(0.5, 50), st.floats(1, 100))
def test_a_bucket_never_gives_more_than_its_burst_and_its_rate(
    steps: list[float], rate_per_s: float, burst: float
) -> None:
    bucket, now_s, taken = TokenBucket(rate_per_s, burst), 0.0, 0
    for step in steps:
        now_s += step
        wait_s = bucket.take(now_s)
        taken += not wait_s
        assert wait_s <= 1 / rate_per_s
        assert taken <= burst + now_s * rate_per_s + 1e-6


def test_a_bucket_gives_what_it_promised_when_waited_for_as_long_as_it_said() -> None:
    bucket = TokenBucket(2, 1)
    assert bucket.take(0) == 0
    wait_s = bucket.take(0)
    assert wait_s == 0.5
    assert bucket.take(wait_s) == 0


def test_nobody_is_asked_for_anything_while_there_is_room(door: Door) -> None:
    assert [door.admission.admit() for _ in range(int(2 * RATE))] == [None] * int(2 * RATE)
    refusal = door.admission.admit()
    assert refusal == Refused(retry_after_s=9, bad_proof=False)
    door.clock.now_s += 1 / RATE
    assert door.admission.admit() is None


def test_a_proof_of_work_admits_whatever_the_crowd_and_once(door: Door) -> None:
    door.crowd()
    solution = solved(door.proofs)
    assert door.admission.admit(solution) is None
    assert door.admission.admit(solution) == Refused(1, bad_proof=True)


def test_a_proof_does_not_use_up_the_room_of_those_who_have_none(door: Door) -> None:
    solution = solved(door.proofs)
    for _ in range(int(2 * RATE) - 1):
        door.admission.admit()
    assert door.admission.admit(solution) is None
    assert door.admission.admit() is None
    assert door.admission.admit() is not None


@pytest.mark.parametrize("worthless", ["x", "e30=", "é", "bnVsbA==", "[" * 4_000, "A" * 1_000_000])
def test_a_proof_that_is_none_is_told_so(door: Door, worthless: str) -> None:
    assert door.admission.admit(worthless) == Refused(1, bad_proof=True)


def test_a_challenge_that_was_made_easier_is_worth_nothing(door: Door) -> None:
    given = dict(door.proofs.challenge())
    easier = altcha.Challenge.from_dict({**given, "parameters": {**given["parameters"], "keyPrefix": "0", "cost": 1}})
    solution = altcha.solve_challenge(easier)
    assert solution is not None
    assert not door.proofs.spend(altcha.Payload(easier, solution).to_base64())


def test_another_secrets_challenge_is_worth_nothing(door: Door) -> None:
    assert not door.proofs.spend(solved(Proofs(b"o" * 32)))


def test_a_solution_expires(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.intake.proof.LASTS_S", -5)
    assert not door.proofs.spend(solved(door.proofs))


def test_the_memory_of_spent_solutions_is_bounded(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.intake.proof.MOST_SPENT", 2)
    monkeypatch.setattr("services.intake.proof.PREFIX", "0")
    assert all(door.proofs.spend(solved(door.proofs)) for _ in range(4))
    assert len(door.proofs._spent) == 2


def test_patience_admits_once_when_it_is_ripe_and_not_before(door: Door) -> None:
    door.crowd()
    token = door.admission.patience()
    assert door.admission.admit(patience=token) is not None
    door.clock.now_s += PATIENCE_S
    door.crowd()
    assert door.admission.admit(patience=token) is None
    assert door.admission.admit(patience=token) is not None


def test_patience_ends(door: Door) -> None:
    token = door.admission.patience()
    door.clock.now_s += PATIENCE_LASTS_S + 1
    door.crowd()
    assert door.admission.admit(patience=token) is not None


@pytest.mark.parametrize("forged", ["", "1000.1", "1000.1.", "1000.1." + "0" * 64, "x.y.z", "é.1.2"])
def test_a_forged_patience_admits_nobody(door: Door, forged: str) -> None:
    door.crowd()
    assert door.admission.admit(patience=forged) is not None


def test_the_patient_share_a_bucket_of_their_own(door: Door) -> None:
    numbers = iter(range(1_000))
    door.admission._spread = lambda _below: next(numbers)
    tokens = [door.admission.patience() for _ in range(50)]
    door.clock.now_s += PATIENCE_S
    door.crowd()
    admitted = sum(door.admission.admit(patience=token) is None for token in tokens)
    assert admitted == RATE / 5
