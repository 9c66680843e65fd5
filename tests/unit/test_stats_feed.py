"""The event stream: one frame a second for everybody who listens, none for nobody, an end when stats stops."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Sequence

from ibalagh.stream.errors import PassingError
from ibalagh.stream.ports import Record, TopicPartition
from services.stats.feed import Feed, lasting
from tests.support.poll import eventually

DELTA = Record("stats.deltas", 0, 0, b"k", b"{}", ())


class Deltas:
    """A consumer that gives what the test puts in."""

    def __init__(self) -> None:
        self.waiting: list[Record] = []
        self.looks = 0
        self.closed = False
        self.assigned = {TopicPartition("deltas", 0): 0}

    def subscribe(self, topics: Sequence[str], **_: object) -> None: ...

    def end_offsets(self, _: Collection[object]) -> dict[object, int]:
        return {}

    def positions(self) -> dict[TopicPartition, int]:
        return self.assigned

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
    """A feed that runs in a thread, with a clock and deltas of the test's; listeners run in a thread each."""

    def __init__(self, render: Callable[[Collection[str]], dict[str, str]] | None = None) -> None:
        self.deltas, self.clock, self.stop, self.rendered = Deltas(), Clock(), Stop(), 0
        self.feed = Feed(lambda: self.deltas, "stats.deltas", render or self.render, self.clock)  # type: ignore[arg-type,return-value]
        self.threads = [threading.Thread(target=self.feed.run, args=(self.stop,))]
        self.threads[0].start()

    def render(self, kinds: Collection[str]) -> dict[str, str]:
        self.rendered += 1
        return {kind: f"{kind} {self.rendered}\nand more" for kind in kinds}

    def listen(self, kind: str = "json", chunks: int | None = None) -> list[bytes]:
        """A listener who stays for so many chunks (None: until the end); what it has received so far."""
        received: list[bytes] = []

        async def take() -> None:
            stream = self.feed.listen(kind)
            async for chunk in stream:
                received.append(chunk)
                if len(received) == chunks:
                    break
            await stream.aclose()  # type: ignore[attr-defined]

        self.threads.append(threading.Thread(target=lambda: asyncio.run(take())))
        self.threads[-1].start()
        return received

    def pass_rounds(self, rounds: int = 3) -> None:
        until = self.deltas.looks + rounds
        eventually(lambda: self.deltas.looks >= until)

    def end(self) -> None:
        self.stop.requested = True
        for thread in self.threads:
            thread.join()


def frame(number: int, text: str) -> bytes:
    return f"event: counters\nid: {number}\ndata: {text}\ndata: and more\n\n".encode()


def test_while_nothing_changes_nobody_is_asked_and_changes_are_gathered_for_a_second() -> None:
    scene = Scene()
    scene.listen()
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


def test_while_nobody_listens_nothing_is_read_and_who_comes_later_gets_a_new_frame() -> None:
    scene = Scene()
    scene.deltas.waiting = [DELTA]
    scene.pass_rounds()
    assert scene.rendered == 0
    first = scene.listen(chunks=2)
    eventually(lambda: len(first) == 2)
    scene.clock.now = 100.0
    scene.deltas.waiting = [DELTA]
    scene.pass_rounds()
    assert scene.rendered == 1
    second = scene.listen(chunks=2)
    eventually(lambda: len(second) == 2)
    scene.end()
    assert first[1:] == [frame(1, "json 1")]
    assert second[1:] == [frame(2, "json 2")]


def test_only_the_kinds_that_are_listened_to_are_written() -> None:
    scene = Scene()
    french = scene.listen("fr")
    eventually(lambda: len(french) == 2)
    assert scene.feed._frame.written.keys() == {"fr"}
    scene.clock.now = 1.0
    arabic = scene.listen("ar")
    eventually(lambda: len(arabic) == 2)
    assert scene.feed._frame.written.keys() == {"ar", "fr"}
    scene.end()
    assert french[:2] == [b"retry: 2000\n\n", frame(1, "fr 1")]
    assert arabic[:2] == [b"retry: 2000\n\n", frame(2, "ar 2")]


def test_every_listener_gets_the_same_frame_and_the_stream_ends_with_the_feed() -> None:
    gate = threading.Event()

    def render(kinds: Collection[str]) -> dict[str, str]:
        gate.wait(10)
        return dict.fromkeys(kinds, "1\nand more")

    scene = Scene(render)
    first, second = scene.listen(), scene.listen()
    eventually(lambda: len(first) == len(second) == 1)
    gate.set()
    eventually(lambda: len(first) == len(second) == 2)
    scene.end()
    assert first == second == [b"retry: 2000\n\n", frame(1, "1")]


def test_a_database_that_is_away_delays_the_frame_and_loses_none() -> None:
    answers: list[Exception | dict[str, str]] = [PassingError("away"), {"json": "back\nand more"}]

    def render(_: Collection[str]) -> dict[str, str]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    scene = Scene(render)
    received = scene.listen()
    eventually(lambda: len(answers) == 1)
    scene.pass_rounds()
    assert len(answers) == 1
    scene.clock.now = 1.0
    eventually(lambda: not answers)
    eventually(lambda: received[1:] == [frame(1, "back")])
    scene.end()


def test_a_stream_that_lasted_long_enough_ends_and_leaves_nobody_listening() -> None:
    ended = []

    async def endless() -> AsyncGenerator[bytes]:
        try:
            while True:
                yield b"frame"
        finally:
            ended.append(True)

    async def three() -> AsyncGenerator[bytes]:
        for _ in range(3):
            yield b"frame"

    async def all_of(frames: AsyncIterator[bytes]) -> list[bytes]:
        return [frame async for frame in frames]

    assert asyncio.run(all_of(lasting(endless(), 0))) == [b"frame"]
    assert ended == [True]
    assert len(asyncio.run(all_of(lasting(three(), 3600)))) == 3


def test_what_was_published_before_the_partition_was_assigned_is_told_all_the_same() -> None:
    """Reading begins at the end when a partition is assigned, after the first frame."""
    scene = Scene()
    scene.deltas.assigned = {}
    scene.pass_rounds()
    received = scene.listen()
    eventually(lambda: len(received) == 2)
    scene.clock.now = 100.0
    scene.pass_rounds()
    rendered = scene.rendered
    scene.deltas.assigned = {TopicPartition("deltas", 0): 7}
    eventually(lambda: scene.rendered == rendered + 1)
    scene.end()
