"""The queue of open exceptions, worked as the list is: what each is, until when, who has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from fastapi import APIRouter
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from triage.advice.playbooks import Playbook
from triage.errors import TriageError
from triage.serving import formats, texts, wording
from triage.serving.advisor import NotReadyError
from triage.serving.exceptions.queue import ExceptionQueue
from triage.serving.handling import forms
from triage.serving.pages import exceptions_view as views
from triage.serving.pages import exceptions_work as working
from triage.serving.pages.frame import Frame, Looking, by_script, refusal
from triage.serving.pages.offers import people
from triage.serving.pages.page_routes import page_routes
from triage.serving.worklist_index import page

PAGE_SIZE = 50
_MOST_AT_ONCE = 200


def exception_url(exception_id: str) -> str:
    """Return the address of an exception's page."""
    return f"/exceptions/{quote(exception_id, safe='')}"


def read_wanted(params: QueryParams) -> tuple[views.Wanted, int]:
    """Return what an address asks for, and its page; what makes no sense counts as not said."""
    number, handled = params.get("page", "1"), params.get("handled")
    sensible = number.isascii() and number.isdigit() and len(number) < 7
    return (
        views.Wanted(
            code=params.get("code", "")[:80],
            owner=params.get("owner", "")[:80],
            source=params.get("source", "")[:80],
            text=" ".join(params.get("q", "")[:200].split()),
            unsure=bool(params.get("unsure")),
            sort="stake" if params.get("sort") == "stake" else "due",
            handled=next((h for h in texts.exceptions.HANDLED if h == handled), "open"),
            person=params.get("person", "")[:80],
            mentions=params.get("mentions", "")[:80],
        ),
        max(1, int(number)) if sensible else 1,
    )


def exceptions_url(wanted: views.Wanted, number: int = 1) -> str:
    """Return the address of a list; only what differs from the default is in it."""
    said = {
        "q": wanted.text, "code": wanted.code, "owner": wanted.owner, "source": wanted.source,
        "unsure": "yes" if wanted.unsure else "", "sort": "" if wanted.sort == "due" else "stake",
        "handled": "" if wanted.handled == "open" else wanted.handled, "person": wanted.person,
        "mentions": wanted.mentions,
        "page": "" if number == 1 else str(number),
    }  # fmt: skip
    pairs = urlencode({name: value for name, value in said.items() if value})
    return f"/exceptions?{pairs}" if pairs else "/exceptions"


def _list(
    frame: Frame, seen: Looking, asked: QueryParams, status: int = 200, refused: str = ""
) -> Response:
    wanted, number = read_wanted(asked)
    queue, desk = working.queue_of(frame), frame.service.handling_exceptions
    held = views.held(frame.service, seen)
    found = views.find(held, wanted)
    shown = page(found, number, PAGE_SIZE)
    counts = views.offered(e for e in held if wanted.handled in ("all", e.place))
    filters = [
        (name, label, _worded(queue, name, counts[name]), getattr(wanted, name))
        for name, label in texts.exceptions.FILTERS.items()
        if counts[name]
    ]
    return frame.render(
        "exceptions.html", seen, status,
        wanted=wanted, narrowed=wanted != views.Wanted(sort=wanted.sort),
        totals=views.totals(found, seen.advisor.now()),
        rows=[views.row(queue, each, seen) for each in shown.items],
        shown=shown,
        filters=filters, desk=queue.desk, here=exceptions_url(wanted, number).partition("?")[2],
        exceptions_url=exceptions_url, exception_url=exception_url,
        people=_people(held, seen.you), waits=bool(held),
        undo=working.can_undo(desk, frame.service.corrections, seen.you), refusal=refused,
        did=_did(asked.get("did", "")),
        outcome=None if desk is None else desk.batches.outcome(asked.get("did", "")),
    )  # fmt: skip


def _worded(queue: ExceptionQueue, name: str, counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return what a filter offers in words, each with how many open exceptions there are."""
    title = {
        "code": queue.desk.title,
        "source": texts.exceptions.source,
        "owner": texts.exceptions.team,
    }[name]
    return [(each, f"{title(each)} ({formats.number(n)})") for each, n in sorted(counts.items())]


def _people(held: list[views.Open], you: str) -> list[tuple[str, str]]:
    """Return who has exceptions that are not done with, and how many: you first."""
    taken = (e.handled.state.owner for e in held if e.place != "disposed")
    return people(Counter(owner for owner in taken if owner is not None), you)


def _did(did: str) -> str:
    """Return in words what an address says was done last; empty for a batch of acts."""
    if did == "none":
        return texts.exceptions.NEXT_NONE
    count, _, what = did.partition("-")
    if not count.isascii() or not count.isdigit() or len(count) > 4:
        return ""
    return texts.exceptions.corrected(int(count), undone=what == "undone")


async def next_url(frame: Frame, seen: Looking) -> str:
    """Return the address of the next exception, which is now theirs who asks; see `claim`."""
    name = await working.claim(frame, seen)
    return "/exceptions?did=none" if name is None else f"{exception_url(name)}?guided=1"


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
    service = frame.service
    queue = service.queue
    if queue is None:
        return []
    held = [views.stand(service, queue, seen, case) for case in queue.of_order(order_id)]
    return [views.row(queue, each, seen) for each in views.find(held, views.Wanted(handled="all"))]


def playbooks(frame: Frame, seen: Looking, order_id: str) -> list[Playbook]:
    """Return what to do about an order: of its open exceptions, else of the likeliest next."""
    service, desk = frame.service, frame.service.exceptions
    if service.queue is None or desk is None:
        return []
    cases = service.queue.of_order(order_id)
    codes = [views.stand(service, service.queue, seen, case).code for case in cases]
    if not codes:
        least = desk.policy.foretell.exception_from
        codes = [code for code, share in desk.next_for(order_id) if share >= least][:1]
    return [desk.playbooks[code] for code in dict.fromkeys(codes) if code in desk.playbooks]


def router(frame: Frame) -> APIRouter:
    """Return the routes of the queue."""
    routes = page_routes(frame)

    @routes.get("/exceptions")
    async def queue(request: Request) -> Response:
        try:
            return _list(frame, frame.looking(request), request.query_params)
        except NotReadyError as error:
            return frame.waiting(error)

    @routes.post("/exceptions")
    async def work_on(request: Request) -> Response:
        fields = await forms.read_fields(request, _MOST_AT_ONCE + 3)
        back = QueryParams(dict(fields).get("back", ""))
        try:
            seen = frame.looking(request)
            if ("do", "next") in fields:
                return RedirectResponse(await next_url(frame, seen), 303)
            did = await working.do(frame, seen, fields)
        except NotReadyError as error:
            return frame.waiting(error)
        except TriageError as error:
            return _list(frame, frame.looking(request), back, *refusal(error))
        if by_script(request):
            return _list(frame, frame.looking(request), QueryParams({**back, "did": did}))
        wanted, number = read_wanted(back)
        address = exceptions_url(wanted, number)
        return RedirectResponse(f"{address}{'&' if '?' in address else '?'}did={did}", 303)

    return routes
