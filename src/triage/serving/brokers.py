"""Topics of a broker, read with FastStream and handed to the service (see `forward`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from triage.errors import SettingsError
from triage.serving.forward import Forwarder, Message

MOST = 500
"""Messages of one batch."""
_SECONDS = 0.2
"""So long a batch that is not full waits for more."""


def nats_broker(url: str, subject: str, stream: str, durable: str, forward: Forwarder) -> Any:  # noqa: ANN401 - FastStream's broker, an extra
    """Return a broker that reads a stream of NATS JetStream as a durable consumer.

    Args:
        url: nats://HOST:PORT.
        subject: which subjects of the stream.
        stream: it must exist.
        durable: name under which the server remembers how far it was read.
        forward: takes messages; a batch is acknowledged after it returned, else it comes again.

    Raises:
        SettingsError: if the extra is not installed.
    """
    try:
        from faststream import AckPolicy, Context  # noqa: PLC0415
        from faststream.nats import JStream, NatsBroker, PullSub  # noqa: PLC0415
        from faststream.nats.subscriber.usecases import stream_pull_subscriber  # noqa: PLC0415
    except ImportError as error:
        raise _lacks("nats") from error
    # The client ends a fetch whose time is over with asyncio's TimeoutError, FastStream 0.7 expects
    # its subclass: a batch read so far would be dropped, and come again only after the ack's time.
    vars(stream_pull_subscriber)["TimeoutError"] = TimeoutError
    broker, whole = NatsBroker(url), Context("message")

    @broker.subscriber(
        subject, stream=JStream(stream, declare=False), durable=durable,
        pull_sub=PullSub(batch=True, batch_size=MOST, timeout=_SECONDS),
        ack_policy=AckPolicy.NACK_ON_ERROR, decoder=_undecoded,
    )  # fmt: skip
    async def take(_: Any, message: Any = whole) -> None:  # noqa: ANN401
        await forward.take(
            [
                Message(each.data, f"{stream}: {each.subject}", _lowered(each.headers or {}))
                for each in _several(message.raw_message)
            ]
        )

    return broker


def kafka_broker(url: str, topic: str, group: str, forward: Forwarder) -> Any:  # noqa: ANN401 - FastStream's broker, an extra
    """Return a broker that reads a topic of Kafka as a member of a group.

    Args:
        url: HOST:PORT of a bootstrap server.
        topic: which one.
        group: name under which the offsets are committed.
        forward: takes messages; offsets are committed after it returned.

    Raises:
        SettingsError: if the extra is not installed.
    """
    try:
        from faststream import AckPolicy, Context  # noqa: PLC0415
        from faststream.kafka import KafkaBroker  # noqa: PLC0415
    except ImportError as error:
        raise _lacks("kafka") from error
    broker, whole = KafkaBroker(url), Context("message")

    @broker.subscriber(
        topic, group_id=group, auto_offset_reset="earliest", ack_policy=AckPolicy.NACK_ON_ERROR,
        batch=True, batch_timeout_ms=round(_SECONDS * 1000), max_records=MOST, decoder=_undecoded,
    )  # fmt: skip
    async def take(_: Any, message: Any = whole) -> None:  # noqa: ANN401
        await forward.take(
            [
                Message(
                    each.value or b"", f"{each.topic}/{each.partition} at {each.offset}",
                    _lowered({k: v.decode(errors="replace") for k, v in each.headers or ()}),
                )
                for each in _several(message.raw_message)
            ]
        )  # fmt: skip

    return broker


async def _undecoded(_: Any) -> bytes:  # noqa: ANN401 - FastStream's message
    """Leave bodies as they are: what they say is the service's to judge."""
    return b""


def _several(raw: Any) -> Sequence[Any]:  # noqa: ANN401 - one message of the client, or many
    return raw if isinstance(raw, list | tuple) else [raw]


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _lacks(extra: str) -> SettingsError:
    return SettingsError(f'this needs an extra: pip install "fulfilment-triage[{extra}]"')
