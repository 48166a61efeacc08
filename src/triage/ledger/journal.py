"""A durable journal: appends are acknowledged when they are on the disk, many by one flush.

One block is written at a time. Everything that was appended while it was flushed goes into the next
one, so the flush is shared by all who wait (group commit). Frames are the caller's bytes; what they
mean is not known here. A `Dresser` can turn items into frames in the order in which they are
written, as a hash chain needs.

A thread writes. Small appends of an event loop that `attend`s need not wait for it: the loop makes
the block and a `Pen` writes it. Whatever the pen is not for (a new file, large blocks, other
threads, a disk that fails) is the thread's, after the pen.

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
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from triage.ledger.dresser import Dresser, Plain
from triage.ledger.errors import AlreadyOpenError, StoreUnavailableError
from triage.ledger.lock import FolderLock
from triage.ledger.recovery import Cut, Held, read_folder, recover
from triage.ledger.tape import Acknowledge, Tape

if TYPE_CHECKING:
    from triage.ledger.pen import Pen

BLOCK_ITEMS = 4_096
BLOCK_BYTES = 4 << 20
"""A block takes no further append once it has so many items, or so many bytes."""
PEN_BYTES = 64 << 10
"""An append of more is the thread's, which holds up nobody while it makes the block."""
_LOOK_SECONDS = 0.05


@dataclass(slots=True)
class _Waiting:
    """One append and who waits for it; no items ask for a new file."""

    items: Sequence[Any] | None
    future: Any
    loop: asyncio.AbstractEventLoop | None = None
    result: Any = None
    small: bool = False


@dataclass(frozen=True, slots=True)
class _Flight:
    """A block that the pen writes, and who waits for it."""

    taken: list[_Waiting]
    block: bytes
    frames: int


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
        self._large = 0
        self._wake = threading.Condition()
        self._called = self._writing = self._closing = False
        self._pen: Pen | None = None
        self._attended: asyncio.AbstractEventLoop | None = None
        self._flight: _Flight | None = None
        self._torn = False
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

    def attend(self) -> None:
        """Let a pen write small appends of the running event loop, until the journal closes.

        Without effect where the operating system has no way to, or appends are acknowledged before
        they are on the disk.
        """
        from triage.ledger.pen import Pen, available  # noqa: PLC0415 - compiles; readers need none

        if self._pen is not None or not self._tape.acknowledges_synced or not available():
            return
        loop = asyncio.get_running_loop()
        pen = Pen()
        loop.add_reader(pen.told, self._landed)
        with self._wake:
            self._pen, self._attended = pen, loop

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
        self._put_pen_away()
        try:
            self._tape.close()
        except OSError as error:
            raise StoreUnavailableError(
                f"the journal in {self.folder} could not be brought to the disk: {error}"
            ) from error
        finally:
            self._lock.free()

    def _put_pen_away(self) -> None:
        pen, loop = self._pen, self._attended
        if pen is None or loop is None:
            return
        if loop.is_closed():
            pen.close()
        elif _is_running(loop):
            _let_go(loop, pen)
        else:
            with contextlib.suppress(RuntimeError):  # it has just been closed
                loop.call_soon_threadsafe(_let_go, loop, pen)

    def _put(self, waiting: _Waiting) -> None:
        size = len(waiting.items or ())
        waiting.small = self._is_for_pen(waiting)
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
            self._large += not waiting.small
            if self._flight is None or self._large:
                self._go_on()

    def _is_for_pen(self, waiting: _Waiting) -> bool:
        """Return whether an append is of the loop that attends, and small."""
        if waiting.loop is None or waiting.loop is not self._attended or waiting.items is None:
            return False
        return self._dresser.weight(waiting.items) <= PEN_BYTES

    def _go_on(self) -> None:
        """See that what waits is written: by the pen if it can, else by the thread."""
        if self._called or self._set_off():
            return
        self._called = True
        self._wake.notify()

    def _set_off(self) -> bool:
        """Let the pen write what waits; returns whether it can."""
        if self._large or self._torn or self._writing or self._pen is None:
            return False
        try:
            taken, payloads = self._dressed(self._queue, PEN_BYTES)
        except Exception:  # noqa: BLE001 - the thread will say so to whoever waits
            taken, payloads = [], []
        job = self._tape.begin(payloads) if taken else None
        if job is None:
            self._dresser.dropped()
            return False
        for waiting in taken:
            self._queue.popleft()
            self._queued -= len(waiting.items or ())
        self._flight = _Flight(taken, job[1], len(payloads))
        self._pen.write(*job)
        return True

    def _dressed(
        self, waiting: Iterable[_Waiting], most: int
    ) -> tuple[list[_Waiting], list[bytes]]:
        """Dress appends for one block, until it has more than so many bytes; return also those."""
        taken: list[_Waiting] = []
        payloads: list[bytes] = []
        size = 0
        for each in waiting:
            if size > most:
                break
            first = self._tape.next_seq + len(payloads)
            made, each.result = self._dresser.dress(first, each.items or ())
            taken.append(each)
            payloads.extend(made)
            size += sum(map(len, made))
        return taken, payloads

    def _landed(self) -> None:
        """On the loop that attends: the pen has something to say."""
        with self._wake:
            flight = self._land()
            if self._called:
                self._wake.notify()
            elif self._flight is None and self._queue:
                self._go_on()
        if flight is not None:
            _resolve(flight.taken, None)

    def _land(self) -> _Flight | None:
        """Return the flight that has just ended well, if one has."""
        flight = self._flight
        if flight is None or self._pen is None or (well := self._pen.done()) is None:
            return None
        self._flight = None
        if well:
            self._tape.end(flight.block, flight.frames)
            self._dresser.kept()
            return flight
        self._dresser.dropped()
        self._put_back(flight.taken)
        self._torn = self._called = True
        return None

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
        """Wait until appends are the thread's; returns those of one block, none at the end."""
        with self._wake:
            self._writing = False
            while not self._is_called():
                self._wake.wait()
            while self._flight is not None:
                if (flight := self._land()) is not None:
                    _tell(flight.taken, None)
                elif self._flight is not None:  # its loop may have ended: look now and then
                    self._wake.wait(_LOOK_SECONDS)
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
            self._large -= sum(not waiting.small for waiting in taken)
            self._called = bool(self._queue)
            self._writing = bool(taken)
            return taken

    def _is_called(self) -> bool:
        """Return whether there is something for the thread; what the pen can do goes to it."""
        if self._called and not self._closing and self._flight is None and self._set_off():
            self._called = False
        return self._called or self._closing

    def _commit(self, taken: list[_Waiting]) -> None:
        """Write one block, all or nothing; leaves in `taken` whose appends it had room for."""
        if self._torn:
            self._tape.fail()
            self._torn = False
        if taken[0].items is None:
            self._tape.rotate(self._dresser.context())
            return
        fitting, payloads = self._dressed(taken, BLOCK_BYTES)
        if rest := taken[len(fitting) :]:
            with self._wake:
                self._put_back(rest)
                self._called = True
            del taken[len(fitting) :]
        self._tape.write(payloads, self._dresser.context)
        self._dresser.kept()

    def _put_back(self, rest: list[_Waiting]) -> None:
        self._queue.extendleft(reversed(rest))
        self._queued += sum(len(waiting.items or ()) for waiting in rest)
        self._large += sum(not waiting.small for waiting in rest)


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


def _is_running(loop: asyncio.AbstractEventLoop) -> bool:
    """Return whether this thread runs a loop right now."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


def _let_go(loop: asyncio.AbstractEventLoop, pen: Pen) -> None:
    loop.remove_reader(pen.told)
    pen.close()


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
