"""Answers and what came of them, folded from the ledger in the sequence of its entries.

Of an order one answer a stage and model counts: the first. Later ones know more of the outcome, and
how often an order was asked for says nothing. Only answers about the moment of asking count
(not those with an `as_of` of the past), and only before the promise had passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, Self

from triage.domain.clock import MICROS_PER_DAY
from triage.ledger.entries import Entry
from triage.models.held import Sums
from triage.serving.decisions import KIND, Decision
from triage.serving.handling.state import Act, fold, undone
from triage.serving.outcomes.interventions import done_at
from triage.serving.outcomes.outcome import Outcome

MOST_ORDERS = 200_000
"""Orders that are remembered; the oldest beyond them are forgotten."""
NOTHING_DONE = frozenset({"no_action_needed", "too_late_to_help"})
"""Why an order may leave the list without anybody having done something about it."""
_TELLING = frozenset({"escalate", "inform"})
People = Literal["held_out", "left_alone", "acted_on"]
"""What people did with an order: it was held out and left alone, left alone without being held out,
or acted on."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer said.

    Attributes:
        decision_id: the decision on record.
        order_id: the order.
        at: when it was answered, UTC micros.
        as_of: the moment that it speaks of, UTC micros.
        model: digest of the model.
        stage: where the order stood.
        p_late: probability.
        delay: p10, p50, p90 in days against promise + tolerance.
        score: expected loss that acting prevents, per minute; None if it had none.
        minutes: of people's time that acting takes.
    """

    decision_id: str
    order_id: str
    at: int
    as_of: int
    model: str
    stage: str
    p_late: float
    delay: tuple[float, float, float]
    score: float | None
    minutes: float | None

    @classmethod
    def of(cls, entry: Entry) -> Self | None:
        """Read a decision; None if it does not count."""
        decision = Decision.of(entry)
        asked, answer = decision.asked, decision.answer
        if asked is None or asked.get("as_of") is not None or answer["state"] != "at_risk":
            return None
        delay, first = answer["delay"], answer["priority"] or {}
        return cls(
            decision.id, answer["order_id"], decision.at, decision.as_of, decision.basis.model,
            answer["stage"], answer["risk"]["p_late"], (delay["p10"], delay["p50"], delay["p90"]),
            first.get("score"), first.get("minutes"),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judged:
    """An order with an outcome: what was said of it, what came, and whether somebody acted."""

    said: tuple[Said, ...]
    outcome: Outcome
    acted: bool
    held_out: bool = False

    @property
    def people(self) -> People:
        """Return what people did with it."""
        return "acted_on" if self.acted else "held_out" if self.held_out else "left_alone"


class Cell(NamedTuple):
    """Which answers are summed: model and stage, days of answer and of promise (from 1970, UTC)."""

    model: str
    people: People
    stage: str
    answered: int
    promised: int


@dataclass
class LiveRecord:
    """The fold.

    Attributes:
        seen: number of the newest entry that was taken in.
        waiting: order -> stage and model -> what was said, while there is no outcome.
        judged: order -> what came of it.
        sums: (model, what people did) -> figures over `judged`.
        cells: the same by stage and days.
        holds: tells whether an order is held out.
    """

    most: int = MOST_ORDERS
    holds: Callable[[str], bool] = field(default=lambda _: False, compare=False)
    seen: int = 0
    waiting: dict[str, dict[tuple[str, str], Said]] = field(default_factory=dict)
    judged: dict[str, Judged] = field(default_factory=dict)
    sums: dict[tuple[str, People], Sums] = field(default_factory=dict)
    cells: dict[Cell, Sums] = field(default_factory=dict)
    _acts: dict[str, list[Act]] = field(default_factory=dict)
    _done: dict[str, int] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        """Take in the next entry."""
        self.seen = entry.seq
        order_id = entry.order_id
        if order_id is None or (order_id in self.judged and entry.kind != "outcome"):
            return
        if entry.kind == KIND:
            said = Said.of(entry)
            if said is not None:
                of_order = self.waiting.setdefault(order_id, {})
                of_order.setdefault((said.stage, said.model), said)
                _bound(self.waiting, self.most)
        elif entry.kind == "outcome":
            self.settle(Outcome.of(entry))
        elif (act := Act.of(entry)) is not None:
            self._acts.setdefault(order_id, []).append(act)
            _bound(self._acts, self.most)
        elif (moment := done_at(entry)) is not None:
            self._done[order_id] = min(moment, self._done.get(order_id, moment))
            _bound(self._done, self.most)

    def settle(self, outcome: Outcome) -> None:
        """Note what came of an order; what is told of it from now on comes too late to count."""
        name = outcome.order_id
        before = self._forget(name)
        if before is not None:
            self.judged[name] = replace(before, outcome=outcome)
        else:
            said = tuple(self.waiting.pop(name, {}).values())
            done = self._done.pop(name, outcome.late_at)
            acted = acted_on(self._acts.pop(name, ())) or done < outcome.late_at
            self.judged[name] = Judged(said, outcome, acted, bool(said) and self.holds(name))
        self._count(self.judged[name], 1)
        if len(self.judged) > self.most:
            self._forget(next(iter(self.judged)))

    def outcomes(self) -> list[Judged]:
        """Return the orders with an outcome, as they are now."""
        return list(self.judged.values())

    def open_ended(self) -> list[str]:
        """Return the orders of which something is still to come."""
        return [
            *self.waiting,
            *(name for name, each in self.judged.items() if not each.outcome.final),
        ]

    def _forget(self, name: str) -> Judged | None:
        found = self.judged.pop(name, None)
        if found is not None:
            self._count(found, -1)
        return found

    def _count(self, judged: Judged, sign: int) -> None:
        if judged.outcome.cancelled:
            return
        promised = judged.outcome.late_at // MICROS_PER_DAY
        for said in judged.said:
            p, of_model = said.p_late, (said.model, judged.people)
            one = Sums(1, int(judged.outcome.late), p, p * (1 - p))
            cell = Cell(*of_model, said.stage, said.at // MICROS_PER_DAY, promised)
            self.sums[of_model] = self.sums.get(of_model, Sums()).plus(one, sign)
            self.cells[cell] = self.cells.get(cell, Sums()).plus(one, sign)


def acted_on(acts: Iterable[Act]) -> bool:
    """Return whether somebody did something about an order, or took it on.

    What was undone does not count, nor notes, snoozes and opinions, nor that an order was closed
    with the remark that nothing was done.
    """
    told = list(acts)
    state, gone = fold(told), undone(told)
    if any(act.action in _TELLING for act in told if act.id not in gone):
        return True
    if state.disposed is not None:
        return state.disposed.code not in NOTHING_DONE
    return state.owner is not None or (state.put is not None and state.put.level == "first")


def _bound(held: dict[str, Any], most: int) -> None:
    if len(held) > most:
        del held[next(iter(held))]
