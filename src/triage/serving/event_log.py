"""Events as they came in: on the disk before they are acknowledged, each kept once.

Beside the log of extracts this is the second door's memory: after a restart the same records are
read back in the same sequence.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from triage.domain.records import (
    ExceptionEvent,
    InboundSupply,
    InventoryPosition,
    Milestone,
    Order,
    Record,
    Staffing,
    kind_of,
)
from triage.errors import HistoryError
from triage.ledger.journal import Journal, own_folder
from triage.ledger.recovery import read_folder

FOLDER = "events"
_KEY_BYTES = 16
_EXCEPTION = b"e"
_KINDS: tuple[tuple[bytes, type[Any]], ...] = (
    (b"o", Order), (b"m", Milestone), (b"p", InventoryPosition), (_EXCEPTION, ExceptionEvent),
    (b"s", InboundSupply), (b"h", Staffing),
)  # fmt: skip
_READ = {mark: TypeAdapter(kind) for mark, kind in _KINDS}
_WRITE = {kind: (mark, _READ[mark].dump_json) for mark, kind in _KINDS}


class EventLog:
    """The journal of events under `<home>/events`; one process at a time.

    A frame is one event: what makes it unique (16 bytes), a mark of its kind, the record as JSON.
    """

    def __init__(self, home: Path, seen: set[bytes] | None = None) -> None:
        """Open it, or make it.

        Args:
            home: where it is.
            seen: what makes each of its events unique, if they were read already.

        Raises:
            AlreadyOpenError: if another process has it open.
            DamagedJournalError: if it is damaged before its end.
        """
        self.home = home
        self._journal = Journal.open(home / FOLDER)
        self._writing: dict[bytes, asyncio.Future[Any]] = {}
        if seen is None:
            seen = {payload[:_KEY_BYTES] for _, payload in self._journal.read()}
        self._seen = seen

    @property
    def last(self) -> int:
        """Return the number of the newest event, 0 if there is none."""
        return self._journal.next_seq - 1

    def records(self, first: int = 0) -> Iterator[tuple[int, Record]]:
        """Yield number and record of what is kept, in sequence, from a number on.

        Raises:
            HistoryError: if a frame cannot be read by this version.
        """
        for seq, payload in self._journal.read(first):
            yield seq, _record(seq, payload)

    async def keep(self, events: Sequence[tuple[str, Record]]) -> tuple[list[int], int]:
        """Keep events that are new, all or none; return their places, and the first one's number.

        Numbers follow one another; they are given in the sequence of the disk.

        Everything given is on the disk when this returns. An event that comes twice, here or
        before, is kept once; while its first sender waits for the disk, the second waits too.

        Raises:
            StoreUnavailableError: if they cannot be kept now; send them again.
        """
        fresh: dict[bytes, int] = {}
        waiting: list[asyncio.Future[Any]] = []
        first = 0
        for place, (key, _) in enumerate(events):
            digest = hashlib.blake2b(key.encode(), digest_size=_KEY_BYTES).digest()
            if digest not in self._seen:
                fresh.setdefault(digest, place)
            elif digest in self._writing:
                waiting.append(self._writing[digest])
        if fresh:
            frames = [digest + _packed(events[place][1]) for digest, place in fresh.items()]
            written = self._journal.append_async(frames)
            self._seen.update(fresh)
            self._writing.update(dict.fromkeys(fresh, written))
            try:
                first = (await written)[0]
            except BaseException:
                self._seen.difference_update(fresh)
                raise
            finally:
                for digest in fresh:
                    del self._writing[digest]
        for other in waiting:
            await asyncio.shield(other)
        return list(fresh.values()), first

    def attend(self) -> None:
        """Keep what the running event loop keeps by a shorter way; see `Journal.attend`."""
        self._journal.attend()

    def close(self) -> None:
        """Write what waits and let another process open it."""
        self._journal.close()


def check_free(home: Path) -> None:
    """Refuse a home that another service runs in.

    Raises:
        AlreadyOpenError: if one does.
    """
    own_folder(home / FOLDER).free()


def read_events(home: Path, first: int = 0) -> Iterator[tuple[int, Record]]:
    """Yield number and record of a home's events from a number on, beside the process that keeps.

    Raises:
        HistoryError: if a frame cannot be read by this version.
    """
    for seq, payload in read_folder(home / FOLDER).frames(first):
        yield seq, _record(seq, payload)


@dataclass(slots=True)
class Documents:
    """Every event of a home, as JSON.

    Attributes:
        of_kind: documents by kind, in the sequence in which they came.
        last: number of the newest event; 0 without any.
        seen: what makes each of them unique.
        orders_before: for each exception how many orders had come before it.
    """

    of_kind: dict[type[Record], list[bytes]]
    last: int = 0
    seen: set[bytes] = field(default_factory=set)
    orders_before: list[int] = field(default_factory=list)


def event_documents(home: Path) -> Documents:
    """Read a home's events, beside the process that keeps them.

    Raises:
        HistoryError: if this version does not know the kind of one.
        DamagedJournalError: if they are damaged.
    """
    found = Documents({kind: [] for _, kind in _KINDS})
    of_mark = {mark: found.of_kind[kind] for mark, kind in _KINDS}
    orders, body = found.of_kind[Order], _KEY_BYTES + 1
    for first, payloads in read_folder(home / FOLDER).runs():
        found.seen.update([payload[:_KEY_BYTES] for payload in payloads])
        for payload in payloads:
            mark = payload[_KEY_BYTES:body]
            if mark == _EXCEPTION:
                found.orders_before.append(len(orders))
            try:
                of_mark[mark].append(payload[body:])
            except KeyError as error:
                number = first + payloads.index(payload)
                raise _unreadable(number, "unknown kind") from error
        found.last = first + len(payloads) - 1
    return found


def _packed(record: Record) -> bytes:
    mark, dump = _WRITE[kind_of(record)]
    return mark + dump(record, exclude_defaults=True)


def _record(seq: int, payload: bytes) -> Record:
    try:
        record: Record = _READ[payload[_KEY_BYTES : _KEY_BYTES + 1]].validate_json(
            payload[_KEY_BYTES + 1 :]
        )
    except (KeyError, ValueError) as error:
        raise _unreadable(seq, type(error).__name__) from error
    return record


def _unreadable(seq: int, why: str) -> HistoryError:
    return HistoryError(
        f"event {seq} cannot be read by this version of Triage: {why}; go back to the version that"
        " kept it"
    )
