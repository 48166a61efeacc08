"""The list as CSV: one line an order, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from triage.domain.clock import from_micros
from triage.serving import texts
from triage.serving.advisor import WorkItem
from triage.serving.handling.desk import UNTOUCHED, HandlingDesk
from triage.serving.handling.state import Handled
from triage.serving.worklist_index import main_cause, tier

_CHUNK = 250
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")
_MARK = "\ufeff"
"""Byte order mark: without it a spreadsheet reads UTF-8 as something else."""
HEADER = (
    "order", "state", "rank", "risk", "band", "expected_loss", "order_value", "currency",
    "promised_by", "decide_by", "customer", "tier", "site", "destination", "carrier", "stage",
    "main_cause", "reason", "what_helps", "owner", "work", "escalated_to", "customer_informed",
)  # fmt: skip


def lines(found: Sequence[WorkItem], desk: HandlingDesk | None, now: int) -> Iterator[bytes]:
    """Yield the file in pieces: UTF-8 with a byte order mark, CRLF, times in UTC.

    Args:
        found: what is in it.
        desk: knows what people did; None where nothing is recorded.
        now: UTC micros, of the clock on the wall.
    """
    held = io.StringIO(newline="")
    held.write(_MARK)
    write = csv.writer(held, lineterminator="\r\n")
    write.writerow(HEADER)
    for number, item in enumerate(found, start=1):
        handled = UNTOUCHED if desk is None else desk.of_order(item.assessment.order_id)
        write.writerow([safe(cell) for cell in _cells(item, handled, now)])
        if number % _CHUNK == 0:
            yield held.getvalue().encode()
            held.seek(0)
            held.truncate()
    yield held.getvalue().encode()


def safe(cell: object) -> str:
    """Return a cell that no spreadsheet takes for a formula.

    What begins with = + - @, tab or a line break gets an apostrophe in front (OWASP, CSV
    injection); numbers of ours are left as they are.
    """
    if cell is None:
        return ""
    if isinstance(cell, int | float):
        return str(cell)
    text = str(cell)
    return f"'{text}" if text.startswith(_RISKY) else text


def _cells(item: WorkItem, handled: Handled, now: int) -> list[object]:
    order, state = item.assessment, handled.state
    priority = order.priority
    decide_by = None if priority is None else priority.decide_by
    return [
        order.order_id, order.state, item.rank, round(order.p_late, 4), order.band,
        round(order.expected_loss, 2), round(order.revenue, 2), order.currency,
        _moment(order.promised_by), _moment(decide_by), order.customer, tier(order), order.site,
        order.destination, order.carrier, order.stage, main_cause(order),
        order.reasons[0].text if order.reasons else None,
        None if priority is None else priority.action, state.owner,
        texts.work.PLACES[state.place(order.p_late, now)],
        None if state.escalated is None else state.escalated.to,
        None if state.informed is None else _moment(state.informed.at),
    ]  # fmt: skip


def _moment(at: int | None) -> str | None:
    return None if at is None else from_micros(at).strftime("%Y-%m-%dT%H:%M:%SZ")
