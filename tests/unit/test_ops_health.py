"""Health: probes are really asked, with a time-out; answers are kept for a moment; one that hangs is not piled up."""

import threading

from ibalagh.ops.health import Health, Probe
from ibalagh.stream.errors import PassingError
from tests.support.poll import eventually


def _fail() -> None:
    raise ConnectionError("with an address in it")


def _wait() -> None:
    raise PassingError("waits for the broker")


def test_each_probe_is_told_by_its_outcome() -> None:
    health = Health([Probe("good", lambda: None), Probe("bad", _fail), Probe("loop", _wait)])
    assert health.readiness() == {"good": "ok", "bad": "ConnectionError", "loop": "PassingError: waits for the broker"}


def test_a_probe_that_hangs_is_a_time_out_and_is_not_piled_up() -> None:
    release = threading.Event()
    asked: list[int] = []

    def hang() -> None:
        asked.append(1)
        release.wait(20)

    health = Health([Probe("slow", hang)], timeout_s=0.05, cache_s=0)
    assert health.readiness() == {"slow": "timeout"}
    assert health.readiness() == {"slow": "timeout"}
    assert len(asked) == 1
    release.set()
    eventually(lambda: health.readiness() == {"slow": "ok"})


def test_answers_are_kept_for_a_moment_only() -> None:
    asked: list[int] = []
    kept = Health([Probe("p", lambda: asked.append(1))], cache_s=60)
    assert kept.readiness() == kept.readiness() == {"p": "ok"}
    assert len(asked) == 1
    fresh = Health([Probe("p", lambda: asked.append(1))], cache_s=0)
    fresh.readiness()
    fresh.readiness()
    assert len(asked) == 3


def test_a_loop_that_ended_is_named() -> None:
    health = Health([])
    assert health.dead_loops() == []
    health.watch({"relay": lambda: False, "triage": lambda: True})
    assert health.dead_loops() == ["relay"]
