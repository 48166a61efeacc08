"""Saving and deleting views of the list."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from triage.errors import TriageError
from triage.serving import texts
from triage.serving.advisor import NotReadyError
from triage.serving.handling import forms
from triage.serving.handling.requests import Name
from triage.serving.pages import columns
from triage.serving.pages.address import list_url, read_query
from triage.serving.pages.frame import Frame, Looking, refusal
from triage.serving.pages.page_routes import page_routes
from triage.serving.pages.saved_views import SavedViews
from triage.serving.pages.worklist import list_page
from triage.serving.problems import InvalidInputError

_NAME: TypeAdapter[str] = TypeAdapter(Name)


def _named(form: dict[str, str]) -> str:
    try:
        return _NAME.validate_python(" ".join(form.get("name", "").split()))
    except ValidationError as error:
        refused = {"pointer": "/name", "detail": texts.work.VIEW_TOO_LONG}
        raise InvalidInputError([refused]) from error


def _views_of(frame: Frame) -> SavedViews:
    if frame.service.views is None:
        raise NotReadyError([texts.frame.LEDGER], "triage serve")
    return frame.service.views


async def _do(views: SavedViews, seen: Looking, form: dict[str, str]) -> str:
    """Do what a form asks for; return the address to go on with."""
    forms.require_name(seen.you)
    if form.get("do") == "delete":
        await views.delete(form.get("view", ""), seen.you, seen.wall)
        return "/"
    query, _ = read_query(QueryParams(form.get("back", "")), seen)
    shown = columns.chosen(seen.request, query.columns, can_work=True)
    if shown != columns.usual(can_work=True):
        query = replace(query, columns=".".join(shown))
    address = list_url(query)
    own = address.partition("?")[2]
    await views.save(_named(form), own, seen.you, seen.wall, shared="shared" in form)
    return address


def router(frame: Frame) -> APIRouter:
    """Return the route of saved views."""
    routes = page_routes(frame)

    @routes.post("/views")
    async def saved(request: Request) -> Response:
        form = await forms.read_form(request)
        try:
            seen = frame.looking(request)
            return RedirectResponse(await _do(_views_of(frame), seen, form), 303)
        except NotReadyError as error:
            return frame.waiting(error)
        except TriageError as error:
            asked = QueryParams(form.get("back", ""))
            return list_page(frame, frame.looking(request), asked, *refusal(error))

    return routes
