"""What an order's page tells of the past, in words: its timeline, its risk, orders like it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Final

from triage.domain.clock import MICROS_PER_DAY, MICROS_PER_MINUTE, to_micros
from triage.serving import texts, wording
from triage.serving.feeds import Feeds
from triage.serving.handling.state import Act
from triage.serving.handling.view import Line
from triage.serving.pages.risk_path import Acts, Drawn, Score
from triage.serving.similar import NEAREST, Alike, PastOrder

DECISIONS: Final = 30
"""Decisions on record that the page looks at, the newest; the API gives all."""
_LATE: Final = MICROS_PER_DAY


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline.

    Attributes:
        kind: what it is, in a word.
        what: what it was.
        at: when it became known.
        iso: the same for machines.
        happened: when it happened, if it became known later; empty if it was known at once.
        late: whether it became known a day later or more.
    """

    kind: str
    what: str
    at: str
    iso: str
    happened: str = ""
    late: bool = False


def timeline(
    entries: Sequence[Mapping[str, Any]], acts: Mapping[str, Line], now: int, zone: str
) -> list[Entry]:
    """Return the timeline in words, newest first; the same score asked again is told once.

    Args:
        entries: as `routes.timeline` gives them, oldest first.
        acts: what people did in words, by id.
        now: UTC micros.
        zone: IANA name of the zone in which times are shown.
    """
    told = []
    for _, same in groupby(enumerate(entries), _said):
        *_, (_, newest) = again = list(same)
        shown = _entry(newest, acts, now, zone)
        told.append(replace(shown, what=texts.past.said(shown.what, len(again))))
    return told[::-1]


def _said(numbered: tuple[int, Mapping[str, Any]]) -> object:
    """Return what decisions have in common that said the same; any other entry stands alone."""
    number, entry = numbered
    return entry["what"] if entry["kind"] == "decision" else number


def _entry(
    entry: Mapping[str, Any], acts: Mapping[str, Line], now: int, zone: str
) -> Entry:  # fmt: skip
    kind, what = entry["kind"], entry["what"]
    event, known = to_micros(entry["event_time"]), to_micros(entry["record_time"])
    label = texts.past.TIMELINE_KINDS[kind]
    if kind == "milestone":
        what = wording.stage(what)
    elif kind == "exception":
        phase, _, text = what.partition(": ")
        label = texts.past.TIMELINE_RAISED.get(phase, phase)
        text = wording.word(text) if text.isidentifier() else text
        what = f"{entry['exception_id']}: {text}" if text else entry["exception_id"]
    elif kind == "action" and entry["act_id"] in acts:
        line = acts[entry["act_id"]]
        said = f"{line.did}: {line.text}" if line.text else line.did
        what = texts.past.did_so(line.by, said)
    at, lag = wording.moment(known, zone), known - event
    shown = Entry(label, what, wording.when(known, now, zone), at.isoformat())
    if kind == "decision" or lag < MICROS_PER_MINUTE:
        return shown
    told = texts.past.known_later(wording.when(event, now, zone), wording.span(lag))
    return replace(shown, happened=told, late=lag >= _LATE)


@dataclass(frozen=True, slots=True)
class Move:
    """One step of how the risk moved: a score, or what people did.

    Attributes:
        x: place in the drawing, percent of its width.
        y: the same from above, in pixels.
        when: at which moment.
        what: what was reached or done.
        percent: the risk; empty for what people did.
        band: its band; empty for what people did.
        word: the band as a word; empty where `percent` is one already.
        basis: how the risk is known, in words.
    """

    x: float
    y: float
    when: str
    what: str
    percent: str = ""
    band: str = ""
    word: str = ""
    basis: str = ""


def moves(
    places: Sequence[Drawn], acts: Mapping[str, Line], now: int, zone: str, *, late: bool
) -> list[Move]:
    """Return the steps in words.

    Args:
        places: the steps, oldest first, the last of now.
        acts: what people did in words, by id.
        now: UTC micros.
        zone: IANA name of the zone in which times are shown.
        late: whether the order is late already.
    """
    told = []
    for place in places:
        step = place.step
        at = wording.when(step.at, now, zone)
        if isinstance(step, Acts):
            told.append(Move(place.x, place.y, at, _did(step.acts, acts)))
            continue
        what, basis = _reached(step), texts.past.MOVED_BASIS[step.basis]
        if late and step.basis == "now":
            told.append(Move(place.x, place.y, at, what, texts.past.MOVED_LATE, "critical"))
        else:
            percent, word = wording.percent(step.p_late), wording.word(step.band)
            told.append(Move(place.x, place.y, at, what, percent, step.band, word, basis))
    return told


def _reached(score: Score) -> str:
    if score.basis == "now":
        return texts.past.MOVED_NOW
    return wording.stage(score.stage) if score.stage else texts.past.MOVED_SCORE


def _did(done: Sequence[Act], acts: Mapping[str, Line]) -> str:
    lines = [acts[act.id] for act in done if act.id in acts]
    return "; ".join(texts.past.did_so(line.by, line.did) for line in lines)


@dataclass(frozen=True, slots=True)
class PastRow:
    """A past order in words."""

    order_id: str
    promised: str
    delivered: str
    became: str
    late: bool


def past_rows(found: Alike, as_of: int, now: int, zone: str) -> list[PastRow]:
    """Return past orders in words.

    Args:
        found: past orders.
        as_of: the moment before which everything was known, UTC micros.
        now: UTC micros.
        zone: IANA name of the zone in which days are told.
    """
    return [
        PastRow(
            each.order_id, wording.promise_day(each.promised_by, now, zone),
            texts.past.NOT_DELIVERED if each.delivered is None
            else wording.when(each.delivered, now, zone),
            _became(each, as_of), each.late,
        )
        for each in found.nearest
    ]  # fmt: skip


def _became(past: PastOrder, as_of: int) -> str:
    if past.delivered is None:
        return texts.past.late_still(wording.span(as_of - past.promised_by))
    span = wording.span(past.delivered - past.promised_by)
    return texts.past.early_or_late(span, late=past.delivered >= past.promised_by)


def alike_says(found: Alike) -> str:
    """Return what became of orders like one, in sentences."""
    if not found.count:
        return texts.past.ALIKE_NONE
    said = texts.past.alike(found.count, found.late, found.by)
    return said if found.count >= NEAREST else f"{said} {texts.past.few_alike(found.count)}"


def stale_feeds(feeds: Feeds, now: int, hours_of: Callable[[str], float]) -> list[str]:
    """Return which feeds told nothing new for too long at a moment (UTC micros), in words."""
    return [
        texts.words.stale_feed(name, wording.span(now - feeds.newest[name]))
        for name in feeds.stale(now, hours_of)
    ]
