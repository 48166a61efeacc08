"""/sign-in and /sign-out: people show a key once and work under its name for a day."""

from __future__ import annotations

import re

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from triage.serving import access_rules as rules
from triage.serving import handling_forms as forms
from triage.serving import texts
from triage.serving.access import SIGN_IN
from triage.serving.access_guard import Guard, RefusedError, session_cookie
from triage.serving.access_sessions import COOKIE, SECONDS
from triage.serving.page_frame import Frame
from triage.serving.service import Service

_OWN_ADDRESS = re.compile(r"/(?![/\\])[!-\[\]-~]{0,2000}")
_NOT_KEPT = {"Cache-Control": "no-store"}


def router(service: Service, guard: Guard) -> APIRouter:
    """Return the routes of signing in and out."""
    frame = Frame(service)
    routes = APIRouter(include_in_schema=False)

    def page(request: Request, back: str, status: int = 200, refusal: str = "") -> Response:
        needs_https = request.url.scheme != "https" and not _on_this_machine(request)
        made = frame.alone(
            "sign_in.html", status, next=_own(back), refusal=refusal, needs_https=needs_https
        )
        made.headers.update(_NOT_KEPT)
        return made

    @routes.get(SIGN_IN)
    async def ask(request: Request) -> Response:
        return page(request, request.query_params.get("next", "/"))

    @routes.post(SIGN_IN)
    async def sign_in(request: Request) -> Response:
        form = await forms.read_form(request)
        back = form.get("next", "/")
        try:
            session = guard.sign_in(form.get("key", "").strip(), _address(request))
        except RefusedError as error:
            said = texts.SIGN_IN_WAIT if error.status == 429 else texts.SIGN_IN_REFUSED
            made = page(request, back, error.status, said)
            made.headers.update(error.headers)
            return made
        found = RedirectResponse(_own(back), 303, headers=_NOT_KEPT)
        found.set_cookie(
            COOKIE, session, max_age=SECONDS, httponly=True, samesite="strict",
            secure=not _on_this_machine(request),
        )  # fmt: skip
        return found

    @routes.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        await forms.read_form(request)
        guard.sessions.end(session_cookie(request.headers.get("cookie", "").encode("latin-1")))
        left = RedirectResponse(SIGN_IN, 303, headers=_NOT_KEPT)
        left.delete_cookie(
            COOKIE, httponly=True, samesite="strict", secure=not _on_this_machine(request)
        )
        return left

    return routes


def _own(address: str) -> str:
    """Return an address of this service, the list for any other."""
    return address if _OWN_ADDRESS.fullmatch(address) else "/"


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _on_this_machine(request: Request) -> bool:
    return rules.names_this_machine(request.headers.get("host", "").encode("latin-1"))
