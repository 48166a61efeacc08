"""Who is told of changes by webhook: `serving/webhooks.toml`, which holds no secret."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from triage import workspace
from triage.errors import SettingsError
from triage.serving.webhooks.signing import Secret
from triage.workspace import Declared

FILE = "serving/webhooks.toml"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_TARGET = re.compile(r"[!-~]*")
Wanted = Literal[
    "risk.changed", "order.opened", "order.closed", "exception.opened", "exception.resolved",
    "decision.expired", "alarm.raised",
]  # fmt: skip
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


_PRIVATE: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)


class Delivery(Declared):
    """How hard a receiver is tried.

    Attributes:
        attempts: after which an event becomes a dead letter.
        first_wait_seconds: before the second attempt; doubled before each further one.
        longest_wait_seconds: most that is waited; what a receiver asks for is cut to it.
        timeout_seconds: for connecting, sending and the head of the answer together.
        at_once: deliveries under way to one receiver.
        queue: events that may wait for one receiver.
        most_dead: dead letters that are kept.
    """

    attempts: Annotated[int, Field(ge=1, le=100)] = 15
    first_wait_seconds: Annotated[float, Field(gt=0)] = 5.0
    longest_wait_seconds: Annotated[float, Field(gt=0)] = 3_600.0
    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 10.0
    at_once: Annotated[int, Field(ge=1, le=64)] = 4
    queue: Annotated[int, Field(ge=1, le=100_000)] = 5_000
    most_dead: Annotated[int, Field(ge=1, le=100_000)] = 1_000


class Subscription(Declared):
    """One receiver.

    Attributes:
        url: where it listens; https, or http on this machine if that is allowed.
        events: what it wants to hear.
        secrets: names of environment variables; two while a secret is being changed.
        networks: private networks in which its host may be, for receivers on the premises.
        http_on_loopback: whether it is on this machine, where plain http is enough.
    """

    url: str
    events: Annotated[tuple[Wanted, ...], Field(min_length=1)]
    secrets: Annotated[tuple[str, ...], Field(min_length=1, max_length=2)]
    networks: tuple[Network, ...] = ()
    http_on_loopback: bool = False

    @field_validator("secrets")
    @classmethod
    def _are_names(cls, secrets: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(_VARIABLE.fullmatch, secrets)):
            raise ValueError("name environment variables (A-Z, 0-9, _), never the secret itself")
        return secrets

    @field_validator("networks")
    @classmethod
    def _are_private(cls, networks: tuple[Network, ...]) -> tuple[Network, ...]:
        for each in networks:
            if not any(_within(each, private) for private in _PRIVATE):
                raise ValueError(f"{each} is not within {', '.join(map(str, _PRIVATE))}")
        return networks

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        parts = urlsplit(self.url)
        if not _TARGET.fullmatch(self.url) or not parts.hostname:
            raise ValueError("url must be as https://host/path, in ASCII and without blanks")
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise ValueError("url must hold neither a user nor a #fragment")
        if parts.scheme != "https" and not (parts.scheme == "http" and self.http_on_loopback):
            raise ValueError("url must begin with https:// (http:// needs http_on_loopback = true)")
        if parts.port == 0:
            raise ValueError("url names port 0")
        return self


class Webhooks(Declared):
    """The whole file; without subscriptions nobody is told."""

    delivery: Delivery = Delivery()
    subscriptions: dict[str, Subscription] = Field(default={})

    @field_validator("subscriptions")
    @classmethod
    def _are_named(cls, subscriptions: dict[str, Subscription]) -> dict[str, Subscription]:
        if not all(map(_NAME.fullmatch, subscriptions)):
            raise ValueError("names have a-z, 0-9, _ and -, and at most 40 characters")
        return subscriptions


def _within(network: Network, other: Network) -> bool:
    if isinstance(network, ipaddress.IPv4Network) and isinstance(other, ipaddress.IPv4Network):
        return network.subnet_of(other)
    if isinstance(network, ipaddress.IPv6Network) and isinstance(other, ipaddress.IPv6Network):
        return network.subnet_of(other)
    return False


def load(configured: Path | None = None) -> Webhooks:
    """Read the declaration; a workspace without the file tells nobody.

    Raises:
        DeclarationError: naming the field that does not fit.
    """
    if Path(FILE).stem not in workspace.names("serving", ".toml", configured):
        return Webhooks()
    return workspace.read(Webhooks, FILE, configured)


def secrets_of(
    name: str, subscription: Subscription, environment: Mapping[str, str] = os.environ
) -> tuple[Secret, ...]:
    """Return the secrets of a subscription, read from the environment.

    Raises:
        SettingsError: naming the variable that is unset or holds no secret; never its value.
    """
    found = []
    for variable in subscription.secrets:
        try:
            found.append(Secret.parse(environment.get(variable, "")))
        except ValueError as error:
            raise SettingsError(
                f"{variable}, a secret of the webhook {name}: {error}; `triage webhooks secret`"
                " makes one"
            ) from error
    return tuple(found)
