"""A receiver with its secrets, and what it is sent: an event as CloudEvents 1.0 has it, signed."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triage.domain.clock import from_micros
from triage.serving import answers
from triage.serving.webhooks.box import Letter
from triage.serving.webhooks.declared import Delivery, Subscription, load, secrets_of
from triage.serving.webhooks.send import Sent, send
from triage.serving.webhooks.signing import Secret, headers

MEDIA_TYPE = "application/cloudevents+json; charset=utf-8"
SOURCE = "/triage"
TEST = "webhook.test"
Send = Callable[[Subscription, Mapping[str, str], bytes, float], Awaitable[Sent]]
"""Makes one attempt: to whom, headers, body, seconds."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """A subscription with its secrets."""

    name: str
    subscription: Subscription
    secrets: tuple[Secret, ...]

    async def attempt(self, letter: Letter, seconds: float, sending: Send = send) -> Sent:
        """Sign an event as of now and send it once."""
        body = letter.body.encode()
        signed = headers(letter.id, int(time.time()), body, self.secrets)
        return await sending(
            self.subscription, {"Content-Type": MEDIA_TYPE, **signed}, body, seconds
        )


def letter_of(to: str, message_id: str, told: str, facts: dict[str, Any]) -> Letter:
    """Return an event as CloudEvents 1.0 has it, structured JSON."""
    at = time.time_ns() // 1_000
    event = {
        "specversion": "1.0",
        "id": message_id,
        "source": SOURCE,
        "type": told,
        "time": from_micros(at),
        "datacontenttype": "application/json",
        "data": facts,
    }
    subject = facts.get("order_id") or facts.get("exception_id")
    body = answers.dump(event if subject is None else event | {"subject": subject})
    return Letter(to, message_id, told, at, body.decode())


def receivers(workspace: Path | None) -> tuple[dict[str, Receiver], Delivery]:
    """Return who is told as the workspace declares it, with secrets from the environment.

    Raises:
        DeclarationError: naming the field that does not fit.
        SettingsError: naming a variable that holds no secret.
    """
    declared = load(workspace)
    found = {
        name: Receiver(name, subscription, secrets_of(name, subscription))
        for name, subscription in declared.subscriptions.items()
    }
    return found, declared.delivery
