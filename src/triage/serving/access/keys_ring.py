"""The keys as a running service sees them: in memory, read again soon after they change."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from triage.errors import TriageError
from triage.serving.access.keys import FOLDER, Key, Keys, read_keys

LOOK_SECONDS = 1.0
"""A key that was issued or revoked counts so long after, at the latest."""
_SETTLED_SECONDS = 5.0
"""A folder that changed this lately is read again even if it looks as before (coarse clocks)."""
_LOG = logging.getLogger("triage.serving")


class KeyRing:
    """Keys of a home. What cannot be read, or has become less, never opens a door.

    Args:
        home: the service's home.
        wall: the time in UTC micros.
        monotonic: seconds that only grow.

    Raises:
        TriageError: if the keys cannot be read.
    """

    def __init__(
        self,
        home: Path,
        wall: Callable[[], int] = lambda: time.time_ns() // 1_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._home, self._wall, self._monotonic = home, wall, monotonic
        self._mark: tuple[object, ...] = ()
        self._next = 0.0
        self._keys = Keys({}, 0)
        self._denied: frozenset[str] = frozenset()
        self._read()

    def find(self, token: str) -> Key | None:
        """Return the key that a token is of, if it is in force now."""
        key = self._fresh().find(token, self._wall())
        return None if key is None or key.id in self._denied else key

    def usable(self, key_id: str) -> Key | None:
        """Return a key by its id, if it is in force now."""
        key = self._fresh().by_id.get(key_id)
        usable = key is not None and key.usable(self._wall()) and key_id not in self._denied
        return key if usable else None

    def all(self) -> list[Key]:
        """Return every key that was ever issued."""
        return list(self._fresh().by_id.values())

    def deny(self, key_ids: Iterable[str]) -> None:
        """Refuse keys whatever the folder says of them."""
        self._denied = self._denied | frozenset(key_ids)

    @property
    def issued(self) -> bool:
        """Whether a key was ever issued, be it in force or not."""
        return bool(self._fresh().by_id)

    @property
    def in_force(self) -> bool:
        """Whether a key is in force now."""
        return self._fresh().in_force(self._wall())

    def _fresh(self) -> Keys:
        now = self._monotonic()
        if now >= self._next:
            self._next = now + LOOK_SECONDS
            mark, settled = self._look()
            if not settled or mark != self._mark:
                self._refresh(mark)
        return self._keys

    def _refresh(self, mark: tuple[object, ...]) -> None:
        try:
            self._read()
        except (TriageError, OSError, ValueError, KeyError) as error:
            _LOG.error(
                "keys cannot be read again, those known stay in force: %s", type(error).__name__
            )
            self._mark = mark

    def _read(self) -> None:
        mark, _ = self._look()
        found = read_keys(self._home)
        if found.entries < self._keys.entries:
            raise TriageError("there were more keys before")
        self._keys, self._mark = found, mark

    def _look(self) -> tuple[tuple[object, ...], bool]:
        """Return what tells one state of the folder from another, and whether it has settled."""
        try:
            files = sorted((self._home / FOLDER).iterdir())
            facts = [(path.name, path.stat()) for path in files]
        except OSError:
            return (), True
        newest = max((stat.st_mtime for _, stat in facts), default=0.0)
        mark = tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in facts)
        return mark, time.time() - newest > _SETTLED_SECONDS
