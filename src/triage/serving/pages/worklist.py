"""The list: rows, filters, groups, columns, and the same as a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from triage.serving import formats, texts, wording
from triage.serving.advisor import NotReadyError, WorkItem
from triage.serving.handling import forms
from triage.serving.handling.choose import select
from triage.serving.handling.view import tags
from triage.serving.pages import columns as list_columns
from triage.serving.pages import export as list_export
from triage.serving.pages.address import export_url, list_url, narrowed, read_query
from triage.serving.pages.frame import Frame, Looking
from triage.serving.pages.offers import people, short
from triage.serving.pages.page_routes import page_routes
from triage.serving.pages.rows import LateRow, RiskRow, late_row, owner_cell, risk_row
from triage.serving.pages.totals import totals
from triage.serving.worklist_index import Query, page, shared_thing

PAGE_SIZE = 50
_MOST_GROUPS = 20
_OF_GROUP = 10
"""Rows of a group that are shown on the page of all groups."""
_OFFERED = 40
Row = RiskRow | LateRow


@dataclass(frozen=True, slots=True)
class GroupShown:
    """Orders that wait for the same thing, of those that are in view."""

    thing: str
    title: str
    loss: str
    count: int
    rows: list[Row]


def _found(frame: Frame, seen: Looking, query: Query) -> list[WorkItem]:
    return select(frame.service.handling, seen.select(query), query, seen.wall)


def _rows(frame: Frame, seen: Looking, items: Sequence[WorkItem]) -> list[Row]:
    desk, wall = frame.service.handling, seen.wall
    now, zone = seen.advisor.now(), seen.advisor.time_zone
    holds = seen.advisor.policy.hold_out.holds
    rows: list[Row] = []
    for item in items:
        order = item.assessment
        make = late_row if order.state == "already_late" else risk_row
        held = [("held", texts.order.HELD_OUT_TAG)] if holds(order.order_id) else []
        held += [("unsure", texts.order.UNSURE_TAG)] if order.abstained else []
        if desk is None:
            rows.append(make(item, now, zone, held))
            continue
        handled = desk.of_order(order.order_id)
        labels = held + tags(handled, order.p_late, wall)
        rows.append(make(item, now, zone, labels, owner_cell(handled.state, wall)))
    return rows


def _groups(frame: Frame, seen: Looking, found: Sequence[WorkItem]) -> list[GroupShown]:
    shown: list[GroupShown] = []
    place = {item.assessment.order_id: at for at, item in enumerate(found)}
    for group in seen.index.worklist.groups:
        if len(shown) == _MOST_GROUPS:
            break
        thing = shared_thing(group)
        own = seen.index.shared[thing]
        items = [found[at] for at in sorted(place[each] for each in own if each in place)]
        if items:
            loss = formats.money(sum(i.assessment.expected_loss for i in items), group.currency)
            title = texts.worklist.shared(len(items), thing)
            rows = _rows(frame, seen, items[:_OF_GROUP])
            shown.append(GroupShown(thing, title, loss, len(items), rows))
    return shown


def _offered(counts: dict[str, int], chosen: str) -> list[tuple[str, int]]:
    """Return names to choose from with their open orders: the busiest, and the chosen one."""
    busiest = dict(list(counts.items())[:_OFFERED])
    if chosen:
        busiest[chosen] = counts[chosen]
    return sorted(busiest.items())


def _worded(frame: Frame, name: str, offered: Sequence[tuple[str, int]]) -> list[tuple[str, str]]:
    """Return what a filter offers in words, each with how many open orders there are."""
    title: Callable[[str], str] = str
    if name == "cause":
        title = wording.word
    elif name == "exception" and frame.service.queue is not None:
        title = frame.service.queue.desk.title
    return [(each, f"{short(title(each))} ({formats.number(open_)})") for each, open_ in offered]


def _owners(frame: Frame, query: Query, you: str) -> list[tuple[str, str]]:
    """Return the owners to choose from, with how many orders they have: yours first."""
    desk = frame.service.handling
    known: Counter[str] = Counter() if desk is None else desk.owners()
    return people(known, you, query.owner)


def list_page(
    frame: Frame, seen: Looking, asked: QueryParams, status: int = 200, refused: str = ""
) -> Response:
    """Return the list.

    Args:
        frame: makes pages.
        seen: who asks, and what there is.
        asked: the address: filters, sort, page, and `did`, the batch of which to tell the outcome.
        status: HTTP status.
        refused: why what was asked for was not done; empty if nothing was refused.
    """
    query, number = read_query(asked, seen)
    desk = frame.service.handling
    found = _found(frame, seen, query)
    shown = page(found, number, PAGE_SIZE)
    grouped = query.by == "cause"
    can_work = desk is not None
    undo = None if desk is None or not seen.you else desk.batches.newest(seen.you, desk.of_order)
    return frame.render(
        "list.html",
        seen,
        status,
        query=query,
        narrowed=narrowed(query),
        shown=shown,
        rows=[] if grouped else _rows(frame, seen, shown.items),
        groups=_groups(frame, seen, found) if grouped else [],
        totals=totals(
            found,
            seen.index,
            query.state,
            seen.advisor.now(),
            next(iter(seen.advisor.policy.bands)),
        ),
        columns=list_columns.chosen(seen.request, query.columns, can_work=can_work),
        filters=[
            (name, label, _worded(frame, name, offered), getattr(query, name))
            for name, label in texts.worklist.FILTERS.items()
            if (offered := _offered(seen.offered(name), getattr(query, name)))
        ],
        owners=_owners(frame, query, seen.you) if can_work else [],
        outcome=None if desk is None else desk.batches.outcome(asked.get("did", "")),
        undo=undo,
        refusal=refused,
        list_url=list_url,
        here=list_url(query, number).partition("?")[2],
        export_url=export_url(query),
        worse_by=forms.WORSE_BY,
    )


def router(frame: Frame) -> APIRouter:
    """Return the routes of the list."""
    routes = page_routes(frame)

    @routes.get("/")
    async def worklist(request: Request) -> Response:
        try:
            seen = frame.looking(request)
        except NotReadyError as error:
            return frame.waiting(error)
        return list_page(frame, seen, request.query_params)

    @routes.get("/export.csv")
    async def export(request: Request) -> Response:
        try:
            seen = frame.looking(request)
        except NotReadyError as error:
            return frame.waiting(error)
        query, _ = read_query(request.query_params, seen)
        pieces: Iterator[bytes] = list_export.lines(
            _found(frame, seen, query), frame.service.handling, seen.wall
        )
        name = f"triage-{wording.moment(seen.advisor.now(), seen.zone):%Y-%m-%d}.csv"
        return StreamingResponse(
            pieces, media_type="text/csv; charset=utf-8",
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )  # fmt: skip

    @routes.post("/columns")
    async def columns(request: Request) -> Response:
        fields = await forms.read_fields(request, len(texts.worklist.COLUMNS) + 2)
        back = parse_qsl(dict(fields).get("back", ""))
        address = urlencode([(name, value) for name, value in back if name != "columns"])
        answer = RedirectResponse(f"/?{address}" if address else "/", 303)
        usual = any(name == "usual" for name, _ in fields)
        wanted = [] if usual else [value for name, value in fields if name == "column"]
        list_columns.remember(answer, request, wanted)
        return answer

    return routes
