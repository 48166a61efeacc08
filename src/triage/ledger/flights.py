"""Blocks that a pen writes for an event loop: one flight in the air, one on the ground.

What is in the air is being written and flushed. On the ground is what the operating system has
already, for callers who wait for no more: it stays there for a moment, so that one flush carries
more of it, and nobody who is asked meanwhile pays for the flush.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from triage.ledger.dresser import Dresser
from triage.ledger.pen import Pen
from triage.ledger.segment import write_at
from triage.ledger.tape import Tape
from triage.ledger.waiting import Waiting, dressed

PEN_BYTES = 64 << 10
"""An append of more is no pen's: making its block would hold up the loop."""
_FRAME_BYTES = 1 << 10
"""What a frame and its block take at most beside what its item weighs."""


@dataclass(eq=False, slots=True)
class Flight:
    """Blocks that lie behind one another, and who waits for them."""

    handle: int
    offset: int
    blocks: bytes = b""
    frames: int = 0
    taken: list[Waiting] = field(default_factory=list)
    due: bool = False


class Flights:
    """The caller sees to it that only one thread is in here at a time, and nobody else writes.

    Attributes:
        air: what is being written.
        ground: what the operating system has, and what sets off next.
    """

    def __init__(self, tape: Tape, dresser: Dresser, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.pen = Pen()
        self.air: Flight | None = None
        self.ground: Flight | None = None
        self._tape = tape
        self._dresser = dresser
        self._bytes = self._frames = 0

    def takes(self, waiting: Waiting) -> bool:
        """Return whether an append is of the loop, and small."""
        if waiting.loop is not self.loop or waiting.items is None:
            return False
        return self._dresser.weight(waiting.items) <= PEN_BYTES

    def board(self, waiting: Waiting) -> bool:
        """Give an append to the operating system, from the loop, and resolve `written`.

        Returns whether it could be; else it is as if nothing had been tried. Whoever calls sets a
        timer for a flight that is new on the ground.
        """
        items = waiting.items or ()
        size = self._bytes + self._dresser.weight(items) + _FRAME_BYTES * len(items)
        if size > PEN_BYTES or not self._tape.has_room(size):
            return False
        taken, blocks, handle, offset = self._block([waiting])
        try:
            if taken:
                write_at(handle, offset, blocks)
        except OSError:
            taken = []
        if not taken or waiting.written is None:
            self._dresser.dropped(self._frames)
            return False
        if not waiting.written.done():
            waiting.written.set_result(waiting.result)
        self._load(taken, blocks, handle, offset)
        return True

    def set_off(self, queue: Iterable[Waiting]) -> int:
        """Let the pen write what is queued and what is on the ground; nothing is in the air.

        Returns how many of the queue are on their way; 0 if it cannot be.
        """
        taken, blocks, handle, offset = self._block(queue)
        if not taken:
            self._dresser.dropped(self._frames)
            return 0
        self._load(taken, blocks, handle, offset)
        self.lift_off()
        return len(taken)

    def lift_off(self) -> None:
        """Let the pen begin with what is on the ground, if nothing is in the air."""
        if self.air is None and self.ground is not None:
            self.air, self.ground = self.ground, None
            self.pen.write(self.air.handle, self.air.blocks, self.air.offset)

    def land(self) -> tuple[list[Waiting], bool]:
        """Return who waited for what has just ended, and whether it ended well.

        If it did not, nobody knows what is on the disk: what is on the ground is given up, too.
        """
        flight = self.air
        if flight is None or (well := self.pen.done()) is None:
            return [], True
        self.air = None
        if well:
            self._bytes -= len(flight.blocks)
            self._frames -= flight.frames
            self._tape.end(flight.blocks, flight.frames)
            self._dresser.kept(flight.frames)
            return flight.taken, True
        ground, self.ground = self.ground, None
        self._bytes = self._frames = 0
        self._dresser.dropped(0)
        return flight.taken + ([] if ground is None else ground.taken), False

    def close(self) -> None:
        """Put the pen away, on the loop."""
        self.loop.remove_reader(self.pen.told)
        self.pen.close()

    def _block(self, queue: Iterable[Waiting]) -> tuple[list[Waiting], bytes, int, int]:
        """Return who is taken, their block, its file and its place; nobody where that fails."""
        first = self._tape.next_seq + self._frames
        try:
            taken, payloads = dressed(self._dresser, first, queue, PEN_BYTES)
        except Exception:  # noqa: BLE001 - the thread will say so to whoever waits
            taken, payloads = [], []
        job = self._tape.begin(payloads, self._bytes, self._frames) if taken else None
        return ([], b"", -1, 0) if job is None else (taken, job[1], job[0], job[2])

    def _load(self, taken: list[Waiting], blocks: bytes, handle: int, offset: int) -> None:
        flight = self.ground
        if flight is None:
            self.ground = flight = Flight(handle, offset)
        frames = sum([len(waiting.items or ()) for waiting in taken])
        flight.taken += taken
        flight.blocks += blocks
        flight.frames += frames
        self._bytes += len(blocks)
        self._frames += frames
