"""What is answered about the handling of orders; part of the OpenAPI document."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from triage.domain.clock import from_micros
from triage.serving.handling.state import SOMEBODY, Act, Action, Code, Handled, Level, Place, Why


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class HandlingOut(_Answer):
    """How people handle an order."""

    place: Place = Field(description="On the list, off it for a while, or done with.")
    owner: str | None = Field(description="Whose it is.")
    snoozed_until: AwareDatetime | None = Field(description="Off the list until then.")
    snoozed_below: float | None = Field(description="Off the list while p_late is below this.")
    disposed: Code | None = Field(description="Why no more is to be done.")
    priority: Level | None = Field(description="Where a person put it; null leaves it to rank.")
    useful: bool | None = Field(description="Whether the advice was called useful.")
    notes: int = Field(ge=0, description="How many notes there are.")
    escalated: str | None = Field(description="Who above was told last.")
    informed_at: AwareDatetime | None = Field(description="When the customer was told last.")
    last: str | None = Field(description="Id of the newest entry, for `after`.")


class ActionAnswer(_Answer):
    """What was recorded, and how the order is now."""

    order_id: str
    entry_id: str = Field(description="Id of the entry in the ledger; names it in an undo.")
    seq: int = Field(description="Its place in the ledger.")
    handling: HandlingOut


class ActOut(_Answer):
    """One entry: something that somebody did."""

    entry_id: str
    seq: int = Field(description="Its place in the ledger.")
    at: AwareDatetime
    action: Action
    by: str = Field(description='Who; "somebody" once the name was erased.')
    to: str | None = Field(description="Whose the order became, or who was told.")
    text: str | None
    until: AwareDatetime | None = Field(description="End of a snooze.")
    risk: float | None = Field(description="p_late at which a snooze ends.")
    code: Code | None
    level: Level | None
    why: Why | None = Field(description="Why it was passed on.")
    batch: str | None = Field(description="Common to acts that were asked for together.")
    entry: str | None = Field(description="What it undoes.")
    undone: bool = Field(description="Whether it has no effect any more.")
    erased: bool = Field(description="Whether names and text were erased.")


class HistoryAnswer(_Answer):
    """All that people did with an order."""

    order_id: str
    handling: HandlingOut
    entries: list[ActOut] = Field(description="Oldest first.")


def handling_out(handled: Handled, p_late: float, now: int) -> dict[str, Any]:
    """Return how an order is handled (see `HandlingOut`).

    Args:
        handled: what was done with it.
        p_late: its probability of lateness; 1 once it is late.
        now: UTC micros, of the clock on the wall.
    """
    state = handled.state
    asleep = state.snooze
    return {
        "place": state.place(p_late, now),
        "owner": state.owner,
        "snoozed_until": None if asleep is None else _moment(asleep.until),
        "snoozed_below": None if asleep is None else asleep.risk,
        "disposed": None if state.disposed is None else state.disposed.code,
        "priority": None if state.put is None else state.put.level,
        "useful": state.useful,
        "notes": state.notes,
        "escalated": None if state.escalated is None else state.escalated.to or SOMEBODY,
        "informed_at": None if state.informed is None else from_micros(state.informed.at),
        "last": handled.last,
    }


def act_out(act: Act, handled: Handled) -> dict[str, Any]:
    """Return one entry of the history (see `ActOut`)."""
    return {
        "entry_id": act.id,
        "seq": act.seq,
        "at": from_micros(act.at),
        "action": act.action,
        "by": act.by,
        "to": act.to,
        "text": act.text,
        "until": _moment(act.until),
        "risk": act.risk,
        "code": act.code,
        "level": act.level,
        "why": act.why,
        "batch": act.batch,
        "entry": act.entry,
        "undone": act.id in handled.undone,
        "erased": act.erased,
    }


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)
