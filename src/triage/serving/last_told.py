"""What listeners were told last, so that they hear what is different since, and only that.

Compared with the last assessment alone, a risk that creeps would never be told, nor what changed
while the service was away. Where it is kept on the disk (see `webhooks.box`), a restart goes on
from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from triage.advice.assessment import Assessment
from triage.domain.clock import from_micros

Step = dict[str, Any]


class Said(NamedTuple):
    """What is told of an order; `as_of` is UTC micros."""

    as_of: int
    p_late: float
    band: str
    state: str
    stage: str
    reason: str | None
    abstained: bool

    @classmethod
    def of(cls, said: Assessment) -> Said:
        """Return what is told of an assessment."""
        reason = said.reasons[0].text if said.reasons else None
        return cls(
            said.as_of, said.p_late, said.band, said.state, said.stage, reason, said.abstained
        )

    def differs(self, other: Said, least_change: float) -> bool:
        """Tell whether one is worth telling to who knows the other."""
        mine, others = ((s.band, s.state, s.abstained) for s in (self, other))
        return mine != others or abs(self.p_late - other.p_late) >= least_change

    def shown(self) -> dict[str, Any]:
        """Return it as listeners get it."""
        facts = self._asdict()
        del facts["abstained"]
        return facts | {"as_of": from_micros(self.as_of)}


class LastTold:
    """What listeners know: in memory, so that it begins with the first list of a service.

    Attributes:
        orders: what was said of each open order.
        begun: whether these are all: before the first list they are not.
        events: number of an event; exceptions of it and of those before were told. None before
            any could be.
        stale_at: UTC micros; of answers that went stale by then it was told. As `events`.
        keep: also keeps each step somewhere, for `take`.
    """

    def __init__(self) -> None:
        self.orders: dict[str, Said] = {}
        self.begun = False
        self.events: int | None = None
        self.stale_at: int | None = None
        self.keep: Callable[[Sequence[Step]], None] | None = None

    def begin(self, orders: Mapping[str, Said]) -> None:
        """Take what the first list says as known."""
        self._go([*(_order(name, said) for name, said in orders.items()), {"step": "begun"}])

    def order(self, name: str, said: Said | None) -> None:
        """Note what was told of an order; None: it is not open any more."""
        self._go([_order(name, said)])

    def exceptions(self, number: int) -> None:
        """Note that exceptions were told up to the event of a number."""
        self._go([_exceptions(number)])

    def expired(self, stale_at: int) -> None:
        """Note that it was told of answers that went stale by a moment (UTC micros)."""
        self._go([_expired(stale_at)])

    def take(self, step: Step) -> bool:
        """Go one step on; return whether it is one of these."""
        match step["step"]:
            case "order" if step["said"] is None:
                self.orders.pop(step["id"], None)
            case "order":
                self.orders[step["id"]] = Said(*step["said"])
            case "begun":
                self.begun = True
            case "exceptions":
                self.events = step["number"]
            case "expired":
                self.stale_at = step["stale_at"]
            case _:
                return False
        return True

    def steps(self) -> Iterator[Step]:
        """Yield steps that lead from nothing to what is known, or change nothing of it."""
        yield from (_order(name, said) for name, said in self.orders.items())
        if self.begun:
            yield {"step": "begun"}
        if self.events is not None:
            yield _exceptions(self.events)
        if self.stale_at is not None:
            yield _expired(self.stale_at)

    def _go(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self.take(step)
        if self.keep is not None:
            self.keep(steps)


def _order(name: str, said: Said | None) -> Step:
    return {"step": "order", "id": name, "said": said}


def _exceptions(number: int) -> Step:
    return {"step": "exceptions", "number": number}


def _expired(stale_at: int) -> Step:
    return {"step": "expired", "stale_at": stale_at}
