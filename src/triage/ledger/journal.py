"""A durable journal: appends are acknowledged when they are on the disk, many by one flush.

One thread writes. Everything that was appended while it flushed goes into the next block, so the
flush is shared by all who wait (group commit). Frames are the caller's bytes; what they mean is
not known here. A `Dresser` can turn items into frames in the order in which they are written, as
a hash chain needs.

    journal = Journal.open(folder)
    journal.append([b"frame"]).result()          # from a thread; a range of sequence numbers
    await journal.append_async([b"frame"])       # from an event loop
    for seq, payload in journal.read(from_seq=1): ...
    journal.release(upto_seq)                    # these are safe elsewhere: files may go
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from triage.ledger.dresser import Dresser, Plain
from triage.ledger.errors import AlreadyOpenError, StoreUnavailableError
from triage.ledger.lock import FolderLock
from triage.ledger.recovery import Cut, Held, read_folder, recover
from triage.ledger.tape import Acknowledge, Tape

BLOCK_ITEMS = 4_096
BLOCK_BYTES = 4 << 20
"""A block takes no further append once it has so many items, or so many bytes."""


@dataclass(slots=True)
class _Waiting:
    """One append and who waits for it; no items ask for a new file."""

    items: Sequence[Any] | None
    future: Any
    loop: asyncio.AbstractEventLoop | None = None
    result: Any = None


class Journal:
    """See the module. Safe to call from any thread."""

    def __init__(
        self,
        tape: Tape,
        lock: FolderLock,
        dresser: Dresser,
        cut: Cut | None = None,
        most_waiting: int = 200_000,
    ) -> None:
        """Start to write; see `open`."""
        self.cut = cut
        self._tape = tape
        self._lock = lock
        self._dresser = dresser
        self._most_waiting = most_waiting
        self._queue: deque[_Waiting] = deque()
        self._queued = 0
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        start_seq: int = 1,
        acknowledge: Acknowledge = "synced",
        segment_bytes: int = 8 << 20,
        most_waiting: int = 200_000,
    ) -> Self:
        """Open a folder, or make it, for frames that are taken as they are.

        Args:
            folder: where its files are; one process at a time.
            start_seq: sequence number of the first frame of a new journal.
            acknowledge: when an append is acknowledged: `synced` when it is on the disk (survives
                a power cut), `written` when the operating system has it (survives the end of the
                process); then it goes to the disk as soon as the disk can take it.
            segment_bytes: size of a file.
            most_waiting: items that may wait to be written before appends are refused.

        Raises:
            AlreadyOpenError: if another process has it open.
            DamagedJournalError: if it is damaged before its end.
        """
        lock, held = take_folder(folder)
        dresser = Plain()
        tape = Tape(folder, held, held.next_seq or start_seq, b"", acknowledge, segment_bytes)
        return cls(tape, lock, dresser, held.cut, most_waiting)

    @property
    def next_seq(self) -> int:
        """Sequence number that the next frame gets."""
        return self._tape.next_seq

    @property
    def synced_seq(self) -> int:
        """Last sequence number that is certainly on the disk."""
        return self._tape.synced_seq

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._tape.folder

    def append(self, items: Sequence[Any]) -> Future[Any]:
        """Append items all together or not at all; the future resolves when they are durable.

        Raises:
            StoreUnavailableError: if too much waits already or the journal is closed; if the
                write failed, the future raises it, and nothing of the append was kept.
        """
        future: Future[Any] = Future()
        self._put(_Waiting(items, future))
        return future

    def append_async(self, items: Sequence[Any]) -> asyncio.Future[Any]:
        """Do as `append`, for the running event loop; returns at once.

        Raises:
            StoreUnavailableError: as `append`.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._put(_Waiting(items, future, loop))
        return future

    def read(self, from_seq: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield (sequence number, payload) of what is acknowledged, from a number on."""
        until = self._tape.next_seq
        for seq, payload in read_folder(self.folder).frames(from_seq):
            if seq >= until:
                return
            yield seq, payload

    def release(self, upto_seq: int) -> None:
        """Delete the files whose last frame is at most `upto_seq`; the newest file stays."""
        self._tape.release(upto_seq)

    def rotate(self) -> Future[Any]:
        """Begin a new file, so that `release` can delete the present one."""
        future: Future[Any] = Future()
        self._put(_Waiting(None, future))
        return future

    def close(self) -> None:
        """Write what waits, vouch for the end, and let another process open the folder.

        Raises:
            StoreUnavailableError: if the disk does not take what was only `written`.
        """
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        try:
            self._tape.close()
        except OSError as error:
            raise StoreUnavailableError(
                f"the journal in {self.folder} could not be brought to the disk: {error}"
            ) from error
        finally:
            self._lock.free()

    def _put(self, waiting: _Waiting) -> None:
        size = len(waiting.items or ())
        with self._wake:
            if self._closing:
                raise StoreUnavailableError(f"the journal in {self.folder} is closed")
            if self._queued + size > self._most_waiting and self._queue:
                raise StoreUnavailableError(
                    f"{self._queued} items wait to be written to {self.folder} already; "
                    "send fewer at once, or try again"
                )
            self._queue.append(waiting)
            self._queued += size
            if len(self._queue) == 1:
                self._wake.notify()

    def _write(self) -> None:
        while taken := self._take():
            error: Exception | None = None
            try:
                self._commit(taken)
            except OSError as failed:
                error = StoreUnavailableError(
                    f"the journal in {self.folder} cannot be written: {failed.strerror or failed}"
                )
            except Exception as failed:  # noqa: BLE001 - whoever waits must hear of it
                error = failed
            if error:
                self._dresser.dropped()
            _tell(taken, error)

    def _take(self) -> list[_Waiting]:
        """Wait for appends; returns those of one block, nothing when the journal closes."""
        with self._wake:
            while not self._queue and not self._closing:
                self._wake.wait()
            taken: list[_Waiting] = []
            items = 0
            while self._queue and items < BLOCK_ITEMS:
                if self._queue[0].items is None and taken:
                    break
                waiting = self._queue.popleft()
                taken.append(waiting)
                items += len(waiting.items or ())
                if waiting.items is None:
                    break
            self._queued -= items
            return taken

    def _commit(self, taken: list[_Waiting]) -> None:
        """Write one block, all or nothing; leaves in `taken` whose appends it had room for."""
        if taken[0].items is None:
            self._tape.rotate(self._dresser.context())
            return
        first = self._tape.next_seq
        payloads: list[bytes] = []
        size = 0
        for place, waiting in enumerate(taken):
            if size > BLOCK_BYTES:
                self._put_back(taken[place:])
                del taken[place:]
                break
            made, waiting.result = self._dresser.dress(first + len(payloads), waiting.items or ())
            payloads.extend(made)
            size += sum(map(len, made))
        self._tape.write(payloads, self._dresser.context)
        self._dresser.kept()

    def _put_back(self, rest: list[_Waiting]) -> None:
        with self._wake:
            self._queue.extendleft(reversed(rest))
            self._queued += sum(len(waiting.items or ()) for waiting in rest)


def take_folder(folder: Path) -> tuple[FolderLock, Held]:
    """Own a folder of a journal and recover what it holds.

    Raises:
        AlreadyOpenError: if another process owns it.
        DamagedJournalError: if it is damaged before its end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = FolderLock(folder / "owner.lock")
    except OSError as error:
        raise AlreadyOpenError(
            f"another process writes to {folder}; stop it, or give this one another home"
        ) from error
    try:
        return lock, recover(folder)
    except BaseException:
        lock.free()
        raise


def _tell(taken: list[_Waiting], error: Exception | None) -> None:
    """Resolve everybody who waited; those of one event loop by one call into it."""
    loops: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}
    for waiting in taken:
        if waiting.loop is None:
            _resolve([waiting], error)
        else:
            loops.setdefault(waiting.loop, []).append(waiting)
    for loop, group in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(_resolve, group, error)


def _resolve(group: list[_Waiting], error: Exception | None) -> None:
    for waiting in group:
        if waiting.future.done():
            continue
        if error is None:
            waiting.future.set_result(waiting.result)
        else:
            waiting.future.set_exception(error)
