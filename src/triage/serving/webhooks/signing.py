"""Signatures of webhooks as Standard Webhooks 1.0 has them (https://www.standardwebhooks.com).

Signed is `id.timestamp.body` by HMAC-SHA256, so that neither can be changed or sent again later:
receivers refuse a timestamp that is minutes old. While a secret is changed there are two
signatures, and a receiver accepts either.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

_PREFIX = "whsec_"
_LEAST_BYTES, _MOST_BYTES = 24, 64


@dataclass(frozen=True, slots=True)
class Secret:
    """A key that a receiver has too; never shown."""

    key: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a secret: `whsec_` and 24 to 64 bytes in base64.

        Raises:
            ValueError: saying what is wrong, without the secret.
        """
        if not text:
            raise ValueError("is not set")
        try:
            key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            key = b""
        if not text.startswith(_PREFIX) or not _LEAST_BYTES <= len(key) <= _MOST_BYTES:
            raise ValueError(
                f"must be {_PREFIX} and {_LEAST_BYTES} to {_MOST_BYTES} bytes in base64"
            )
        return cls(key)

    @staticmethod
    def new() -> str:
        """Return the text of a new secret."""
        return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def headers(message_id: str, timestamp: int, body: bytes, keys: Sequence[Secret]) -> dict[str, str]:
    """Return the headers that sign one attempt.

    Args:
        message_id: the same at every attempt.
        timestamp: of the attempt, seconds since 1970.
        body: exactly what is sent.
        keys: one signature each.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{_signature(key, signed)}" for key in keys),
    }


def _signature(secret: Secret, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(secret.key, signed, hashlib.sha256)).decode()
