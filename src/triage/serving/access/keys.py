"""Keys of callers: shown once, kept as a digest, in force until they expire or are revoked.

They lie in a journal of their own below the home (`<home>/keys`), not in the ledger's store: one
process at a time may write a ledger, and a key is issued and revoked by a command beside the
running service. The journal is on the disk before a command says so, has a checksum on every block
and says when it is damaged, so that a revocation cannot get lost unseen; `keys_record` tells the
ledger's chain of each.

A secret is 32 random bytes. SHA-256 without salt or stretching is right for it: there is no
dictionary of such secrets that could be tried, and every request pays for the digest.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from triage.errors import SettingsError, TriageError
from triage.ledger.entries import canonical
from triage.ledger.journal import Journal
from triage.ledger.recovery import read_folder

Scope = Literal["score", "events", "worklist", "metrics", "admin"]
"""What a key may do, see `rules`; `admin` may do everything."""
SCOPES: tuple[Scope, ...] = get_args(Scope)
FOLDER = "keys"
_SEGMENT_BYTES = 64 << 10
_TOKEN = re.compile(r"trk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_NOBODY = b"\0" * 32
_MOST_NAME = 80


class KeyNotFoundError(TriageError):
    """No such key was issued."""

    slug = "key-not-found"


@dataclass(frozen=True, slots=True)
class Key:
    """An issued key; times in UTC micros.

    Attributes:
        id: public part, 12 hexadecimal digits.
        name: whose it is; people who sign in with it act under this name.
        scopes: what it may do.
        created: when it was issued.
        expires: from when on it is refused; None means never.
        revoked: when it was revoked; None if it was not.
        digest: SHA-256 of its secret.
    """

    id: str
    name: str
    scopes: frozenset[Scope]
    created: int
    expires: int | None
    revoked: int | None
    digest: bytes

    def usable(self, now: int) -> bool:
        """Return whether it is in force at a moment (UTC micros)."""
        return self.revoked is None and (self.expires is None or now < self.expires)

    def may(self, scope: Scope) -> bool:
        """Return whether it has a scope."""
        return scope in self.scopes or "admin" in self.scopes


@dataclass(frozen=True, slots=True)
class Keys:
    """All keys that were ever issued for a home.

    Attributes:
        by_id: the keys.
        entries: how many times one was issued or revoked; never falls.
    """

    by_id: dict[str, Key]
    entries: int

    def find(self, token: str, now: int) -> Key | None:
        """Return the key that a token is of, if it is in force (`now` in UTC micros).

        Takes the same time for an unknown id as for a wrong secret.
        """
        parts = _TOKEN.fullmatch(token)
        if parts is None:
            return None
        key = self.by_id.get(parts[1])
        digest = hashlib.sha256(parts[2].encode()).digest()
        same = hmac.compare_digest(digest, _NOBODY if key is None else key.digest)
        return key if same and key is not None and key.usable(now) else None

    def in_force(self, now: int) -> bool:
        """Return whether any key can be used at a moment (UTC micros)."""
        return any(key.usable(now) for key in self.by_id.values())


def read_keys(home: Path) -> Keys:
    """Return the keys of a home; beside a command that writes them, too.

    Raises:
        DamagedJournalError: if they are damaged.
        SettingsError: if a newer version of Triage wrote them.
    """
    by_id: dict[str, Key] = {}
    entries = 0
    for _, payload in read_folder(home / FOLDER).frames(0):
        told: dict[str, Any] = json.loads(payload)
        entries += 1
        match told:
            case {"do": "issue", "key": plain}:
                by_id[plain["id"]] = _from_plain(plain)
            case {"do": "revoke", "id": key_id, "at": at}:
                by_id[key_id] = replace(by_id[key_id], revoked=by_id[key_id].revoked or at)
            case _:
                raise SettingsError(
                    f"the keys in {home / FOLDER} were written by a newer version of Triage: use it"
                )
    return Keys(by_id, entries)


def issue(
    home: Path, name: str, scopes: Iterable[Scope], now: int, expires: int | None = None
) -> tuple[Key, str]:
    """Issue a key; it is on the disk when this returns.

    Args:
        home: the service's home.
        name: whose it is, 1 to 80 printable characters.
        scopes: what it may do, at least one.
        now: UTC micros.
        expires: UTC micros; None means never.

    Returns:
        The key, and the token `trk_<id>_<secret>` that is kept nowhere.

    Raises:
        SettingsError: if name, scopes or expiry cannot be used.
        AlreadyOpenError: if another command issues or revokes at this moment.
    """
    chosen = frozenset(scopes)
    if not chosen or not chosen <= set(SCOPES):
        raise SettingsError(f"a key has at least one scope of: {', '.join(SCOPES)}")
    if not 0 < len(name) <= _MOST_NAME or not name.isprintable() or not name.strip():
        raise SettingsError(f"a key's name has 1 to {_MOST_NAME} printable characters")
    if expires is not None and expires <= now:
        raise SettingsError("a key must expire in the future")
    secret = secrets.token_urlsafe(32)
    digest = hashlib.sha256(secret.encode()).digest()
    key = Key(secrets.token_hex(6), name.strip(), chosen, now, expires, None, digest)
    _append(home, {"do": "issue", "key": _to_plain(key)})
    return key, f"trk_{key.id}_{secret}"


def revoke(home: Path, key_id: str, now: int) -> Key:
    """Revoke a key; that is on the disk when this returns (`now` in UTC micros).

    Raises:
        KeyNotFoundError: if there is no such key.
        AlreadyOpenError: if another command issues or revokes at this moment.
    """
    key = read_keys(home).by_id.get(key_id)
    if key is None:
        raise KeyNotFoundError("no key has this id; `triage keys list` shows them")
    if key.revoked is None:
        _append(home, {"do": "revoke", "id": key_id, "at": now})
    return replace(key, revoked=key.revoked or now)


def _append(home: Path, told: dict[str, object]) -> None:
    folder = home / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    journal = Journal.open(folder, segment_bytes=_SEGMENT_BYTES)
    try:
        journal.append([canonical(told)]).result()
    finally:
        journal.close()


def _to_plain(key: Key) -> dict[str, object]:
    return {
        "id": key.id, "name": key.name, "scopes": sorted(key.scopes), "created": key.created,
        "expires": key.expires, "digest": key.digest.hex(),
    }  # fmt: skip


def _from_plain(plain: dict[str, Any]) -> Key:
    return Key(
        plain["id"], plain["name"], frozenset(plain["scopes"]), plain["created"], plain["expires"],
        None, bytes.fromhex(plain["digest"]),
    )  # fmt: skip
