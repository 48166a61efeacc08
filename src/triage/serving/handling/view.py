"""What people did with an order or an exception, in words ready to be shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, replace

from triage.domain.clock import MICROS_PER_HOUR
from triage.serving import texts, wording
from triage.serving.handling.desk import HandlingDesk
from triage.serving.handling.state import Act, Handled, Place, State
from triage.serving.worklist_index import WorklistIndex


@dataclass(frozen=True, slots=True)
class Line:
    """One act: who did what, and when."""

    id: str
    by: str
    did: str
    text: str
    at: str
    iso: str
    undone: bool


@dataclass(frozen=True, slots=True)
class Work:
    """The block "Work" of the page of an order or an exception.

    Attributes:
        you: who looks at it; empty if not known.
        state: how it is handled.
        place: where it is.
        says: the same in sentences.
        after: id of the newest act that is shown; empty if there is none.
        lines: all acts, newest first.
        undo: the newest act that can be undone.
        redo: the newest act, if it is an undo, in the words of what it undid.
        news: what somebody else did last, if that was in the last hour; empty if not.
    """

    you: str
    state: State
    place: Place
    says: str
    after: str
    lines: list[Line]
    undo: Line | None
    redo: Line | None
    news: str = ""


def work(handled: Handled, p_late: float, now: int, zone: str, you: str) -> Work:
    """Return the block "Work".

    Args:
        handled: what was done with it.
        p_late: probability of lateness of an order, 1 once it is late; 0 of an exception.
        now: UTC micros, of the clock on the wall.
        zone: IANA name of the zone in which times are shown.
        you: who looks at it.
    """
    lines = [_line(act, handled, now, zone) for act in reversed(handled.acts)]
    in_force = [
        line
        for line, act in zip(lines, reversed(handled.acts), strict=True)
        if not line.undone and act.action != "undo"
    ]
    state = handled.state
    place = state.place(p_late, now)
    return Work(
        you, state, place, _says(state, place, now, zone), handled.last or "", lines,
        in_force[0] if in_force else None, _redo(handled, now, zone),
        _news(handled, now, zone, you),
    )  # fmt: skip


def _news(handled: Handled, now: int, zone: str, you: str) -> str:
    newest = handled.acts[-1] if handled.acts else None
    if newest is None or newest.by == you or now - newest.at > MICROS_PER_HOUR:
        return ""
    line = _line(newest, handled, now, zone)
    return f"{line.by} {line.did} {wording.ago(now - newest.at)}"


def _redo(handled: Handled, now: int, zone: str) -> Line | None:
    newest = handled.acts[-1] if handled.acts else None
    target = None if newest is None else handled.find(newest.entry)
    if newest is None or target is None or target.action == "undo":
        return None
    return replace(_line(target, handled, now, zone), id=newest.id)


def _says(state: State, place: Place, now: int, zone: str) -> str:
    said = [] if state.owner is None else [texts.work.has_it(state.owner)]
    if state.owner is None and place == "open":
        said.append(texts.work.NOBODYS)
    if place == "disposed" and state.disposed is not None:
        said.append(texts.work.done_with(_code(state.disposed)))
    elif place == "snoozed" and state.snooze is not None:
        said.append(texts.work.sentence(_did(state.snooze, now, zone)))
    if state.ended is not None:
        said.append(texts.work.goes_on(_code(state.ended)))
    if state.escalated is not None:
        said.append(texts.work.escalated_to(state.escalated.to or texts.words.SOMEBODY))
    if state.informed is not None:
        said.append(texts.work.informed_at(wording.when(state.informed.at, now, zone)))
    if state.put is not None:
        said.append(texts.work.PUT_SAYS[state.put.level or "first"])
    if state.useful is not None:
        said.append(texts.work.FOUND_USEFUL if state.useful else texts.work.FOUND_NOT_USEFUL)
    return " ".join(said)


def _line(act: Act, handled: Handled, now: int, zone: str) -> Line:
    did = _did(act, now, zone)
    target = handled.find(act.entry) if act.action == "undo" else None
    if target is not None:
        did = texts.work.undid(target.by, _did(target, now, zone))
    at = wording.moment(act.at, zone)
    return Line(
        act.id, act.by, did, act.text or "", wording.when(act.at, now, zone), at.isoformat(),
        act.id in handled.undone,
    )  # fmt: skip


def _did(act: Act, now: int, zone: str) -> str:
    match act.action:
        case "assign":
            to = act.to or texts.words.SOMEBODY
            did = texts.work.TOOK_IT if act.to == act.by else texts.work.gave_it(to)
        case "snooze":
            ends = [] if act.until is None else [wording.when(act.until, now, zone)]
            ends += [] if act.risk is None else [texts.work.risk_reaches(wording.percent(act.risk))]
            did = texts.work.snoozed_until(texts.work.either(ends))
        case "dispose":
            did = texts.work.disposed_as(_code(act))
        case "priority":
            did = texts.work.PUT_DID[act.level]
        case "escalate":
            did = texts.work.told_above(act.to or texts.words.SOMEBODY)
        case "skip":
            why = act.why or "other"
            did = texts.work.passed_on(texts.work.WHY.get(why, why))
        case _:
            did = texts.work.DID[act.action]
    return did


def _code(act: Act) -> str:
    """Return why no more is to be done; a code of another version of Triage as it is."""
    code = act.code or "other"
    return texts.work.CODE_WORDS.get(code, code)


def tags(handled: Handled, p_late: float, now: int) -> list[tuple[str, str]]:
    """Return the labels of the row of an order or an exception: a kind and a word each."""
    state = handled.state
    place = state.place(p_late, now)
    told = [] if place == "open" else [("place", texts.work.PLACES[place])]
    told += [] if state.ended is None else [("again", texts.work.GOES_ON_TAG)]
    told += [] if state.put is None else [("put", texts.work.PUT_TAGS[state.put.level or "first"])]
    told += [] if state.escalated is None else [("escalated", texts.work.ESCALATED_TAG)]
    told += [] if state.informed is None else [("informed", texts.work.INFORMED_TAG)]
    return told


def away(desk: HandlingDesk | None, index: WorklistIndex, now: int) -> frozenset[str]:
    """Return the orders of the list that are snoozed or done with."""
    if desk is None:
        return frozenset()
    return frozenset(
        order_id
        for order_id, state in desk.standing().away.items()
        if (item := index.by_id.get(order_id)) is not None
        and state.place(item.assessment.p_late, now) != "open"
    )


def away_of(desk: HandlingDesk | None, names: Container[str], now: int) -> int:
    """Return how many exceptions, of those that the record has open, are snoozed or done with."""
    if desk is None:
        return 0
    return sum(
        name in names and desk.of_order(name).state.place(0.0, now) != "open"
        for name in desk.orders
    )


def open_counts(index: WorklistIndex, gone: frozenset[str]) -> dict[str, int]:
    """Return by state how many orders are open; `gone` are those that are `away`."""
    hidden: Counter[str] = Counter(index.by_id[each].assessment.state for each in gone)
    return {state: n - hidden[state] for state, n in index.counts.items()}


def own_count(
    desk: HandlingDesk | None, index: WorklistIndex, you: str, gone: frozenset[str]
) -> int:
    """Return how many open orders of the list are somebody's; `gone` are those that are `away`."""
    owned = [] if desk is None else desk.standing().owned.get(you, [])
    return sum(order_id in index.by_id and order_id not in gone for order_id in owned)
