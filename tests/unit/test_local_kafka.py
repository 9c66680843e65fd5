"""Ending brokers while the thread that starts them is still at it."""

from pathlib import Path

from ibalagh.local.kafka import EmbeddedKafka


def test_a_broker_that_its_start_forgets_meanwhile_does_not_disturb_the_stop(tmp_path: Path) -> None:
    kafka = EmbeddedKafka(tmp_path, ports=[1, 2])
    running = vars(kafka)["_running"]

    class Ended:
        def wait(self) -> None:
            running.pop(1, None)  # as the start does when it sees the broker end

    running[1] = Ended()
    kafka.stop()
    assert kafka.pids() == {}
