"""Appends that wait to be written, and who is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import Any, TypeVar

from triage.ledger.dresser import Dresser
from triage.ledger.errors import unconfirmed

T = TypeVar("T")
ACKNOWLEDGE_SECONDS = 5.0
"""Whoever waits for the disk is told after so long that it may not have taken what was given."""


@dataclass(slots=True)
class Waiting:
    """One append and who waits for it; no items ask for a new file.

    Whoever waits for `written` only goes on once the operating system has the append. From then on
    it must not be lost: it is written again until a disk takes it.
    """

    items: Sequence[Any] | None
    future: Future[Any] | asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop | None = None
    result: Any = None
    small: bool = False
    written: asyncio.Future[Any] | None = None

    @property
    def must_land(self) -> bool:
        """Whether somebody has gone on, believing it written."""
        return self.written is not None and self.written.done()


def dressed(
    dresser: Dresser, first: int, waiting: Iterable[Waiting], most: int
) -> tuple[list[Waiting], list[bytes]]:
    """Dress appends for one block, until it has more than so many bytes; return also those."""
    taken: list[Waiting] = []
    payloads: list[bytes] = []
    size = 0
    for each in waiting:
        if size > most:
            break
        made, each.result = dresser.dress(first + len(payloads), each.items or ())
        taken.append(each)
        payloads.extend(made)
        size += sum(map(len, made))
    return taken, payloads


def tell(taken: Sequence[Waiting], error: Exception | None) -> None:
    """Resolve everybody who waited; those of one event loop by one call into it."""
    loops: dict[asyncio.AbstractEventLoop, list[Waiting]] = {}
    for waiting in taken:
        if waiting.loop is None:
            resolve([waiting], error)
        else:
            loops.setdefault(waiting.loop, []).append(waiting)
    for loop, group in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(resolve, group, error)


def resolve(group: Iterable[Waiting], error: Exception | None) -> None:
    """Resolve who waited, on the loop that they are of."""
    for waiting in group:
        for future in (waiting.written, waiting.future):
            if future is None or future.done():
                continue
            if error is None:
                future.set_result(waiting.result)
            else:
                future.set_exception(error)


def outcome(future: Future[T], seconds: float) -> T:
    """Return what a future resolves to.

    Raises:
        StoreUnavailableError: if it has not after so many seconds.
    """
    try:
        return future.result(seconds)
    except FutureTimeoutError as error:
        raise unconfirmed(seconds) from error


def heard(future: asyncio.Future[Any]) -> None:
    """Take note of how a future ended that nobody waits for."""
    if not future.cancelled():
        future.exception()
