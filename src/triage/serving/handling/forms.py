"""Forms of the pages: who sends them, and what they ask for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from triage.domain.clock import MICROS_PER_HOUR, from_micros
from triage.errors import TriageError
from triage.ledger.entries import canonical
from triage.serving import texts, wording
from triage.serving.access.guard import caller
from triage.serving.access.rules import sender
from triage.serving.handling.requests import (
    AnyAction,
    Name,
    OfException,
    read_action,
    read_exception_action,
)
from triage.serving.limits import whole_body
from triage.serving.problems import InvalidInputError
from triage.serving.routes.reading import content_type

FORM = "application/x-www-form-urlencoded"
COOKIE = "triage_you"
WORSE_BY = 5.0
"""Percentage points by which the risk must rise to end a snooze "until it worsens"."""
MORNING = 8
_YEAR_SECONDS = 365 * 24 * 3600
_FIELDS = {
    "note": ("text",), "dispose": ("code", "text"), "undo": ("entry",), "escalate": ("to", "text"),
    "inform": ("text",), "skip": ("why", "text"),
}  # fmt: skip
_NAME: TypeAdapter[str] = TypeAdapter(Name)


class ForeignPageError(TriageError):
    """The form was not sent by a page of this service."""

    status = 403
    slug = "foreign-page"


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form of ours that has each only once; see `read_fields`."""
    return dict(await read_fields(request))


async def read_fields(request: Request, most: int = 10) -> list[tuple[str, str]]:
    """Return the fields of a form that one of our own pages sent.

    Who does not say from where a form comes is no browser and has the API, see `sender`.

    Args:
        request: what was sent.
        most: fields that the form can have.

    Raises:
        ForeignPageError: if it comes from elsewhere.
        InvalidInputError: if it is not UTF-8 or has more fields than that.
    """
    content_type(request, FORM)
    told = dict(request.scope["headers"])
    if sender(told.get(b"sec-fetch-site"), told.get(b"origin"), told.get(b"host")) != "own":
        raise ForeignPageError("open the page in this service and send its form from there")
    try:
        text = (await whole_body(request)).decode()
        return parse_qsl(text, keep_blank_values=True, max_num_fields=most, errors="strict")
    except ValueError as error:
        raise InvalidInputError([{"pointer": "", "detail": "cannot be read"}]) from error


def who(request: Request) -> str:
    """Return the name of the key that came with a request, or the one a person gave; or empty."""
    known = caller()
    if known is not None:
        return known.key.name
    try:
        return _NAME.validate_python(unquote(request.cookies.get(COOKIE, "")))
    except ValidationError:
        return ""


def require_name(you: str) -> None:
    """Refuse an act of somebody who did not say who they are.

    Raises:
        InvalidInputError: if `you` is empty.
    """
    if not you:
        raise InvalidInputError([{"pointer": "/by", "detail": texts.work.SAY_WHO}])


def remember(response: Response, request: Request, name: str) -> None:
    """Keep a name in the browser.

    Raises:
        InvalidInputError: if it is not 1 to 80 printable characters.
    """
    try:
        known = _NAME.validate_python(name.strip())
    except ValidationError as error:
        refused = {"pointer": "/name", "detail": texts.work.NAME_TOO_LONG}
        raise InvalidInputError([refused]) from error
    response.set_cookie(
        COOKIE, quote(known, safe=""), max_age=_YEAR_SECONDS, httponly=True, samesite="lax",
        secure=request.url.scheme == "https",
    )  # fmt: skip


def asked(form: dict[str, str], you: str, now: int, zone: str) -> AnyAction:
    """Return what a form asks to do with an order; see `_body`."""
    return read_action(_body(form, you, now, zone))


def asked_of_exception(form: dict[str, str], you: str, now: int, zone: str) -> OfException:
    """Return what a form asks to do with an exception; see `_body`."""
    return read_exception_action(_body(form, you, now, zone))


def _body(form: dict[str, str], you: str, now: int, zone: str) -> bytes:
    """Return what a form asks for as the API would take it.

    Args:
        form: its fields; `do` names the button, "dispose:code" with what it stands for.
        you: who sends it.
        now: UTC micros, of the clock on the wall.
        zone: IANA name of the zone whose morning ends a snooze.

    Raises:
        InvalidInputError: if a field does not fit.
    """
    require_name(you)
    do, _, code = form.get("do", "").partition(":")
    body: dict[str, Any] = {"action": do, "by": you, "after": form.get("after")}
    body |= {"code": code} if code else {}
    if do == "snooze_hour":
        body |= {"action": "snooze", "until": from_micros(now + MICROS_PER_HOUR).isoformat()}
    elif do == "snooze_morning":
        body |= {"action": "snooze", "until": morning(now, zone)}
    elif do == "snooze_worse":
        body |= {"action": "snooze", "worse_by": WORSE_BY}
    elif do in ("first", "last", "computed"):
        body |= {"action": "priority", "level": None if do == "computed" else do}
    fields = _FIELDS.get(do, ())
    said = {name: form[name].strip() for name in fields if form.get(name, "").strip()}
    return canonical(body | said)


def morning(now: int, zone: str) -> str:
    """Return the next day's morning in a zone, as ISO 8601."""
    day = wording.moment(now, zone) + timedelta(days=1)
    return day.replace(hour=MORNING, minute=0, second=0, microsecond=0).isoformat()
