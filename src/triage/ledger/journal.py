"""A durable journal: appends are acknowledged when they are on the disk, many by one flush.

One block is written at a time. Everything that was appended while it was flushed goes into the next
one, so the flush is shared by all who wait (group commit). Frames are the caller's bytes; what they
mean is not known here. A `Dresser` can turn items into frames in the order in which they are
written, as a hash chain needs.

A thread writes. Small appends of an event loop that `attend`s need not wait for it: the loop makes
the block and a `Pen` writes it (see `flights`). Whatever the pen is not for (a new file, large
blocks, other threads, a disk that fails) is the thread's, after the pen.

    journal = Journal.open(folder)
    journal.append([b"frame"]).result()          # from a thread; a range of sequence numbers
    await journal.append_async([b"frame"])       # from an event loop
    written, landed = journal.append_behind([b"frame"])  # may wait for less; see there
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
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from triage.ledger.dresser import Dresser, Plain
from triage.ledger.errors import AlreadyOpenError, StoreUnavailableError, unconfirmed
from triage.ledger.lock import FolderLock
from triage.ledger.recovery import Cut, Held, read_folder, recover
from triage.ledger.tape import Acknowledge, Tape
from triage.ledger.waiting import Waiting, dressed, outcome, resolve, tell

if TYPE_CHECKING:
    from triage.ledger.flights import Flight, Flights

BLOCK_ITEMS = 4_096
BLOCK_BYTES = 4 << 20
"""A block takes no further append once it has so many items, or so many bytes."""
GROUND_SECONDS = 0.02
"""What the operating system has may wait so long for a flush that carries more."""
_LOOK_SECONDS = 0.05
_AGAIN_SECONDS = 0.2
"""After a failure, what must not be lost is tried again so much later."""


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
        self._queue: deque[Waiting] = deque()
        self._queued = 0
        self._large = 0
        self._wake = threading.Condition()
        self._called = self._writing = self._closing = self._kept_back = False
        self._flights: Flights | None = None
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
        """Last sequence number that is certainly on the disk; nothing behind it is moved on."""
        return self._tape.synced_seq

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._tape.folder

    @property
    def attended(self) -> bool:
        """Whether a pen writes small appends of an event loop."""
        return self._flights is not None

    def attend(self) -> None:
        """Let a pen write small appends of the running event loop, until the journal closes.

        Without effect where the operating system has no way to, or appends are acknowledged before
        they are on the disk.
        """
        from triage.ledger.pen import available  # noqa: PLC0415 - compiles; readers need none

        if self._flights is not None or not self._tape.acknowledges_synced or not available():
            return
        from triage.ledger.flights import Flights  # noqa: PLC0415 - as above

        loop = asyncio.get_running_loop()
        flights = Flights(self._tape, self._dresser, loop)
        loop.add_reader(flights.pen.told, self._landed)
        with self._wake:
            self._flights = flights

    def append(self, items: Sequence[Any]) -> Future[Any]:
        """Append items all together or not at all; the future resolves when they are durable.

        Raises:
            StoreUnavailableError: if too much waits already or the journal is closed; if the
                write failed, the future raises it, and nothing of the append was kept.
        """
        future: Future[Any] = Future()
        self._put(Waiting(items, future))
        return future

    def append_async(
        self, items: Sequence[Any], within: float | None = None
    ) -> asyncio.Future[Any]:
        """Do as `append`, for the running event loop; returns at once.

        Args:
            items: what to append.
            within: after so many seconds nobody waits any more; it may be kept all the same.

        Raises:
            StoreUnavailableError: as `append`; if it takes longer, the future raises it, too.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._put(Waiting(items, future, loop))
        _expect(future, within)
        return future

    def append_behind(
        self, items: Sequence[Any], within: float | None = None
    ) -> tuple[asyncio.Future[Any], asyncio.Future[Any]]:
        """Do as `append_async`, for a caller who need not wait for the disk.

        The first future resolves when the operating system has the items, so that they survive the
        end of the process. The second one resolves when they are on the disk. If that fails after
        the first has resolved, it is tried again until the disk takes it or the journal closes.

        Args:
            items: what to append.
            within: as in `append_async`, for the first future.

        Raises:
            StoreUnavailableError: as `append`; so does each future that has not resolved.
        """
        self.look()  # what is still under way would be waited for
        loop = asyncio.get_running_loop()
        written: asyncio.Future[Any] = loop.create_future()
        landed: asyncio.Future[Any] = loop.create_future()
        self._put(Waiting(items, landed, loop, written=written))
        _expect(written, within)
        return written, landed

    def read(self, from_seq: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield (sequence number, payload) from a number on, of what has landed.

        What is only `written` of `append_behind` comes later.
        """
        until = self._tape.next_seq
        for seq, payload in read_folder(self.folder).frames(from_seq):
            if seq >= until:
                return
            yield seq, payload

    def release(self, upto_seq: int) -> None:
        """Delete the files whose last frame is at most `upto_seq`; the newest file stays.

        Raises:
            StoreUnavailableError: if the disk does not let them go.
        """
        try:
            self._tape.release(upto_seq)
        except OSError as error:
            raise StoreUnavailableError(
                f"files in {self.folder} cannot be deleted: {error.strerror or error}"
            ) from error

    def rotate(self, seconds: float) -> None:
        """Begin a new file, so that `release` can delete the present one.

        Raises:
            StoreUnavailableError: if that takes longer, or the disk has no room for one.
        """
        self._pass(None, seconds)

    def _pass(self, items: Sequence[Any] | None, seconds: float) -> None:
        """Wait until something, and all that was appended before it, has been dealt with."""
        future: Future[Any] = Future()
        self._put(Waiting(items, future))
        outcome(future, seconds)

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
        flights = self._flights
        if flights is None:
            return
        if flights.loop.is_closed():
            flights.pen.close()
        elif _is_running(flights.loop):
            flights.close()
        else:
            with contextlib.suppress(RuntimeError):  # it has just been closed
                flights.loop.call_soon_threadsafe(flights.close)

    def _put(self, waiting: Waiting) -> None:
        size = len(waiting.items or ())
        flights = self._flights
        waiting.small = flights is not None and flights.takes(waiting)
        with self._wake:
            if self._closing:
                raise StoreUnavailableError(f"the journal in {self.folder} is closed")
            if self._queued + size > self._most_waiting and self._queue:
                raise StoreUnavailableError(
                    f"{self._queued} items wait to be written to {self.folder} already; "
                    "send fewer at once, or try again"
                )
            if self._boards(waiting):
                return
            self._queue.append(waiting)
            self._queued += size
            self._large += not waiting.small
            if self._large or flights is None or flights.air is None:
                self._go_on()

    def _is_for_thread(self) -> bool:
        """Return whether the pen has to leave everything to the thread."""
        return bool(self._large or self._torn or self._writing)

    def _boards(self, waiting: Waiting) -> bool:
        """Give an append to the operating system if its caller waits for no more."""
        flights = self._flights
        if waiting.written is None or flights is None or not waiting.small:
            return False
        if self._queue or self._is_for_thread():
            return False
        begins = flights.ground is None
        flight = flights.board(waiting)
        if flight is None:
            return False
        waiting.written.set_result(waiting.result)
        if begins:
            flights.loop.call_later(GROUND_SECONDS, self._fall_due, flight)
        return True

    def _fall_due(self, flight: Flight) -> None:
        with self._wake:
            flight.due = True
            if self._flights is not None and self._flights.ground is flight:
                self._flights.lift_off()

    def _go_on(self) -> None:
        """See that what waits is written: by the pen if it can, else by the thread."""
        if self._called or self._set_off():
            return
        self._called = True
        self._wake.notify()

    def _set_off(self) -> bool:
        """Let the pen write what waits; returns whether it can."""
        if self._flights is None or self._is_for_thread():
            return False
        taken = self._flights.set_off(self._queue)
        self._kept_back = self._kept_back and not taken
        for _ in range(taken):
            self._queued -= len(self._queue.popleft().items or ())
        return taken > 0

    def look(self) -> None:
        """Resolve what has come to the disk by now, on the loop that attends, before its turn."""
        if self._flights is not None and self._flights.air is not None:
            self._landed()

    def hurry(self) -> None:
        """Bring to the disk at once what the operating system has."""
        with self._wake:
            if self._flights is not None:
                self._flights.lift_off()

    def settle(self, seconds: float) -> None:
        """Wait until what was appended before is on the disk, or was refused.

        Raises:
            StoreUnavailableError: if that takes longer, or the disk does not take what was given
                to the operating system.
        """
        self._pass((), seconds)

    def _landed(self) -> None:
        """On the loop that attends: the pen has something to say."""
        resolve(self._come_down(), None)

    def _come_down(self) -> list[Waiting]:
        """Return who waited for what has come to the disk, and go on with what waits."""
        with self._wake:
            landed = self._land()
            flights = self._flights
            if self._called:
                self._wake.notify()
            elif flights is not None and flights.air is None:
                if self._queue:
                    self._go_on()
                elif flights.ground is not None and flights.ground.due:
                    flights.lift_off()
        return landed

    def _land(self) -> list[Waiting]:
        """Return who waited for what has just come to the disk."""
        if self._flights is None:
            return []
        taken, well = self._flights.land()
        if well:
            return taken
        self._put_back(taken)
        self._torn = self._called = True
        return []

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
                taken = self._keep(taken)
            tell(taken, error)

    def _take(self) -> list[Waiting]:
        """Wait until appends are the thread's; returns those of one block, none at the end."""
        with self._wake:
            self._writing = False
            while not self._is_called():
                told = self._wake.wait(_AGAIN_SECONDS if self._kept_back else None)
                self._called = self._called or (bool(self._queue) and not told)
            self._kept_back = False
            self._wait_for_flights()
            taken: list[Waiting] = []
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

    def _wait_for_flights(self) -> None:
        flights = self._flights
        while flights is not None and flights.under_way:
            flights.lift_off()
            tell(self._land(), None)
            if flights.air is not None:  # its loop may have ended: look now and then
                self._wake.wait(_LOOK_SECONDS)

    def _is_called(self) -> bool:
        """Return whether there is something for the thread; what the pen can do goes to it."""
        free = self._flights is not None and self._flights.air is None
        if self._called and not self._closing and free and self._set_off():
            self._called = False
        return self._called or self._closing

    def _commit(self, taken: list[Waiting]) -> None:
        """Write one block, all or nothing; leaves in `taken` whose appends it had room for."""
        if self._torn:
            self._tape.fail()
            self._torn = False
        if taken[0].items is None:
            self._tape.rotate(self._dresser.context())
            return
        fitting, payloads = dressed(self._dresser, self._tape.next_seq, taken, BLOCK_BYTES)
        if rest := taken[len(fitting) :]:
            with self._wake:
                self._put_back(rest)
                self._called = True
            del taken[len(fitting) :]
        if payloads:
            self._tape.write(payloads, self._dresser.context)
            self._dresser.kept(len(payloads))

    def _keep(self, failed: list[Waiting]) -> list[Waiting]:
        """Put back what must not be lost, for the next time; return the rest."""
        with self._wake:
            if self._closing:
                return failed
            back = [each for each in failed if each.must_land]
            self._put_back(back)
            self._kept_back = bool(back)
            self._called = self._called and not back
        return [each for each in failed if not each.must_land]

    def _put_back(self, rest: list[Waiting]) -> None:
        self._queue.extendleft(reversed(rest))
        self._queued += sum(len(waiting.items or ()) for waiting in rest)
        self._large += sum(not waiting.small for waiting in rest)


def take_folder(folder: Path) -> tuple[FolderLock, Held]:
    """Own a folder of a journal and recover what it holds.

    Raises:
        AlreadyOpenError: if another process owns it.
        DamagedJournalError: if it is damaged before its end.
    """
    lock = own_folder(folder)
    try:
        return lock, recover(folder)
    except BaseException:
        lock.free()
        raise


def own_folder(folder: Path) -> FolderLock:
    """Own a folder of a journal, and make it if need be.

    Raises:
        AlreadyOpenError: if another process owns it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return FolderLock(folder / "owner.lock")
    except OSError as error:
        raise AlreadyOpenError(
            f"another process writes to {folder}; stop it, or give this one another home"
        ) from error


def _expect(future: asyncio.Future[Any], within: float | None) -> None:
    """Let a future fail if it has not resolved after so many seconds."""
    if within is None or future.done():
        return
    due = future.get_loop().call_later(within, _give_up, future, within)
    future.add_done_callback(lambda _: due.cancel())


def _give_up(future: asyncio.Future[Any], seconds: float) -> None:
    if not future.done():
        future.set_exception(unconfirmed(seconds))


def _is_running(loop: asyncio.AbstractEventLoop) -> bool:
    """Return whether this thread runs a loop right now."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
