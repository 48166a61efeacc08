"""The queue of open exceptions: what each is, until when, who deals with it, and correcting it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlencode

from fastapi import APIRouter
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from triage.errors import TriageError
from triage.ledger.corrections import Correction
from triage.ledger.entries import new_id
from triage.serving import formats, texts, wording
from triage.serving.advisor import NotReadyError
from triage.serving.exceptions.correcting import Corrections
from triage.serving.exceptions.queue import ExceptionQueue
from triage.serving.handling import forms
from triage.serving.pages import exceptions_view as views
from triage.serving.pages.frame import Frame, Looking, by_script, refusal
from triage.serving.pages.page_routes import page_routes
from triage.serving.problems import InvalidInputError
from triage.serving.worklist_index import page

PAGE_SIZE = 50
_MOST_AT_ONCE = 200


def exception_url(exception_id: str) -> str:
    """Return the address of an exception's page."""
    return f"/exceptions/{quote(exception_id, safe='')}"


def read_wanted(params: QueryParams) -> tuple[views.Wanted, int]:
    """Return what an address asks for, and its page; what makes no sense counts as not said."""
    number = params.get("page", "1")
    sensible = number.isascii() and number.isdigit() and len(number) < 7
    return (
        views.Wanted(
            code=params.get("code", "")[:80],
            owner=params.get("owner", "")[:80],
            source=params.get("source", "")[:80],
            text=" ".join(params.get("q", "")[:200].split()),
            unsure=bool(params.get("unsure")),
            sort="stake" if params.get("sort") == "stake" else "due",
        ),
        max(1, int(number)) if sensible else 1,
    )


def exceptions_url(wanted: views.Wanted, number: int = 1) -> str:
    """Return the address of a list; only what differs from the default is in it."""
    said = {
        "q": wanted.text, "code": wanted.code, "owner": wanted.owner, "source": wanted.source,
        "unsure": "yes" if wanted.unsure else "", "sort": "" if wanted.sort == "due" else "stake",
        "page": "" if number == 1 else str(number),
    }  # fmt: skip
    pairs = urlencode({name: value for name, value in said.items() if value})
    return f"/exceptions?{pairs}" if pairs else "/exceptions"


def queue_of(frame: Frame) -> ExceptionQueue:
    """Return the queue.

    Raises:
        NotReadyError: without a model of exceptions.
    """
    if frame.service.queue is None:
        raise NotReadyError(["a promoted model of exceptions"], "triage train exceptions")
    return frame.service.queue


def _held(queue: ExceptionQueue, said: Corrections | None, seen: Looking) -> list[views.Open]:
    return [views.stand(queue, said, seen, case) for case in queue.open.values()]


def _list(
    frame: Frame, seen: Looking, asked: QueryParams, status: int = 200, refused: str = ""
) -> Response:
    wanted, number = read_wanted(asked)
    queue, said, now = queue_of(frame), frame.service.corrections, seen.advisor.now()
    held = _held(queue, said, seen)
    found = views.find(held, wanted)
    shown = page(found, number, PAGE_SIZE)
    counts = views.offered(held)
    filters = [
        (name, label, _worded(queue, name, counts[name]), getattr(wanted, name))
        for name, label in texts.EXCEPTION_FILTERS.items()
        if counts[name]
    ]
    return frame.render(
        "exceptions.html", seen, status,
        wanted=wanted, narrowed=wanted != views.Wanted(sort=wanted.sort),
        totals=views.totals(found, now), rows=[views.row(queue, each, now) for each in shown.items],
        shown=shown,
        filters=filters, desk=queue.desk, here=exceptions_url(wanted, number).partition("?")[2],
        exceptions_url=exceptions_url, exception_url=exception_url, can_correct=said is not None,
        undo=bool(said and seen.you and said.newest(seen.you)), refusal=refused,
        outcome=_outcome(asked.get("did", "")),
    )  # fmt: skip


def _worded(queue: ExceptionQueue, name: str, counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return what a filter offers in words, each with how many open exceptions there are."""
    title = {"code": queue.desk.title, "source": texts.source, "owner": texts.team}[name]
    return [(each, f"{title(each)} ({formats.number(n)})") for each, n in sorted(counts.items())]


def _outcome(did: str) -> str:
    count, _, what = did.partition("-")
    if not count.isascii() or not count.isdigit() or len(count) > 4:
        return ""
    return texts.corrected(int(count), undone=what == "undone")


def _one(
    frame: Frame, seen: Looking, exception_id: str, status: int = 200, refused: str = ""
) -> Response:
    queue, said, now = queue_of(frame), frame.service.corrections, seen.advisor.now()
    case = queue.open.get(exception_id)
    if case is None:
        return frame.render("exception_closed.html", seen, 404)
    each = views.stand(queue, said, seen, case)
    zone = seen.zone
    return frame.render(
        "exception.html", seen, status,
        row=views.row(queue, each, now), open=each, case=case, desk=queue.desk,
        ranked=queue.desk.ranked(case.answer), book=each.todo.book, can_correct=said is not None,
        reasons=queue.desk.reasons_in(case, formats),
        told=[
            (_did(queue, each), wording.stamp(each.at, zone))
            for each in reversed(said.told(exception_id) if said else ())
        ],
        exception_url=exception_url, refusal=refused,
    )  # fmt: skip


def _did(queue: ExceptionQueue, told: Correction) -> str:
    return texts.correction(queue.desk.title(told.code) if told.code else "", told.by)


def _correct(
    queue: ExceptionQueue, seen: Looking, names: Sequence[str], code: str
) -> list[Correction]:
    if code not in queue.desk.model.numbers.classes:
        raise InvalidInputError([{"pointer": "/do", "detail": "is no class of exceptions"}])
    batch, cases = new_id(), [queue.open[name] for name in names if name in queue.open]
    if not cases:
        raise InvalidInputError(
            [{"pointer": "/order", "detail": "choose exceptions that are open"}]
        )
    return [
        Correction(
            case.event.exception_id, seen.advisor.now(), code,
            said=queue.desk.code_of(case.answer), model=queue.desk.model.digest,
            order_id=case.event.order_id, by=seen.you, batch=batch, at=seen.wall,
        )
        for case in cases
    ]  # fmt: skip


def _back(said: Corrections, seen: Looking, names: Sequence[str]) -> list[Correction]:
    """Return what takes corrections back: that of one exception, or those one made last."""
    held = [found for name in names if (found := said.standing(name)) is not None]
    batch = new_id()
    return [
        Correction(
            each.exception_id, seen.advisor.now(), said=each.said, model=each.model,
            order_id=each.order_id, by=seen.you, batch=batch, entry=each.id, at=seen.wall,
        )
        for each in (held if names else said.newest(seen.you))
    ]  # fmt: skip


async def _do(frame: Frame, seen: Looking, fields: Sequence[tuple[str, str]]) -> str:
    """Do what a form asks for; return in short what was done."""
    said, queue = frame.service.corrections, queue_of(frame)
    if said is None:
        raise NotReadyError(["a ledger"], "triage serve")
    if not seen.you:
        raise InvalidInputError([{"pointer": "/by", "detail": "say who you are first"}])
    names = list(dict.fromkeys(value for name, value in fields if name == "order"))
    do = dict(fields).get("do", "")
    if do == "undo":
        done = await said.record(*_back(said, seen, names))
        return f"{len(done)}-undone"
    done = await said.record(*_correct(queue, seen, names, do))
    return f"{len(done)}-corrected"


def likely_next(frame: Frame, order_id: str) -> list[tuple[str, str]]:
    """Return which exceptions an open order is likely to have next, with probabilities in words."""
    desk = frame.service.exceptions
    if desk is None:
        return []
    least = desk.policy.foretell.exception_from
    return [
        (desk.title(code), wording.percent(share))
        for code, share in desk.next_for(order_id)
        if code != "none" and share >= least
    ]


def of_order(frame: Frame, seen: Looking, order_id: str) -> list[views.Row]:
    """Return the open exceptions of an order, in words."""
    queue, said = frame.service.queue, frame.service.corrections
    if queue is None:
        return []
    now = seen.advisor.now()
    held = [views.stand(queue, said, seen, case) for case in queue.of_order(order_id)]
    return [views.row(queue, each, now) for each in views.find(held, views.Wanted())]


def router(frame: Frame) -> APIRouter:
    """Return the routes of exceptions."""
    routes = page_routes(frame)

    @routes.get("/exceptions")
    async def queue(request: Request) -> Response:
        try:
            return _list(frame, frame.looking(request), request.query_params)
        except NotReadyError as error:
            return frame.waiting(error)

    @routes.post("/exceptions")
    async def correct(request: Request) -> Response:
        fields = await forms.read_fields(request, _MOST_AT_ONCE + 3)
        back = QueryParams(dict(fields).get("back", ""))
        try:
            seen = frame.looking(request)
            did = await _do(frame, seen, fields)
        except NotReadyError as error:
            return frame.waiting(error)
        except TriageError as error:
            return _list(frame, frame.looking(request), back, *refusal(error))
        if by_script(request):
            return _list(frame, frame.looking(request), QueryParams({**back, "did": did}))
        wanted, number = read_wanted(back)
        address = exceptions_url(wanted, number)
        return RedirectResponse(f"{address}{'&' if '?' in address else '?'}did={did}", 303)

    @routes.get("/exceptions/{exception_id:path}")
    async def exception(exception_id: str, request: Request) -> Response:
        try:
            return _one(frame, frame.looking(request), exception_id)
        except NotReadyError as error:
            return frame.waiting(error)

    @routes.post("/exceptions/{exception_id:path}")
    async def correct_one(exception_id: str, request: Request) -> Response:
        fields = [(n, v) for n, v in await forms.read_fields(request) if n == "do"]
        try:
            seen = frame.looking(request)
            await _do(frame, seen, [*fields, ("order", exception_id)])
        except NotReadyError as error:
            return frame.waiting(error)
        except TriageError as error:
            return _one(frame, frame.looking(request), exception_id, *refusal(error))
        return RedirectResponse(exception_url(exception_id), 303)

    return routes
