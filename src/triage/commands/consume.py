"""Commands that read topics of a broker into a running service."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from triage.commands.terminal import settings_of

consume = typer.Typer(
    help="Read events from NATS or Kafka into a running service.", no_args_is_help=True
)
To = Annotated[str, typer.Option(help="The service; its key is read from TRIAGE_KEY.")]
Home = Annotated[
    Path | None,
    typer.Option(help="What is no event is kept in its folder `refused`.", show_default=False),
]
_SERVICE = "http://127.0.0.1:8080"


class _Caller(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TRIAGE_", extra="ignore")

    key: SecretStr | None = None


@consume.command()
def nats(
    subject: Annotated[str, typer.Argument(help="Which subjects: orders.>")],
    stream: Annotated[str, typer.Option(help="Stream of JetStream that holds them.")],
    server: Annotated[str, typer.Option(help="The NATS server.")] = "nats://127.0.0.1:4222",
    durable: Annotated[str, typer.Option(help="Name of this consumer.")] = "triage",
    to: To = _SERVICE,
    home: Home = None,
) -> None:
    """Read a stream of NATS JetStream; a message is acknowledged once the service has it."""
    from triage.serving.brokers import nats_broker

    with closing(_forwarder(to, home)) as forward:
        _run(nats_broker(server, subject, stream, durable, forward))


@consume.command()
def kafka(
    topic: Annotated[str, typer.Argument(help="Which topic.")],
    server: Annotated[str, typer.Option(help="A bootstrap server.")] = "127.0.0.1:9092",
    group: Annotated[str, typer.Option(help="Name of the group.")] = "triage",
    to: To = _SERVICE,
    home: Home = None,
) -> None:
    """Read a topic of Kafka; offsets are committed once the service has the messages."""
    from triage.serving.brokers import kafka_broker

    with closing(_forwarder(to, home)) as forward:
        _run(kafka_broker(server, topic, group, forward))


def _forwarder(to: str, home: Path | None) -> Any:  # noqa: ANN401 - imported only when it is used
    from triage.serving.forward import Forwarder

    key = _Caller().key
    folder = settings_of(home).home / "refused"
    return Forwarder(to, folder, None if key is None else key.get_secret_value())


def _run(broker: Any) -> None:  # noqa: ANN401 - FastStream's broker, an extra
    from faststream import FastStream

    asyncio.run(FastStream(broker).run())
