"""The event stream: one frame a second for everybody, the newest to whoever is late, an end when stats stops."""

import asyncio
import threading
from collections.abc import Callable, Collection, Sequence

from ibalagh.stream.errors import PassingError
from ibalagh.stream.ports import Record
from services.stats.feed import Feed
from tests.support.poll import eventually

DELTA = Record("stats.deltas", 0, 0, b"k", b"{}", (), 0)


class Deltas:
    """A consumer that gives what the test puts in."""

    def __init__(self) -> None:
        self.waiting: list[Record] = []
        self.looks = 0
        self.closed = False

    def subscribe(self, topics: Sequence[str], **_: object) -> None: ...

    def end_offsets(self, _: Collection[object]) -> dict[object, int]:
        return {}

    def consume(self, *_: object) -> list[Record]:
        self.looks += 1
        taken, self.waiting = self.waiting, []
        return taken

    def close(self) -> None:
        self.closed = True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Stop:
    requested = False


class Scene:
    """A feed that runs in a thread, with a clock and deltas of the test's."""

    def __init__(self, render: Callable[[], dict[str, str]] | None = None) -> None:
        self.deltas, self.clock, self.stop, self.rendered = Deltas(), Clock(), Stop(), 0
        self.feed = Feed(lambda: self.deltas, "stats.deltas", render or self.render, self.clock)  # type: ignore[arg-type,return-value]
        self.thread = threading.Thread(target=self.feed.run, args=(self.stop,))
        self.thread.start()

    def render(self) -> dict[str, str]:
        self.rendered += 1
        return {"json": f"{self.rendered}\nand more"}

    def pass_rounds(self, rounds: int = 3) -> None:
        until = self.deltas.looks + rounds
        eventually(lambda: self.deltas.looks >= until)

    def end(self) -> None:
        self.stop.requested = True
        self.thread.join()


def test_while_nothing_changes_nobody_is_asked_and_changes_are_gathered_for_a_second() -> None:
    scene = Scene()
    eventually(lambda: scene.rendered == 1)
    scene.clock.now = 100.0
    scene.pass_rounds()
    assert scene.rendered == 1
    scene.deltas.waiting = [DELTA]
    eventually(lambda: scene.rendered == 2)
    scene.deltas.waiting = [DELTA] * 5
    scene.pass_rounds()
    assert scene.rendered == 2
    scene.clock.now = 101.0
    eventually(lambda: scene.rendered == 3)
    scene.end()
    assert scene.deltas.closed


def test_every_listener_gets_the_same_frame_and_the_stream_ends_with_the_feed() -> None:
    scene = Scene()
    eventually(lambda: scene.rendered == 1)

    async def listen() -> list[bytes]:
        received = []
        async for chunk in scene.feed.listen("json"):
            received.append(chunk)
            if len(received) == 2:
                scene.stop.requested = True
        return received

    async def both() -> list[list[bytes]]:
        return list(await asyncio.gather(listen(), listen()))

    first, second = asyncio.run(both())
    scene.end()
    assert first == second == [b"retry: 2000\n\n", b"event: counters\nid: 1\ndata: 1\ndata: and more\n\n"]
    assert scene.rendered == 1


def test_a_database_that_is_away_delays_the_frame_and_loses_none() -> None:
    answers: list[Exception | dict[str, str]] = [PassingError("away"), {"json": "back"}]

    def render() -> dict[str, str]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    scene = Scene(render)
    eventually(lambda: len(answers) == 1)
    scene.pass_rounds()
    assert len(answers) == 1
    scene.clock.now = 1.0
    eventually(lambda: not answers)
    scene.end()
