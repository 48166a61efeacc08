"""A list that moves while people look at it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Browser, Page
from tests import fakes
from tests.e2e.running import served

from triage.advice import groups
from triage.advice.work_policy import EscalationPolicy, WorkPolicy
from triage.serving.advisor import WorkItem, Worklist
from triage.serving.exceptions.queue import ExceptionQueue

LEADS = ("key account manager", "shift lead")
_POLICY = fakes.POLICY.model_copy(
    update={
        "work": WorkPolicy(
            escalations=tuple(EscalationPolicy(to=to, because="it is urgent") for to in LEADS)
        )
    }
)


class MovingAdvisor(fakes.FakeAdvisor):
    """Its list can be changed; it knows what orders share and whom to tell."""

    policy = _POLICY

    def __init__(self) -> None:
        super().__init__(_grouped(fakes.worklist()))
        self._before, self._rests_until = self._worklist, 0.0

    def rest(self, seconds: float) -> None:
        """Go on showing the list as it is for a while, as one that was ranked just now does."""
        self._before, self._rests_until = self._worklist, time.monotonic() + seconds

    def worklist(self) -> Worklist:
        return self._before if time.monotonic() < self._rests_until else self._worklist

    def move(self, order_id: str, p_late: float) -> None:
        """Give an order another risk; places on the list stay."""
        items = [
            replace(item, assessment=replace(item.assessment, p_late=p_late))
            if item.assessment.order_id == order_id
            else item
            for item in self._worklist.items
        ]
        self._worklist = _grouped(Worklist(fakes.NOW, tuple(items)))
        self._orders = {item.assessment.order_id: item.assessment for item in items}


def _grouped(listed: Worklist) -> Worklist:
    orders = [item.assessment for item in listed.items]
    return replace(listed, groups=groups.shared(orders, 5, 0.15))


def wall() -> int:
    """Return the time of the wall, UTC micros."""
    return time.time_ns() // 1_000


@contextmanager
def moving(folder: Path, queue: ExceptionQueue | None = None) -> Iterator[str]:
    """Serve a moving list; POST /test/move?order=..&p=.. moves an order and tells it.

    With `rests`, the list shows it only so many seconds later.

    Args:
        folder: where acts are kept.
        queue: open exceptions, if there is a queue.
    """
    advisor = MovingAdvisor()
    app = fakes.app(folder=folder, clock=wall, advisor=advisor, queue=queue)

    async def move(order: str, p: float, rests: float = 0.0) -> dict[str, str]:
        advisor.rest(rests)
        advisor.move(order, p)
        app.state.kept.changes.tell("risk.changed", {"order_id": order})
        return {}

    app.add_api_route("/test/move", move, methods=["POST"])
    with served(app) as address:
        yield address


def top(number: int) -> list[WorkItem]:
    """Return the first of the list."""
    return list(fakes.worklist().items[:number])


def arrived(browser: Browser, address: str, name: str, path: str = "/", **context: object) -> Page:
    """Return a page of somebody who said who they are; every complaint of the page fails it."""
    made = browser.new_context(
        base_url=address,
        viewport={"width": 1360, "height": 900},
        **context,  # type: ignore[arg-type]
    )
    page = made.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type != "log" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/")
    page.get_by_label("Say who you are").fill(name)
    page.get_by_role("button", name="That is me").click()
    page.locator(".me").wait_for()
    if path != "/":
        page.goto(path)
    page.complaints = complaints  # type: ignore[attr-defined]
    return page


def sound(page: Page) -> None:
    """Check what every page must be: no id twice, no table in a table, rows equally wide."""
    ids = page.evaluate("Array.from(document.querySelectorAll('[id]'), (e) => e.id)")
    assert len(ids) == len(set(ids))
    assert page.locator("table table").count() == 0
    widths = page.evaluate(
        "Array.from(document.querySelectorAll('.row'), (r) => Math.round(r.offsetWidth))"
    )
    assert len(set(widths)) <= 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.complaints == []  # type: ignore[attr-defined]
