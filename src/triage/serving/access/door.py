"""The door: each request is judged before anything of its body is read."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from urllib.parse import quote

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from triage.serving import problems
from triage.serving.access import rules
from triage.serving.access.guard import Caller, Guard, RefusedError, caller

SIGN_IN = "/sign-in"
_ENDLESS = "/v1/stream"


class Access:
    """Asks the guard about each request."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self.app = app
        self.guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            headers = self.guard.admit(scope)
        except RefusedError as error:
            await _refusal(error, scope)(scope, receive, send)
            return
        passed_on = _with(send, headers) if headers else send
        if scope["path"] == _ENDLESS and (found := caller()) is not None:
            await self._while_in_force(found, scope, receive, passed_on)
        else:
            await self.app(scope, receive, passed_on)

    async def _while_in_force(
        self, found: Caller, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Serve an answer that does not end by itself until its key is revoked or expires."""
        ended = False

        async def send_in_force(message: Message) -> None:
            nonlocal ended
            if not self.guard.still(found):
                ended = True
                raise ConnectionAbortedError
            await send(message)

        try:
            await self.app(scope, receive, send_in_force)
        except Exception:
            if not ended:
                raise
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def _with(send: Send, headers: Mapping[str, str]) -> Send:
    more = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *more]
        await send(message)

    return send_with_headers


def _refusal(error: RefusedError, scope: Scope) -> Response:
    """Return the answer to who is refused: a problem, or the way to sign in for a browser."""
    told = dict(scope["headers"])
    by_browser = b"text/html" in told.get(b"accept", b"").lower()
    if error.status != 401 or not rules.is_page(scope["path"]) or not by_browser:
        problem = problems.of_error(error, problems.instance_of(scope))
        return problems.respond(problem, error.headers)
    asked = scope["path"] if scope["method"] in rules.SAFE_METHODS else "/"
    query = scope.get("query_string", b"").decode("latin-1")
    back = quote(asked.encode("utf-8", "replace"), safe="/") + (f"?{query}" if query else "")
    if told.get(b"sec-fetch-site") == b"cross-site" and scope["method"] == "GET":
        return _once_more(back)
    return RedirectResponse(f"{SIGN_IN}?next={quote(back, safe='')}", 303)


def _once_more(address: str) -> Response:
    """Return a page that asks for itself again.

    A browser sends no strict cookie on a way from elsewhere (a link in a message), but from here.
    """
    own = escape("/" + address.lstrip("/"))
    return HTMLResponse(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Triage</title>'
        f'<meta http-equiv="refresh" content="0;url={own}"><a href="{own}">Go on</a></html>',
        headers={"Cache-Control": "no-store"},
    )
