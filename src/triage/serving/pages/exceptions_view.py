"""Open exceptions as their page shows them: filtered, in order, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from triage.domain.clock import MICROS_PER_DAY, MICROS_PER_HOUR, to_micros
from triage.ledger.corrections import Correction
from triage.serving import formats, texts, wording
from triage.serving.exceptions.desk import Case, Directions
from triage.serving.exceptions.queue import ExceptionQueue
from triage.serving.handling.desk import UNTOUCHED
from triage.serving.handling.mentions import names_of
from triage.serving.handling.state import Handled, Place
from triage.serving.handling.view import tags
from triage.serving.pages.frame import Looking
from triage.serving.pages.rows import owner_cell
from triage.serving.service import Service
from triage.serving.worklist_index import HandledFilter

Sort = Literal["due", "stake"]
NEVER_DUE: Final = 1 << 62
_SOON = 2 * MICROS_PER_HOUR
_ALTERNATIVES = 2
_WORTH_TELLING = 0.02


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which open exceptions are asked for; empty text means any.

    `owner` is the team that deals with a class, `person` who took an exception, `mentions` who was
    asked in a note and has not answered.
    """

    code: str = ""
    owner: str = ""
    source: str = ""
    text: str = ""
    unsure: bool = False
    sort: Sort = "due"
    handled: HandledFilter = "open"
    person: str = ""
    mentions: str = ""


@dataclass(frozen=True, slots=True)
class Open:
    """An open exception as it stands: by a person's word, or else by the model's.

    Attributes:
        case: the exception with what the model said.
        code: its class.
        said: the correction that holds; None where nobody said anything.
        todo: who deals with it, how soon, how.
        stake: expected loss of its order; 0 where the order is not on the list.
        currency: of the stake.
        customer: whose order it is, if known.
        handled: what people did with it.
        place: where it is: on the list, off it for a while, or done with.
    """

    case: Case
    code: str
    said: Correction | None
    todo: Directions
    stake: float
    currency: str
    customer: str
    handled: Handled
    place: Place

    @property
    def unsure(self) -> bool:
        """Return whether nobody knows what it is: the model abstains and no person has said."""
        return self.said is None and self.case.answer.abstained

    @property
    def due(self) -> int:
        """Return until when somebody must have dealt with it, UTC micros."""
        return NEVER_DUE if self.todo.due_by is None else self.todo.due_by


def held(service: Service, seen: Looking) -> list[Open]:
    """Return all exceptions that the record has open, as they stand; none without a queue."""
    queue = service.queue
    return [] if queue is None else [stand(service, queue, seen, c) for c in queue.open.values()]


def stand(service: Service, queue: ExceptionQueue, seen: Looking, case: Case) -> Open:
    """Return how an exception stands."""
    said, desk = service.corrections, service.handling_exceptions
    handled = UNTOUCHED if desk is None else desk.of_order(case.event.exception_id)
    told = None if said is None else said.standing(case.event.exception_id)
    code = queue.desk.code_of(case.answer) if told is None else told.code
    item = seen.index.by_id.get(case.event.order_id or "")
    order = None if item is None else item.assessment
    return Open(
        case, code, told, queue.desk.directions(case, code),
        0.0 if order is None else order.expected_loss, "" if order is None else order.currency,
        "" if order is None else order.customer or "",
        handled, handled.state.place(0.0, seen.wall),
    )  # fmt: skip


def find(held: Iterable[Open], wanted: Wanted) -> list[Open]:
    """Return those that are wanted, in order: what is due first, then what has most at stake."""
    words = wanted.text.casefold().split()
    found = [each for each in held if _fits(each, wanted, words)]
    by_due = wanted.sort == "due"
    return sorted(
        found,
        key=lambda each: (
            (each.due, -each.stake) if by_due else (-each.stake, each.due),
            each.case.event.exception_id,
        ),
    )


def _fits(each: Open, wanted: Wanted, words: Sequence[str]) -> bool:
    event = each.case.event
    asked = (
        (wanted.code, each.code), (wanted.owner, each.todo.owner), (wanted.source, event.source),
        (wanted.person, each.handled.state.owner),
    )  # fmt: skip
    if any(value and value != own for value, own in asked):
        return False
    if wanted.handled not in ("all", each.place) or (wanted.unsure and not each.unsure):
        return False
    if wanted.mentions and not each.handled.state.mentions & names_of(wanted.mentions):
        return False
    if not words:
        return True
    parts = (event.exception_id, event.order_id, event.code, event.text, each.customer)
    whole = " ".join(filter(None, parts)).casefold()
    return all(word in whole for word in words)


def offered(held: Iterable[Open]) -> dict[str, Counter[str]]:
    """Return what can be filtered by, with how many open exceptions there are of each."""
    counts: dict[str, Counter[str]] = {"code": Counter(), "owner": Counter(), "source": Counter()}
    for each in held:
        counts["code"][each.code] += 1
        counts["owner"][each.todo.owner or ""] += 1
        counts["source"][each.case.event.source or ""] += 1
    return {name: Counter({k: n for k, n in c.items() if k}) for name, c in counts.items()}


@dataclass(frozen=True, slots=True)
class Row:
    """One exception in words.

    Attributes:
        id: its id.
        order_id: its order; None where it names none.
        customer: whose order it is.
        source: where it came from, with the code that it came with.
        text: as received; empty if there was none.
        title: its class in words; empty if nobody is sure.
        share: the model's probability, or that a person said it.
        others: the next likely classes, or the candidates, with probabilities.
        owner: the team.
        person: who took it, and since when if that is news; empty if nobody has.
        tags: labels beside its class: a kind and a word each.
        severity: a word.
        band: the colour of the severity.
        clock: until when, in words.
        overdue: whether that has passed.
        soon: whether it passes within two hours.
        since: how long it is open.
        stake: what its order has at stake; empty if it is not on the list.
        corrected: who said what it is; empty if nobody.
    """

    id: str
    order_id: str | None
    customer: str
    source: str
    text: str
    title: str
    share: str
    others: str
    owner: str
    person: tuple[str, str]
    tags: list[tuple[str, str]]
    severity: str
    band: str
    clock: str
    overdue: bool
    soon: bool
    since: str
    stake: str
    corrected: str


def row(queue: ExceptionQueue, each: Open, seen: Looking) -> Row:
    """Return an exception in words."""
    now, wall = seen.advisor.now(), seen.wall
    desk, event, said = queue.desk, each.case.event, each.said
    ranked = desk.ranked(each.case.answer)
    told = [
        f"{desk.title(code)} {wording.percent(share)}"
        for code, share in ranked[: _ALTERNATIVES + 1]
        if share >= _WORTH_TELLING
    ]
    if each.unsure:
        title, share, others = "", "", " · ".join(told)
    elif said is not None:
        likeliest, chance = ranked[0]
        title, share = desk.title(each.code), ""
        others = texts.exceptions.model_said(desk.title(likeliest), wording.percent(chance))
    else:
        title, share = desk.title(each.code), wording.percent(ranked[0][1])
        others = texts.exceptions.or_else(told[1:])
    left = each.due - now
    severity = each.todo.severity or ""
    return Row(
        event.exception_id, event.order_id, each.customer,
        " · ".join(filter(None, (texts.exceptions.source(event.source), event.code))),
        event.text or "",
        title, share, others, texts.exceptions.team(each.todo.owner),
        owner_cell(each.handled.state, wall), tags(each.handled, 0.0, wall), wording.word(severity),
        severity, clock(each.todo.due_by, now), left < 0, 0 <= left <= _SOON,
        wording.span(now - to_micros(event.event_time)),
        formats.money(each.stake, each.currency) if each.currency else "",
        "" if said is None else texts.exceptions.says_so(said.by),
    )  # fmt: skip


def clock(due_by: int | None, now: int) -> str:
    """Return the time that is left, in words."""
    if due_by is None:
        return texts.exceptions.NO_CLOCK
    if due_by < now:
        return texts.exceptions.overdue(wording.span(now - due_by))
    return texts.exceptions.left(wording.span(due_by - now))


def totals(held: Sequence[Open], now: int) -> list[tuple[str, str, str]]:
    """Return the figures above the list: name, figure, tone."""
    overdue = sum(each.due < now for each in held)
    today = sum(now <= each.due <= now + MICROS_PER_DAY for each in held)
    unsure = sum(each.unsure for each in held)
    return [
        (texts.exceptions.OPEN, formats.number(len(held)), ""),
        (texts.exceptions.OVERDUE, formats.number(overdue), "critical" if overdue else ""),
        (texts.exceptions.TODAY, formats.number(today), ""),
        (texts.exceptions.UNSURE, formats.number(unsure), ""),
    ]
