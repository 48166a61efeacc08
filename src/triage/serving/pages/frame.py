"""What every page stands in: templates, the frame around the content, refusals in words."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from triage.errors import TriageError
from triage.ledger.errors import StoreUnavailableError
from triage.serving import formats, texts, wording
from triage.serving.access.guard import signed_in
from triage.serving.advisor import Advisor, NotReadyError, WorkItem
from triage.serving.handling import forms
from triage.serving.handling.desk import ConflictError, UnknownItemError
from triage.serving.handling.view import away, away_of, open_counts, own_count
from triage.serving.pages.drawn_rows import DrawnRows
from triage.serving.pages.exception_codes import ExceptionCodes, OrdersByCode
from triage.serving.pages.order_past import stale_feeds
from triage.serving.pages.presence import Presence
from triage.serving.problems import InvalidInputError
from triage.serving.service import Service
from triage.serving.worklist_index import Query, WorklistIndex

_HERE = Path(str(files("triage.serving")))
_STATIC = _HERE / "static"


def static_files() -> StaticFiles:
    """Return the style sheet, the scripts and the icon."""
    return StaticFiles(directory=_STATIC)


def order_url(order_id: str) -> str:
    """Return the address of an order's page."""
    return f"/orders/{quote(order_id, safe='')}"


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    digest = hashlib.sha256(b"".join(p.read_bytes() for p in sorted(_STATIC.iterdir())))
    made.globals.update(
        t=texts,
        w=wording,
        f=formats,
        assets=digest.hexdigest()[:12],
        order_url=order_url,
        signed_in=signed_in,
    )
    return made


@dataclass(frozen=True, slots=True)
class Looking:
    """What one request sees: who asks, and the list as it is now.

    Moments are told in `zone`; promised days are days of the zone of the promise, wherever they are
    looked at. `through` is the number of the newest change that is shown.
    """

    request: Request
    you: str
    advisor: Advisor
    index: WorklistIndex
    wall: int
    zone: str
    codes: OrdersByCode
    through: int

    def select(self, query: Query) -> list[WorkItem]:
        """Return the orders that a query asks for by what is known of them, in its order."""
        found = self.index.select(query)
        if not query.exception:
            return found
        own = self.codes.get(query.exception, frozenset())
        return [item for item in found if item.assessment.order_id in own]

    def offered(self, name: str) -> dict[str, int]:
        """Return the values of a filter with how many open orders have them, most first."""
        if name != "exception":
            return self.index.offered(name)
        listed = self.index.by_id.keys()
        counts = {code: len(listed & own) for code, own in self.codes.items()}
        return dict(sorted(counts.items(), key=lambda entry: -entry[1]))


class StillRankingError(NotReadyError):
    """The first list is not ranked yet."""


class Frame:
    """Makes pages.

    Args:
        service: what they show.

    Attributes:
        presence: who looks at which order.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.presence = Presence()
        self._templates = _environment()
        row: Callable[..., str] = self._templates.get_template("list_row.html").module.row  # type: ignore[attr-defined]
        self._templates.globals["drawn"] = DrawnRows(row).of
        self._codes = ExceptionCodes()
        self._locale = formats.locale_of(service.settings.locale)
        self._zone = formats.known_zone(service.settings.time_zone)

    def looking(self, request: Request) -> Looking:
        """Return what a request sees; figures are written in its locale from here on.

        Raises:
            NotReadyError: until there is an advisor, and until the first list is ranked.
        """
        advisor = self.service.advisor()
        index = self.service.index(advisor)
        if not index.worklist.ranked:
            raise StillRankingError([texts.frame.FIRST_LIST], texts.frame.WAIT)
        zone = self._zone or advisor.time_zone
        codes = self._codes.of(self.service.queue, self.service.corrections)
        formats.use(self._locale)
        return Looking(
            request, forms.who(request), advisor, index, self.service.clock(), zone, codes,
            self.service.through(),
        )  # fmt: skip

    def render(self, name: str, seen: Looking, status: int = 200, **values: object) -> Response:
        """Return a page made from a template."""
        page = self._templates.get_template(name).render(**self._around(seen), **values)
        return HTMLResponse(page, status)

    def waiting(self, error: NotReadyError) -> Response:
        """Return the page that is shown until there is advice."""
        if isinstance(error, StillRankingError):
            warming = self.service.warming
            return self.alone("loading.html", 503, left=warming and warming.waiting)
        return self.alone("notice.html", 503, error=error)

    def alone(self, name: str, status: int = 200, **values: object) -> Response:
        """Return a page that shows nothing of the list."""
        page = self._templates.get_template(name).render(info=None, **values)
        return HTMLResponse(page, status)

    def missing(self, seen: Looking) -> Response:
        """Return the page of an order that is not on the list."""
        return self.render("notice.html", seen, 404, error=None)

    def _open_exceptions(self, seen: Looking) -> int | None:
        queue, desk = self.service.queue, self.service.handling_exceptions
        return None if queue is None else len(queue.open) - away_of(desk, queue.open, seen.wall)

    def _mentioned_in_exceptions(self, you: str) -> int:
        queue, desk = self.service.queue, self.service.handling_exceptions
        return 0 if queue is None or desk is None or not you else desk.mentions(you, queue.open)

    def _stale(self, seen: Looking) -> list[str]:
        advisor = seen.advisor
        return stale_feeds(advisor.feeds, advisor.now(), advisor.policy.freshness.hours_of)

    def _around(self, seen: Looking) -> dict[str, Any]:
        desk, views = self.service.handling, self.service.views
        gone = away(desk, seen.index, seen.wall)
        return {
            "advisor": seen.advisor,
            "info": seen.advisor.info,
            "zone": seen.zone,
            "promise_zone": seen.advisor.time_zone,
            "now": seen.advisor.now(),
            "you": seen.you,
            "counts": seen.index.counts,
            "open_counts": open_counts(seen.index, gone),
            "my_count": own_count(desk, seen.index, seen.you, gone),
            "shared_count": len(seen.index.worklist.groups),
            "open_exceptions": self._open_exceptions(seen),
            "mentioned": 0 if desk is None or not seen.you else desk.mentions(seen.you),
            "mentioned_in_exceptions": self._mentioned_in_exceptions(seen.you),
            "can_work": desk is not None,
            "stale": self._stale(seen),
            "streams": self.service.changes is not None,
            "through": seen.through,
            "saved": [] if views is None else views.tabs(seen, desk, gone),
        }


def by_script(request: Request) -> bool:
    """Return whether the page's script asks, which puts the answer in place; else it is led on."""
    return request.headers.get("x-triage") == "act"


def refusal(error: TriageError) -> tuple[int, str]:
    """Return status and sentence of what kept an act from being recorded; raises any other."""
    if isinstance(error, ConflictError):
        return 409, texts.work.REFUSED[error.why]
    if isinstance(error, InvalidInputError):
        return 422, texts.work.DOES_NOT_FIT + error.errors[0]["detail"]
    if isinstance(error, StoreUnavailableError):
        return 503, texts.work.NOT_RECORDED
    if isinstance(error, UnknownItemError):
        return 404, texts.frame.NOT_FOUND
    raise error
