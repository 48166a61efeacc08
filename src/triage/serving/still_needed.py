"""Which old entries of the ledger are state, so that deleting history must leave them.

History is what nobody asks for but to look back: decisions, and what people did about what is over.
State is what the service would do otherwise without: policies, under which newer decisions are made
again; keys; views that people saved; what they say exceptions are, from which training learns;
answers that may be asked for again; what was erased, which must go from a copy that is restored,
too; and all that was done about what is still open, or comes up in
newer entries.
"""

from __future__ import annotations

import json
from itertools import takewhile
from typing import Final

from triage.domain.records import ExceptionPhase, MilestoneKind
from triage.history.tables import History
from triage.ledger.corrections import KIND as CORRECTED
from triage.ledger.corrections import Correction, corrections, standing
from triage.ledger.entries import Entry
from triage.ledger.reading import Reading
from triage.serving.decisions import policy_id
from triage.serving.handling.state import KINDS
from triage.serving.idempotency import KEPT_MICROS
from triage.serving.pages.saved_views import saving

_DONE: Final = frozenset({*KINDS.values(), "outcome"})
"""Kinds of what was done about orders and exceptions, and of what came of them."""
_ENDS: Final = (MilestoneKind.DELIVERED.value, MilestoneKind.ORDER_CANCELLED.value)


def still_needed(reading: Reading, upto_seq: int, history: History, now: int) -> dict[int, Entry]:
    """Return the entries up to one that are state, by their number.

    Args:
        reading: the ledger.
        upto_seq: number of the newest entry that may go.
        history: log and events, which say what is over.
        now: what became known later is not known, UTC micros; answers are kept up to a day.

    Raises:
        StoreUnavailableError: if the ledger cannot be read.
    """
    orders, exceptions = _in_play(reading, upto_seq + 1, history, now)
    own = {entry.seq for entry in saving(reading.entries(kind="setting"))}
    right = _standing_corrections(reading)

    def needed(entry: Entry) -> bool:
        if entry.kind in {"key", "erasure"} or entry.id in right or entry.seq in own:
            return True
        if entry.kind == "idempotency":
            return entry.at > now - KEPT_MICROS
        if entry.kind == "setting" and entry.id.startswith(policy_id("")):
            return True
        if entry.kind not in _DONE:
            return False
        return entry.order_id in orders or _exception(entry) in exceptions

    older = takewhile(lambda entry: entry.seq <= upto_seq, reading.entries())
    return {entry.seq: entry for entry in older if needed(entry)}


def _in_play(
    reading: Reading, from_seq: int, history: History, now: int
) -> tuple[set[str | None], set[str | None]]:
    """Return orders and exceptions that are not over, or that entries from a number on tell of."""
    told, raised = history.milestones, history.exceptions
    ended = told["milestone"].isin(_ENDS) & (told["record_time"] <= now)
    closed = (raised["phase"] == ExceptionPhase.RESOLVED.value) & (raised["record_time"] <= now)
    orders = set(history.orders["order_id"]) - set(told["order_id"][ended])
    exceptions = set(raised["exception_id"]) - set(raised["exception_id"][closed])
    for entry in reading.entries(from_seq):
        orders.add(entry.order_id)
        if entry.kind in _DONE:
            exceptions.add(_exception(entry))
    return orders - {None}, exceptions - {None}


def _standing_corrections(reading: Reading) -> set[str]:
    """Return the ids of what people said of exceptions and did not take back."""
    said: dict[str, list[Correction]] = {}
    for each in corrections(reading.entries(kind=CORRECTED)):
        said.setdefault(each.exception_id, []).append(each)
    held = (standing(each) for each in said.values())
    return {each.id for each in held if each is not None}


def _exception(entry: Entry) -> str | None:
    """Return the exception that an entry is about; None if it is about none."""
    found: str | None = json.loads(entry.body).get("exception_id")
    return found
