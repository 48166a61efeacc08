"""Messages of a broker handed to the service: done with once the service has them on its disk.

A consumer reads a batch of messages, sends them as NDJSON to `POST /v1/events`, and acknowledges
them to the broker only after the service did. Whatever comes twice is ignored there, by its id. A
message that the service will never take (no JSON, no event) is kept in a file, with the reason.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from triage.errors import RequestError, SettingsError

FILE = "refused.ndjson"
_PATH, _NDJSON = "/v1/events", "application/x-ndjson"
_SECONDS = 60.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 30.0
_TOO_LARGE, _OK = 413, 200
_NOT_ALLOWED = frozenset({401, 403})
_WAIT = frozenset({408, 429})
_PREFIXES = ("ce-", "ce_")
"""Of attributes in headers: CloudEvents over HTTP and NATS, and over Kafka."""
_LOG = logging.getLogger("triage.forward")


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a broker.

    Attributes:
        body: an event, or the data of one whose attributes are headers.
        place: where it stands in the broker, in words.
        headers: by lower-case name.
    """

    body: bytes
    place: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def line(self) -> bytes:
        """Return the event as one line of JSON.

        Raises:
            ValueError: if the body is no JSON.
        """
        event: Any = json.loads(self.body)
        named = {k[3:]: v for k, v in self.headers.items() if k.startswith(_PREFIXES)}
        if "id" in named:
            event = named | {"data": event}
        return json.dumps(event, separators=(",", ":")).encode()


class Forwarder:
    """Hands messages to a service.

    Args:
        url: of the service, such as http://127.0.0.1:8080.
        folder: where messages are kept that the service refuses.
        key: with the scope `events`, where the service wants one.
    """

    def __init__(self, url: str, folder: Path, key: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise SettingsError(f"{url} is no address of a service: http://127.0.0.1:8080 is one")
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=_SECONDS)
        self._headers = {"Content-Type": _NDJSON}
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key}"
        self._file = folder / FILE

    def close(self) -> None:
        """Close the connection to the service."""
        self._connection.close()

    async def take(self, messages: Sequence[Message]) -> int:
        """Return how many were refused, once all others are on the service's disk.

        While the service is away or too busy it waits, and holds back what comes after.

        Raises:
            RequestError: if the key is not good for events; nothing is acknowledged then.
        """
        kept, lines, refused = [], [], 0
        for message in messages:
            try:
                lines.append(message.line())
                kept.append(message)
            except ValueError as error:
                self._refuse(message, f"no JSON: {type(error).__name__}")
                refused += 1
        if kept:
            refused += await self._send(kept, lines)
        return refused

    async def _send(self, messages: Sequence[Message], lines: Sequence[bytes]) -> int:
        status, answer = await self._answered(b"\n".join(lines))
        if status == _OK:
            for problem in answer["problems"]:
                self._refuse(messages[problem["index"]], problem["problem"])
            return len(answer["problems"])
        if status == _TOO_LARGE and len(messages) > 1:
            half = len(messages) // 2
            first = await self._send(messages[:half], lines[:half])
            return first + await self._send(messages[half:], lines[half:])
        if len(messages) > 1:  # which of them it is shows one by one
            each = [await self._send([m], [x]) for m, x in zip(messages, lines, strict=True)]
            return sum(each)
        self._refuse(messages[0], answer)
        return 1

    async def _answered(self, body: bytes) -> tuple[int, Any]:
        pause = _FIRST_PAUSE
        while True:
            try:
                status, content = await asyncio.to_thread(self._ask, body)
            except (OSError, HTTPException) as error:
                status, why = 0, str(error)
            else:
                why = f"it answered {status}"
            if status in _NOT_ALLOWED:
                raise RequestError(
                    f"the service {why} to the key: `triage keys create NAME --scope events`"
                )
            if status and status not in _WAIT and status < 500:
                return status, json.loads(content)
            _LOG.warning("the service does not take events (%s): again in %.1f s", why, pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _ask(self, body: bytes) -> tuple[int, bytes]:
        try:
            self._connection.request("POST", _PATH, body, self._headers)
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except BaseException:
            self._connection.close()
            raise

    def _refuse(self, message: Message, problem: object) -> None:
        """Keep a message that is no event, durably, before it is acknowledged."""
        entry = {
            "at": datetime.now(UTC).isoformat(), "place": message.place, "problem": problem,
            "headers": dict(message.headers), "body": base64.b64encode(message.body).decode(),
        }  # fmt: skip
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("ab") as file:
            file.write(json.dumps(entry).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        _LOG.warning("%s is no event and was kept in %s", message.place, self._file)
