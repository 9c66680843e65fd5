"""The hop on Faust, one agent that forwards what it handles; `BENCH_GUARANTEE` is its processing guarantee."""

import os

import faust

from bench.peers.contender import Settings, triage
from ibalagh.stream.ports import Record


def build(settings: Settings, guarantee: str) -> faust.App:
    """The application; `guarantee` is `exactly_once` or `at_least_once`."""
    handle = triage(settings)
    app = faust.App(
        settings.group,
        broker=f"kafka://{settings.bootstrap}",
        value_serializer="raw",
        key_serializer="raw",
        processing_guarantee=guarantee,
        producer_compression_type="lz4",
        topic_disable_leader=True,
        web_enabled=False,
        worker_redirect_stdouts=False,
        consumer_auto_offset_reset="earliest",
    )
    source = app.topic(settings.source, key_type=bytes, value_type=bytes)
    target = app.topic(settings.target, key_type=bytes, value_type=bytes)

    @app.agent(source)
    async def forward(stream: faust.StreamT[bytes]) -> None:
        async for event in stream.events():
            message = event.message
            headers = dict(message.headers or {})
            outgoing = handle(
                Record(
                    message.topic,
                    message.partition,
                    message.offset,
                    message.key,
                    message.value,
                    list(headers.items()),
                )
            )
            out = {name: value or b"" for name, value in outgoing.headers}
            await target.send(key=outgoing.key, value=outgoing.value, headers=out)

    return app


if __name__ == "__main__":
    application = build(Settings.from_environment(), os.environ["BENCH_GUARANTEE"])
    application.main()
