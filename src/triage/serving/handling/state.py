"""What people do with an order or an exception: its state, folded from entries of the ledger.

Nothing is overwritten: an act is one entry, and `undo` is an act that takes another one's effect
away (undoing an undo gives it back). Who did it, for whom, and free text are in the part of an
entry that can be erased; the rest of the act stays.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Final, Literal, Self, get_args

from triage.ledger.entries import Draft, Entry, Kind, canonical
from triage.serving.handling.mentions import names_of, words_in

Action = Literal[
    "assign", "unassign", "snooze", "wake", "note", "dispose", "reopen", "useful", "not_useful",
    "priority", "escalate", "inform", "skip", "undo",
]  # fmt: skip
Code = Literal[
    "customer_informed", "expedited", "shipped_another_way", "split", "promise_renegotiated",
    "cancelled", "data_corrected", "no_action_needed", "too_late_to_help", "other",
]  # fmt: skip
"""Why an order needs no more work."""
Ending = Literal[
    "fixed", "data_corrected", "customer_informed", "handed_over", "duplicate", "false_alarm",
    "no_action_needed", "other",
]  # fmt: skip
"""Why an exception needs no more work."""
About = Literal["order", "exception"]
Refusal = Literal[
    "meanwhile", "nobodys", "awake", "open", "done", "put_away", "theirs", "taken", "undone",
    "view_there", "views_full",
]  # fmt: skip
"""Why something cannot be done as it is."""
Why = Literal["waits_for_others", "not_mine", "needs_information", "not_worth_it", "other"]
"""Why somebody passes an order on that was given to them."""
Level = Literal["first", "last"]
"""Where a person puts an order, whatever its score."""
Place = Literal["open", "snoozed", "disposed"]
"""Where an order is: on the list, off it for a while, or done with."""
KINDS: Final = MappingProxyType[Action, Kind]({
    "assign": "assignment", "unassign": "assignment", "snooze": "disposition",
    "wake": "disposition", "note": "note", "dispose": "disposition", "reopen": "disposition",
    "useful": "feedback", "not_useful": "feedback", "priority": "setting",
    "escalate": "assignment", "inform": "intervention", "skip": "feedback",
})  # fmt: skip
"""Under which kind an act is recorded; an undo has the kind of what it undoes."""
SOMEBODY: Final = "somebody"
"""Stands for a person whose name was erased."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that somebody did with an order, or with an exception.

    Attributes:
        action: what.
        by: who; `SOMEBODY` once the name is erased.
        to: whose the order becomes ("assign"); who is told ("escalate").
        text: free text ("note", "dispose", "skip"); the message that was sent ("inform").
        until: end of a snooze, UTC micros.
        risk: probability of lateness at which a snooze ends.
        code: why no more is to be done ("dispose").
        level: where it is put; None gives it back to its score ("priority").
        why: why it is passed on ("skip").
        batch: id that acts have in common which were asked for together.
        entry: id of the act that is undone ("undo").
        exception_id: the exception that it is about; None if it is about the order itself.
        as_of: the moment that counted as now where it is about an exception, UTC micros.
        id: id of its entry in the ledger; empty before it is recorded.
        seq: place of its entry in the ledger; 0 before.
        at: when it was done, UTC micros.
        erased: whether names and text are gone.
    """

    action: Action
    by: str = SOMEBODY
    to: str | None = None
    text: str | None = None
    until: int | None = None
    risk: float | None = None
    code: Code | Ending | None = None
    level: Level | None = None
    why: Why | None = None
    batch: str | None = None
    entry: str | None = None
    exception_id: str | None = None
    as_of: int | None = None
    id: str = ""
    seq: int = 0
    at: int = 0
    erased: bool = False

    def draft(self, order_id: str | None, kind: Kind) -> Draft:
        """Return the act as an entry to be recorded.

        Args:
            order_id: the order; of an exception the one that it names, if it names one.
            kind: under which it is recorded.
        """
        said = {name: getattr(self, name) for name in _PUBLIC}
        own = {name: getattr(self, name) for name in _PERSONAL}
        return Draft(kind, _told(said), order_id, _told(own), at=self.at)

    @classmethod
    def of(cls, entry: Entry, about: About = "order") -> Self | None:
        """Read an entry; None if it is not an act on an order (or on an exception)."""
        if entry.kind not in KINDS.values() or (about == "order" and entry.order_id is None):
            return None
        said = json.loads(entry.body)
        if not isinstance(said, dict) or said.get("action") not in get_args(Action):
            return None
        if ("exception_id" in said) != (about == "exception"):
            return None
        own = {} if entry.personal is None else json.loads(entry.personal)
        fields = {name: said[name] for name in _PUBLIC if name in said}
        fields |= {name: own[name] for name in _PERSONAL if name in own}
        return cls(**fields, id=entry.id, seq=entry.seq, at=entry.at, erased=entry.erased)


_PUBLIC = (
    "action", "until", "risk", "code", "level", "why", "batch", "entry", "exception_id", "as_of",
)  # fmt: skip
_PERSONAL = ("by", "to", "text")


def _told(fields: dict[str, object]) -> bytes:
    return canonical({name: value for name, value in fields.items() if value is not None})


@dataclass(frozen=True, slots=True)
class State:
    """How an order or an exception is handled now.

    Attributes:
        owner: whose it is.
        taken: what made it theirs.
        snooze: what took it off the list for a while; it may have ended, see `place`.
        disposed: what ended the work on it.
        notes: how many notes there are.
        useful: whether the advice was called useful; None if nobody said.
        put: what put it first or last by hand.
        escalated: what told somebody above of it last.
        informed: what told the customer last.
        skips: what passed it on.
        mentions: who was asked in a note and has not acted since, as `names_of` writes them.
        ended: what ended the work before the record said that it goes on (see `Handled`).
    """

    owner: str | None = None
    taken: Act | None = None
    snooze: Act | None = None
    disposed: Act | None = None
    notes: int = 0
    useful: bool | None = None
    put: Act | None = None
    escalated: Act | None = None
    informed: Act | None = None
    skips: tuple[Act, ...] = ()
    mentions: frozenset[str] = frozenset()
    ended: Act | None = None

    def place(self, p_late: float, now: int) -> Place:
        """Return where the order is.

        Args:
            p_late: its probability of lateness; 1 once it is late.
            now: UTC micros, of the clock on the wall.
        """
        if self.disposed is not None:
            return "disposed"
        asleep = self.snooze
        if asleep is None or (asleep.until is not None and now >= asleep.until):
            return "open"
        return "open" if asleep.risk is not None and p_late >= asleep.risk else "snoozed"


def _assign(state: State, act: Act) -> State:
    return replace(state, owner=act.to or SOMEBODY, taken=act)


def _put(state: State, act: Act) -> State:
    return replace(state, put=act if act.level else None)


def _note(state: State, act: Act) -> State:
    asked = state.mentions | words_in(act.text or "")
    return replace(state, notes=state.notes + 1, mentions=asked)


def _skip(state: State, act: Act) -> State:
    own = state.owner == act.by
    owner, taken = (None, None) if own else (state.owner, state.taken)
    return replace(state, owner=owner, taken=taken, skips=(*state.skips, act))


_STEPS: Final[dict[Action, Callable[[State, Act], State]]] = {
    "assign": _assign,
    "unassign": lambda state, _: replace(state, owner=None, taken=None),
    "snooze": lambda state, act: replace(state, snooze=act),
    "wake": lambda state, _: replace(state, snooze=None),
    "note": _note,
    "dispose": lambda state, act: replace(state, disposed=act, snooze=None),
    "reopen": lambda state, _: replace(state, disposed=None),
    "useful": lambda state, _: replace(state, useful=True),
    "not_useful": lambda state, _: replace(state, useful=False),
    "priority": _put,
    "escalate": lambda state, act: replace(state, escalated=act),
    "inform": lambda state, act: replace(state, informed=act),
    "skip": _skip,
}


def undone(acts: Iterable[Act]) -> frozenset[str]:
    """Return the ids of acts without effect; an undo that was itself undone has none."""
    gone: set[str] = set()
    for act in reversed(list(acts)):
        if act.action == "undo" and act.id not in gone and act.entry is not None:
            gone.add(act.entry)
    return frozenset(gone)


def fold(acts: Iterable[Act]) -> State:
    """Return the state after some acts, oldest first."""
    told = list(acts)
    gone = undone(told)
    state = State()
    for act in told:
        if act.action != "undo" and act.id not in gone:
            answered = state.mentions - names_of(act.by)
            state = _STEPS[act.action](replace(state, mentions=answered), act)
    return state


@dataclass(frozen=True)
class Handled:
    """An order or an exception as people handled it.

    Attributes:
        acts: all that was done, oldest first.
        raised_at: when the record said last that an exception is open, UTC micros: if somebody was
            done with it before, the work on it goes on. 0 for an order.
    """

    acts: tuple[Act, ...] = field(default=())
    raised_at: int = 0

    @cached_property
    def state(self) -> State:
        """How it is now."""
        state = fold(self.acts)
        ended = state.disposed
        if ended is None or ended.as_of is None or self.raised_at <= ended.as_of:
            return state
        return replace(state, disposed=None, ended=ended)

    @cached_property
    def undone(self) -> frozenset[str]:
        """Ids of acts without effect."""
        return undone(self.acts)

    @property
    def last(self) -> str | None:
        """Id of the newest act."""
        return self.acts[-1].id if self.acts else None

    def find(self, entry_id: str | None) -> Act | None:
        """Return the act with an id."""
        return next((act for act in self.acts if act.id == entry_id), None)

    def kind_of(self, act: Act) -> Kind:
        """Return under which kind an act is recorded."""
        found: Act | None = act
        while found is not None and found.action == "undo":
            found = self.find(found.entry)
        return "disposition" if found is None else KINDS[found.action]

    def and_then(self, act: Act) -> Handled:
        """Return it after one more act, which stands where the ledger has it."""
        return replace(self, acts=tuple(sorted((*self.acts, act), key=lambda each: each.seq)))
