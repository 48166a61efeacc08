"""Who may ask, and how often.

Without a key the service is open to whoever sits at the machine, as long as it listens on loopback
only and no key was ever issued (`TRIAGE_OPEN_LOOPBACK` says otherwise). Then a request must come
from this machine, be addressed to it by a name that no DNS server can give to another, and not be
sent by a page of somebody else. Once keys were issued every address needs one, see `rules`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import ClassVar

from starlette.types import Scope

from triage.errors import SettingsError, TriageError
from triage.serving.access import rules
from triage.serving.access.keys import Key
from triage.serving.access.keys_ring import KeyRing
from triage.serving.access.rate import Buckets, Level, place
from triage.serving.access.sessions import COOKIE, Sessions
from triage.settings import Settings

FAILURES_PER_SECOND, FAILURES_AT_ONCE = 0.2, 10
"""Wrong keys that an address may send before it is told to wait. The right key is never refused for
them: a secret of 32 bytes cannot be guessed, and others may share the address."""
REMOTE_PER_SECOND = 500
_BURST_SECONDS = 4
_RELAYED = frozenset((b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"))
_READ = _RELAYED | {
    b"authorization",
    b"x-api-key",
    b"cookie",
    b"host",
    b"origin",
    b"sec-fetch-site",
}


class RefusedError(TriageError):
    """The request was refused."""

    def __init__(self, detail: str, headers: Mapping[str, str] | None = None) -> None:
        self.headers = dict(headers or {})
        super().__init__(detail)


class KeyNeededError(RefusedError):
    """A key that is in force is needed."""

    status: ClassVar[int] = 401
    slug: ClassVar[str] = "key-needed"


class ScopeMissingError(RefusedError):
    """This key is not for that."""

    status: ClassVar[int] = 403
    slug: ClassVar[str] = "scope-missing"


class ForeignError(RefusedError):
    """The request was not sent from this service, or not to it."""

    status: ClassVar[int] = 403
    slug: ClassVar[str] = "foreign"


class TooManyError(RefusedError):
    """There were too many requests."""

    status: ClassVar[int] = 429
    slug: ClassVar[str] = "too-many-requests"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request it is.

    Attributes:
        key: the key that came with it, or that the session was begun with.
        signed_in: whether it came by a session.
    """

    key: Key
    signed_in: bool


_CALLER: ContextVar[Caller | None] = ContextVar("caller", default=None)


def caller() -> Caller | None:
    """Return whose request is being answered; None if nobody had to say."""
    return _CALLER.get()


def signed_in() -> bool:
    """Return whether the request that is being answered came by a session."""
    found = _CALLER.get()
    return found is not None and found.signed_in


class Guard:
    """Decides about requests.

    Raises:
        SettingsError: if the service would listen beyond loopback without a key in force.
        TriageError: if the keys cannot be read.
    """

    def __init__(self, settings: Settings) -> None:
        self.ring = KeyRing(settings.home)
        self.sessions = Sessions(self.ring, settings.home)
        self._bound_to_loopback = rules.is_loopback(settings.host)
        self._open = settings.open_loopback
        self._failures = Buckets(FAILURES_PER_SECOND, FAILURES_AT_ONCE)
        rate = REMOTE_PER_SECOND if settings.rate_limit is None else settings.rate_limit
        self._buckets = Buckets(rate, rate * _BURST_SECONDS) if rate else None
        self._spares_loopback = settings.rate_limit is None
        if not self._bound_to_loopback and not self.ring.in_force:
            raise SettingsError(
                f"the service would listen on {settings.host}, beyond this machine, and no key is"
                " in force; next: triage keys create NAME --scope worklist --scope score"
                f" --home {settings.home}"
            )

    def admit(self, scope: Scope) -> dict[str, str]:
        """Let a request pass; returns headers for its answer.

        Raises:
            RefusedError: if it may not pass.
        """
        need = rules.needed(scope["path"])
        if not need:
            return {}
        told = {name: value for name, value in scope["headers"] if name in _READ}
        client = scope.get("client")
        address = client[0] if client else ""
        found = self._known(told, address)
        if found is None:
            self._check_open(told, address)
        else:
            if not any(map(found.key.may, need)):
                raise ScopeMissingError("the key that was sent has no scope for this address")
            _CALLER.set(found)
        if found is None or found.signed_in:
            self._check_sender(scope["method"], told)
        headers = self._limit(place(address) if found is None else found.key.id, address)
        if found is not None and found.signed_in:
            headers["cache-control"] = "private, no-cache"
        return headers

    def sign_in(self, token: str, address: str) -> str:
        """Return the cookie of a session for a key with scope `worklist`.

        Raises:
            KeyNeededError: if it is none.
            TooManyError: if that was tried too often.
        """
        key = self.ring.find(token)
        if key is None or not key.may("worklist"):
            raise self._failed(address)
        return self.sessions.begin(key)

    def still(self, found: Caller | None) -> bool:
        """Return whether a caller's key is still in force."""
        return found is None or self.sessions.still(found.key)

    def _known(self, told: Mapping[bytes, bytes], address: str) -> Caller | None:
        """Return whose request it is, None if it does not say."""
        token = _token(told)
        if token is not None:
            if not self.ring.issued and self._open != "never":
                return None
            key = self.ring.find(token)
            if key is None:
                raise self._failed(address)
            return Caller(key, signed_in=False)
        if b"cookie" in told and (cookie := session_cookie(told[b"cookie"])):
            session = self.sessions.read(cookie)
            return None if session is None else Caller(session, signed_in=True)
        return None

    def _check_open(self, told: Mapping[bytes, bytes], address: str) -> None:
        """Refuse who sends no key, unless the service is open to them."""
        here = rules.is_loopback(address) and _RELAYED.isdisjoint(told)
        if self._open == "always":
            stays_open = here
        else:
            stays_open = self._open == "until-keys" and here and self._bound_to_loopback
            stays_open = stays_open and not self.ring.issued
        if not stays_open:
            raise _key_needed()
        if not rules.names_this_machine(told.get(b"host", b"")):
            raise ForeignError("ask for localhost or 127.0.0.1, or send a key")

    def _check_sender(self, method: str, told: Mapping[bytes, bytes]) -> None:
        if method in rules.SAFE_METHODS:
            return
        said = rules.sender(told.get(b"sec-fetch-site"), told.get(b"origin"), told.get(b"host"))
        if said == "foreign":
            raise ForeignError("a page of another address may not do this")

    def _limit(self, who: str, address: str) -> dict[str, str]:
        buckets = self._buckets
        if buckets is None or (self._spares_loopback and rules.is_loopback(address)):
            return {}
        level = buckets.take(who)
        headers = buckets.headers(level)
        if level.wait:
            raise TooManyError("this caller asks faster than is agreed; see Retry-After", headers)
        return headers

    def _failed(self, address: str) -> RefusedError:
        level: Level = self._failures.take(place(address))
        if level.wait:
            again = {"retry-after": str(math.ceil(level.wait))}
            return TooManyError("too many wrong keys came from this address", again)
        return _key_needed()


def _key_needed() -> KeyNeededError:
    return KeyNeededError(
        "send a key that is in force as `Authorization: Bearer` or `X-API-Key`",
        {"www-authenticate": 'Bearer realm="triage"'},
    )


def _token(told: Mapping[bytes, bytes]) -> str | None:
    """Return the token that was sent, empty if it is no bearer token; None if there is none."""
    said = told.get(b"authorization")
    if said is not None:
        scheme, _, token = said.decode("latin-1").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""
    said = told.get(b"x-api-key")
    return None if said is None else said.decode("latin-1").strip()


def session_cookie(header: bytes) -> str:
    """Return the session of a Cookie header; empty if there is none."""
    for part in header.decode("latin-1").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return ""
