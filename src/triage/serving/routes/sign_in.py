"""/sign-in and /sign-out: people show a key once, or come through an identity provider."""

from __future__ import annotations

import logging
import re

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from triage.serving import texts
from triage.serving.access import rules
from triage.serving.access.door import SIGN_IN
from triage.serving.access.guard import Guard, RefusedError, session_cookie
from triage.serving.access.oidc import ATTEMPT_SECONDS, BACK, Attempt, NotVouchedForError, Provider
from triage.serving.access.sessions import COOKIE, SECONDS
from triage.serving.handling import forms
from triage.serving.pages.frame import Frame
from triage.serving.service import Service

_OWN_ADDRESS = re.compile(r"/(?![/\\])[!-\[\]-~]{0,2000}")
_NOT_KEPT = {"Cache-Control": "no-store"}
_ATTEMPT = "triage_attempt"
_LOG = logging.getLogger("triage.serving")


def router(service: Service, guard: Guard) -> APIRouter:
    """Return the routes of signing in and out."""
    frame = Frame(service)
    provider = Provider.of(service.settings)
    routes = APIRouter(include_in_schema=False)

    def page(request: Request, back: str, status: int = 200, refusal: str = "") -> Response:
        needs_https = request.url.scheme != "https" and not _on_this_machine(request)
        made = frame.alone(
            "sign_in.html", status, next=_own(back), refusal=refusal, needs_https=needs_https,
            provider=provider is not None,
        )  # fmt: skip
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
            said = texts.sign_in.WAIT if error.status == 429 else texts.sign_in.REFUSED
            made = page(request, back, error.status, said)
            made.headers.update(error.headers)
            return made
        found = RedirectResponse(_own(back), 303, headers=_NOT_KEPT)
        _keep(found, request, session)
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

    if provider is not None:
        _through(provider, guard, frame, routes)
    return routes


def _through(provider: Provider, guard: Guard, frame: Frame, routes: APIRouter) -> None:
    """Add the routes of signing in through an identity provider."""

    @routes.get(f"{SIGN_IN}/provider")
    async def begin(request: Request) -> Response:
        attempt = Attempt.new(_own(request.query_params.get("next", "/")))
        try:
            address = await run_in_threadpool(provider.address, attempt)
        except NotVouchedForError as error:
            return refused(error)
        sent = RedirectResponse(address, 303, headers=_NOT_KEPT)
        sent.set_cookie(
            _ATTEMPT, attempt.cookie(guard.sessions.seal), max_age=ATTEMPT_SECONDS, path=SIGN_IN,
            httponly=True, samesite="lax", secure=not _on_this_machine(request),
        )  # fmt: skip
        return sent

    @routes.get(BACK)
    async def back(request: Request) -> Response:
        asked = request.query_params
        try:
            attempt = Attempt.read(guard.sessions.seal, request.cookies.get(_ATTEMPT, ""))
            person = await run_in_threadpool(
                provider.person, attempt, asked.get("code", ""), asked.get("state", "")
            )
        except NotVouchedForError as error:
            return refused(error)
        # a page and not a redirect: a strict cookie is not sent on the way that began elsewhere
        found = frame.alone("signed_in.html", next=attempt.back)
        found.headers.update(_NOT_KEPT)
        found.delete_cookie(_ATTEMPT, path=SIGN_IN)
        _keep(found, request, guard.sessions.begin_person(*person))
        return found

    def refused(error: NotVouchedForError) -> Response:
        _LOG.warning("sign-in through the provider failed: %s", error)
        made = frame.alone(
            "sign_in.html", error.status, next="/", refusal=texts.sign_in.NOT_VOUCHED,
            needs_https=False, provider=True,
        )  # fmt: skip
        made.headers.update(_NOT_KEPT)
        return made


def _keep(response: Response, request: Request, session: str) -> None:
    response.set_cookie(
        COOKIE, session, max_age=SECONDS, httponly=True, samesite="strict",
        secure=not _on_this_machine(request),
    )  # fmt: skip


def _own(address: str) -> str:
    """Return an address of this service, the list for any other."""
    return address if _OWN_ADDRESS.fullmatch(address) else "/"


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _on_this_machine(request: Request) -> bool:
    return rules.names_this_machine(request.headers.get("host", "").encode("latin-1"))
