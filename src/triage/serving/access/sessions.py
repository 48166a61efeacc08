"""Sessions of people who signed in: a signed cookie, for a working day.

The cookie names a key and when it ends, and is worth nothing once the key is revoked or expired; or
it names somebody for whom an identity provider vouched. What was signed out is remembered until it
would have ended, but not over a restart.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from triage.errors import SettingsError
from triage.serving.access.keys import FOLDER, Key
from triage.serving.access.keys_ring import KeyRing

COOKIE = "triage_session"
SECONDS = 12 * 3_600
_SHAPE = re.compile(r"([0-9a-f]{12})\.(\d{10})\.[0-9a-f]{16}(?:\.([A-Za-z0-9_-]{1,440}))?")
_MOST_ENDED = 10_000
_VOUCHED_FOR = b""
"""Stands for the digest of a key that nobody was given."""


class Sessions:
    """Begins, reads and ends sessions.

    Args:
        ring: the keys.
        home: the service's home, which holds the secret that signs.
        clock: seconds since 1970.
    """

    def __init__(self, ring: KeyRing, home: Path, clock: Callable[[], float] = time.time) -> None:
        self.seal = Seal(home / FOLDER / "session.key")
        self._ring, self._clock = ring, clock
        self._ended: dict[str, float] = {}

    def begin(self, key: Key) -> str:
        """Return the cookie of a new session with a key."""
        return self._begin(key.id, "")

    def begin_person(self, known_as: str, name: str) -> str:
        """Return the cookie of a new session of somebody for whom others vouch.

        Args:
            known_as: what tells this person from others for good.
            name: how the person is called, 1 to 80 characters.
        """
        own = hashlib.sha256(known_as.encode()).hexdigest()[:12]
        return self._begin(own, "." + base64.urlsafe_b64encode(name.encode()).decode().rstrip("="))

    def read(self, cookie: str) -> Key | None:
        """Return the key of a session that is in force; a person's is made up for the session."""
        told = self.seal.opened("session", cookie)
        shape = None if told is None else _SHAPE.fullmatch(told)
        if shape is None or told in self._ended or int(shape[2]) <= self._clock():
            return None
        if shape[3] is None:
            return self._ring.usable(shape[1])
        name = base64.urlsafe_b64decode(shape[3] + "=" * (-len(shape[3]) % 4)).decode()
        end = int(shape[2]) * 1_000_000
        return Key(shape[1], name, frozenset(("worklist",)), 0, end, None, _VOUCHED_FOR)

    def still(self, key: Key) -> bool:
        """Return whether a key that was in force still is."""
        if key.digest == _VOUCHED_FOR:
            return key.usable(int(self._clock() * 1e6))
        return self._ring.usable(key.id) is not None

    def _begin(self, own: str, more: str) -> str:
        end = int(self._clock()) + SECONDS
        return self.seal.signed("session", f"{own}.{end}.{secrets.token_hex(8)}{more}")

    def end(self, cookie: str) -> None:
        """End a session before its time."""
        if self.read(cookie) is None:
            return
        now = self._clock()
        self._ended = {told: end for told, end in self._ended.items() if end > now}
        self._ended[cookie.rpartition(".")[0]] = now + SECONDS
        if len(self._ended) > _MOST_ENDED:
            del self._ended[next(iter(self._ended))]


class Seal:
    """Signs what browsers keep for us.

    Args:
        file: holds the secret; made when it is first needed.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._secret = b""

    def signed(self, purpose: str, told: str) -> str:
        """Return a text with its signature; good for one purpose only."""
        return f"{told}.{self._sign(purpose, told)}"

    def opened(self, purpose: str, signed: str) -> str | None:
        """Return a signed text; None if we did not sign it for that purpose."""
        told, _, signature = signed.rpartition(".")
        never_signed = not self._secret and not self._file.exists()
        if never_signed or not signed.isascii():
            return None
        return told if hmac.compare_digest(self._sign(purpose, told), signature) else None

    def _sign(self, purpose: str, told: str) -> str:
        if not self._secret:
            self._secret = _secret(self._file)
        message = f"triage {purpose} 1\0{told}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()


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
