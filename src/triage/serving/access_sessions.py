"""Sessions of people who signed in with a key: a signed cookie, for a working day.

The cookie names a key and when it ends; it is worth nothing once the key is revoked or expired.
What was signed out is remembered until it would have ended, but not over a restart.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from triage.errors import SettingsError
from triage.serving.keys import FOLDER, Key
from triage.serving.keys_ring import KeyRing

COOKIE = "triage_session"
SECONDS = 12 * 3_600
_SHAPE = re.compile(r"([0-9a-f]{12})\.(\d{10})\.[0-9a-f]{16}")
_PURPOSE = b"triage session 1\0"
_MOST_ENDED = 10_000


class Sessions:
    """Begins, reads and ends sessions.

    Args:
        ring: the keys.
        home: the service's home, which holds the secret that signs.
        clock: seconds since 1970.
    """

    def __init__(self, ring: KeyRing, home: Path, clock: Callable[[], float] = time.time) -> None:
        self._ring, self._clock = ring, clock
        self._file = home / FOLDER / "session.key"
        self._secret = b""
        self._ended: dict[str, float] = {}

    def begin(self, key: Key) -> str:
        """Return the cookie of a new session."""
        end = int(self._clock()) + SECONDS
        told = f"{key.id}.{end}.{secrets.token_hex(8)}"
        return f"{told}.{self._sign(told)}"

    def read(self, cookie: str) -> Key | None:
        """Return the key of a session that is in force."""
        told, _, signature = cookie.rpartition(".")
        shape = _SHAPE.fullmatch(told)
        if shape is None or not cookie.isascii():
            return None
        if not hmac.compare_digest(self._sign(told), signature):
            return None
        if told in self._ended or int(shape[2]) <= self._clock():
            return None
        return self._ring.usable(shape[1])

    def end(self, cookie: str) -> None:
        """End a session before its time."""
        if self.read(cookie) is None:
            return
        now = self._clock()
        self._ended = {told: end for told, end in self._ended.items() if end > now}
        self._ended[cookie.rpartition(".")[0]] = now + SECONDS
        if len(self._ended) > _MOST_ENDED:
            del self._ended[next(iter(self._ended))]

    def _sign(self, told: str) -> str:
        if not self._secret:
            self._secret = _secret(self._file)
        return hmac.new(self._secret, _PURPOSE + told.encode(), hashlib.sha256).hexdigest()


def _secret(path: Path) -> bytes:
    """Return the secret in a file; make it, readable by its owner only, if there is none.

    Raises:
        SettingsError: if the file does not hold a secret.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        held = path.read_bytes()
        if len(held) != 32:
            raise SettingsError(f"{path} holds no secret; delete it: people sign in anew") from None
        return held
    with os.fdopen(handle, "wb") as file:
        made = secrets.token_bytes(32)
        file.write(made)
        file.flush()
        os.fsync(file.fileno())
    return made
