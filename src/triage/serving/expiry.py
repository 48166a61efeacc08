"""Answers that callers hold, and when they go stale: the newest of each stored order.

An answer is replaced when its order is asked for again. What is assessed again without being asked
for does not count: the caller still holds the old answer, and is told once that it has expired.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from triage.domain.clock import to_micros
from triage.ledger.entries import Draft, Entry

REMEMBERED = 20_000
"""Orders whose answers are remembered; the oldest beyond them are forgotten untold."""
_AT_ONCE_MICROS = 1_000_000
"""Answers of so close moments need no order among them."""
_STALE_AT = b'"stale_at":"'


@dataclass(frozen=True, slots=True)
class Held:
    """An answer that a caller holds.

    Attributes:
        order_id: the order.
        decision_id: the decision on record.
        stale_at: until when it holds, UTC micros.
    """

    order_id: str
    decision_id: str
    stale_at: int


class Expiries:
    """Remembers the newest answer of each order, the soonest stale first.

    All answers hold equally long, so that they go stale in the order in which they were given. What
    a crash left unfinished may be noted later than answers that were given after it.
    """

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._held: dict[str, Held] = {}
        self._in_order = True

    def __len__(self) -> int:
        return len(self._held)

    def note(self, draft: Draft) -> None:
        """Remember a decision; an order that was sent whole is nobody's to follow."""
        if draft.order_id is not None and draft.personal is None:
            self._keep(Held(draft.order_id, draft.id, stale_at(draft.body)))

    def restore(self, decisions: Iterable[Entry], since: int) -> None:
        """Remember recorded decisions whose answers still held at a moment (UTC micros)."""
        for entry in decisions:
            if entry.order_id is None or entry.personal_digest is not None:
                continue
            until = stale_at(entry.body)
            if until > since:
                self._keep(Held(entry.order_id, entry.id, until))

    def passed(self, now: int) -> list[Held]:
        """Return the answers that have gone stale by a moment (UTC micros), and forget them."""
        if not self._in_order:
            ordered = sorted(self._held.values(), key=lambda held: held.stale_at)
            self._held = {held.order_id: held for held in ordered}
            self._in_order = True
        near = takewhile(lambda held: held.stale_at <= now + _AT_ONCE_MICROS, self._held.values())
        gone = [held for held in near if held.stale_at <= now]
        for held in gone:
            del self._held[held.order_id]
        return gone

    def _keep(self, held: Held) -> None:
        own = self._held.get(held.order_id)
        if own is not None and own.stale_at > held.stale_at:
            return
        self._held.pop(held.order_id, None)
        last = next(reversed(self._held.values()), None)
        if last is not None and last.stale_at > held.stale_at + _AT_ONCE_MICROS:
            self._in_order = False
        self._held[held.order_id] = held
        if len(self._held) > self._remembered:
            del self._held[next(iter(self._held))]


def stale_at(body: bytes) -> int:
    """Return until when the answer of a decision holds, UTC micros, from the decision's body.

    One moment is read of it, not all of it; within a text it is escaped.
    """
    start = body.index(_STALE_AT) + len(_STALE_AT)
    text = body[start : body.index(b'"', start)].decode()
    return to_micros(datetime.fromisoformat(text))
