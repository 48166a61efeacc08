"""Blocks that a pen writes for an event loop: one flight in the air, one on the ground.

What is in the air is being written and flushed. On the ground is what the operating system has
already, for callers who wait for no more: it stays there for a moment, so that one flush carries
more of it, and nobody who is asked meanwhile pays for the flush.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from triage.ledger.dresser import Dresser
from triage.ledger.pen import Pen
from triage.ledger.segment import write_at
from triage.ledger.tape import Tape
from triage.ledger.waiting import Waiting, dressed

PEN_BYTES = 64 << 10
"""An append of more is no pen's: making its block would hold up the loop."""
FLIGHT_BYTES = 4 * PEN_BYTES
"""A block takes no further append once it has so many bytes: with fewer, a slow flush would bound
how many a second are recorded, however many wait together."""


@dataclass(eq=False, slots=True)
class Flight:
    """Blocks that lie behind one another, and who waits for them."""

    handle: int
    offset: int
    blocks: bytes
    frames: int
    taken: list[Waiting]
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

    @property
    def under_way(self) -> bool:
        """Whether something has not landed."""
        return self.air is not None or self.ground is not None

    def takes(self, waiting: Waiting) -> bool:
        """Return whether an append is of the loop, and small."""
        if waiting.loop is not self.loop or waiting.items is None:
            return False
        return self._dresser.weight(waiting.items) <= PEN_BYTES

    def board(self, waiting: Waiting) -> Flight | None:
        """Give an append to the operating system, from the loop; return its flight.

        It is on the ground. None if it could not be: then it is as if nothing had been tried.
        """
        more = self._blocks([waiting])
        if more is None:
            return None
        try:
            fits = self._bytes + len(more.blocks) <= PEN_BYTES
            if fits:
                write_at(more.handle, more.offset, more.blocks)
        except OSError:
            fits = False
        if not fits:
            self._dresser.dropped(self._frames)
            return None
        return self._load(more)

    def set_off(self, queue: Iterable[Waiting]) -> int:
        """Let the pen write what is queued and what is on the ground; nothing is in the air.

        Returns how many of the queue are on their way; 0 if it cannot be.
        """
        more = self._blocks(queue)
        if more is None:
            return 0
        self._load(more)
        self.lift_off()
        return len(more.taken)

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

    def _blocks(self, queue: Iterable[Waiting]) -> Flight | None:
        """Return what is queued as a block behind those that have not landed, if that can be."""
        first = self._tape.next_seq + self._frames
        try:
            taken, payloads = dressed(self._dresser, first, queue, FLIGHT_BYTES)
        except Exception:  # noqa: BLE001 - the thread will say so to whoever waits
            taken, payloads = [], []
        job = self._tape.begin(payloads, self._bytes, self._frames) if taken else None
        if job is None:
            self._dresser.dropped(self._frames)
            return None
        handle, block, offset = job
        return Flight(handle, offset, block, len(payloads), taken)

    def _load(self, more: Flight) -> Flight:
        self._bytes += len(more.blocks)
        self._frames += more.frames
        if self.ground is None:
            self.ground = more
        else:
            self.ground.blocks += more.blocks
            self.ground.frames += more.frames
            self.ground.taken += more.taken
        return self.ground
