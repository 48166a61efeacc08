"""What the page of an order tells of the past."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from triage.serving.formats import number

MOVED: Final = "How the risk moved"
MOVED_NOTE: Final = (
    "What the model of today says of what was known at each step; what was said then is marked as "
    "on record. "
    "Association, not proof."
)
MOVED_BASIS: Final = {"then": "", "record": "on record", "now": ""}
MOVED_NOW: Final = "Now"
MOVED_LATE: Final = "Late"
MOVED_ACTED: Final = "Acted"
MOVED_SCORE: Final = "Scored"
ALIKE: Final = "Past orders like this one"
ALIKE_NONE: Final = "No past order went this way: there is nothing to compare with."
ALIKE_NOTE: Final = (
    "The nearest in days to the promise and in size, by what was known before this order was "
    "assessed. Orders whose promise has not passed yet are left out."
)
ALIKE_COLUMNS: Final = ("Order", "Promised", "Delivered", "What became of it")
NOT_DELIVERED: Final = "not yet"
TIMELINE: Final = "Everything known about it"
TIMELINE_UNREAD: Final = "Scores on record cannot be read at this moment."
TIMELINE_RAISED: Final = {"raised": "Exception", "resolved": "Exception closed"}
TIMELINE_KINDS: Final = {
    "milestone": "Milestone",
    "exception": "Exception",
    "decision": "Score",
    "action": "Work",
}
KNOWN_LATE: Final = "Known late"


def alike(count: int, late: int, by: Sequence[str]) -> str:
    """Return the sentence of how many orders like one were late."""
    same = _listed(by)
    if count == 1:
        became = "it was late" if late else "it was in time"
        return f"One past order went the same way (same {same}); {became}."
    were = "none was" if not late else "1 was" if late == 1 else f"{number(late)} were"
    return f"Of {number(count)} past orders like this one (same {same}), {were} late."


def few_alike(count: int) -> str:
    """Return the warning that few past orders say little."""
    return f"Only {count} of them: that says little." if count > 1 else "One says little."


def _listed(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def early_or_late(days: str, *, late: bool) -> str:
    """Return how long before or after its promise an order was delivered."""
    return f"{days} late" if late else f"{days} early"


def late_still(days: str) -> str:
    """Return for how long an order that was not delivered was late already."""
    return f"late, {days} so far"


def known_later(when: str, span: str) -> str:
    """Return when something happened, and how long after that it became known."""
    return f"happened {when}, known {span} later"


def said(what: str, times: int) -> str:
    """Return what decisions on record said, and how often in a row."""
    return what if times == 1 else f"{what} (asked {number(times)} times)"


def earlier_said(most: int) -> str:
    """Return that only the newest decisions are looked at."""
    return f"Scores: the newest {number(most)} on record; all of them are in the API."


def did_so(by: str, did: str) -> str:
    """Return who did what."""
    return f"{by} {did}"


def timeline_count(count: int) -> str:
    """Return how much is known of an order."""
    return f"{number(count)} {'entry' if count == 1 else 'entries'}, newest first"


def moved_title(order_id: str) -> str:
    """Return the title of the drawing of how the risk moved."""
    return f"Risk of {order_id} over time"
