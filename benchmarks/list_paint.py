"""How soon a person sees what was done: an act of theirs, and a change that happened elsewhere.

    python -m benchmarks.list_paint [--items 10000] [--acts 60] [--home HOME] [--json]

Chromium looks at the list of a service in another process, over made-up orders of which a tenth
was worked on. `act to paint` runs from the key to the first frame that shows its outcome: `j`, `x`
and `a` take orders one by one. `change to sight` runs from telling the service that an order moved
to the frame in which its row shows it; focus, selection and scroll must be as they were. With a
home, a copy of its log and models answers, and each change is a delivery sent to `/v1/events`: its
order leaves the list.
Times are of the browser's clock, in milliseconds, beside those of a bare request to the service.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path

from fastapi import FastAPI
from playwright.sync_api import Browser, Page, sync_playwright
from tests import fakes
from tests.e2e.running import CHROMIUM, FLAGS, served

from benchmarks.list_page import Moving, prepare
from triage.serving.main import create
from triage.settings import Settings

_LIMITS = {"act to paint": 150, "change to sight": 1_000}
_WATCH = """async ([order, path, body]) => {
  const row = () => document.querySelector(`#list [data-order="${order}"]`);
  const before = row()?.outerHTML;
  const began = performance.now();
  const headers = { "content-type": "application/json" };
  const told = await fetch(path, { method: "POST", body, headers });
  if (!told.ok) throw new Error(`${path} answered ${told.status}: ${await told.text()}`);
  const said = await told.json();
  if (said.failed) throw new Error(JSON.stringify(said.problems));
  while (row()?.outerHTML === before) {
    if (performance.now() - began > 15000) throw new Error(`${order} never changed`);
    await new Promise(requestAnimationFrame);
  }
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - began;
}"""
_ROW = "at => document.querySelectorAll('#list .row')[2 + at % 48].dataset.order"
_LAST = "() => Array.from(document.querySelectorAll('#list .row')).at(-1).dataset.order"
_STANDS = """() => [
  document.activeElement.closest(".row")?.dataset.order,
  Array.from(document.querySelectorAll("#list [name=order]:checked"), (box) => box.value).join(),
]"""


def _made_up(items: int, folder: Path) -> FastAPI:
    """Return the app over made-up orders; POST /test/move/<order> gives an order another risk."""
    advisor = Moving(items)
    app = fakes.app(folder=folder, advisor=advisor)
    asyncio.run(_worked_on(app, [i.assessment.order_id for i in advisor.worklist().items[::10]]))
    app = fakes.app(folder=folder, advisor=advisor)

    async def move(order_id: str) -> dict[str, str]:
        advisor.move_risk(order_id)
        app.state.kept.changes.tell("risk.changed", {"order_id": order_id})
        return {}

    app.add_api_route("/test/move/{order_id}", move, methods=["POST"])
    return app


async def _worked_on(app: FastAPI, orders: list[str]) -> None:
    async with app.router.lifespan_context(app):
        await prepare(app, orders)


def _serve(items: int, home: Path | None, folder: Path, said: Queue[str], end: Event) -> None:
    if home is None:
        app = _made_up(items, folder)
    else:
        for part in ("history", "models"):
            shutil.copytree(home / part, folder / part)
        app = create(Settings(home=folder))
    with served(app) as address:
        said.put(address)
        end.wait()


@contextmanager
def serving(items: int, home: Path | None) -> Iterator[str]:
    """Serve in another process; gives the address."""
    ways = multiprocessing.get_context("spawn")
    said, end = ways.Queue(), ways.Event()
    with tempfile.TemporaryDirectory() as folder:
        process = ways.Process(target=_serve, args=(items, home, Path(folder), said, end))
        process.start()
        try:
            yield said.get(timeout=600)
        finally:
            end.set()
            process.join(20)
            process.kill()


def _looked_at(browser: Browser, address: str) -> Page:
    context = browser.new_context(base_url=address, viewport={"width": 1360, "height": 900})
    context.add_cookies([{"name": "triage_you", "value": "Ana", "url": address}])
    page = context.new_page()
    page.goto("/")
    page.locator(".live").filter(has_text="Live").wait_for()
    return page


def act_to_paint(page: Page, acts: int) -> list[float]:
    """Take so many orders by keyboard; return milliseconds from each key to its outcome."""
    page.goto("/")
    for done in range(acts):
        page.keyboard.press("j")
        page.keyboard.press("a")
        page.wait_for_function(
            "done => performance.getEntriesByName('act-to-paint').length > done", arg=done
        )
    found: list[float] = page.evaluate(
        "performance.getEntriesByName('act-to-paint').map((entry) => entry.duration)"
    )
    return found


def change_to_sight(page: Page, changes: int, *, real: bool) -> list[float]:
    """Let orders of the first page move elsewhere; return milliseconds until each row shows it.

    Raises:
        SystemExit: if a change takes focus or selection away.
    """
    page.goto("/")
    page.locator(".live").filter(has_text="Live").wait_for()
    for key in ("j", "j", "x"):
        page.keyboard.press(key)
    stands, times = page.evaluate(_STANDS), []
    as_of = datetime.fromisoformat(page.request.get("/v1/worklist").json()["as_of"])
    for at in range(changes):
        page.wait_for_timeout(900 + 37 * (at % 20))
        order = page.evaluate(_LAST if real else _ROW, at)
        path, body = f"/test/move/{order}", "{}"
        if real:
            path, body = "/v1/events", _delivered(order, as_of + timedelta(minutes=at))
        times.append(page.evaluate(_WATCH, [order, path, body]))
        if page.evaluate(_STANDS) != stands:
            raise SystemExit(f"a change of {order} took focus or selection away")
    return times


def _delivered(order_id: str, at: datetime) -> str:
    """Return the delivery of an order, as it is sent."""
    said = {"milestone": "delivered", "order_id": order_id}
    moment = {"event_time": at.isoformat(), "record_time": at.isoformat()}
    return json.dumps({"id": order_id, "type": "milestone", "data": said | moment})


def bare(page: Page, requests: int = 40) -> list[float]:
    """Return milliseconds of a request that does next to nothing: what the machine is at."""
    times = []
    for _ in range(requests):
        began = 1_000 * time.perf_counter()
        page.request.get("/static/icon.svg")
        times.append(1_000 * time.perf_counter() - began)
    return times


def told(times: list[float]) -> dict[str, float]:
    """Return percentiles."""
    cuts = statistics.quantiles(times, n=20, method="inclusive")
    return {
        "n": len(times), "p50": round(cuts[9], 1), "p95": round(cuts[18], 1),
        "max": round(max(times), 1),
    }  # fmt: skip


def measure(items: int, acts: int, home: Path | None) -> dict[str, dict[str, float]]:
    """Return percentiles by what is measured."""
    found: dict[str, dict[str, float]] = {}
    with serving(items, home) as address, sync_playwright() as runner:
        browser = runner.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = _looked_at(browser, address)
        found["act to paint"] = told(act_to_paint(page, acts))
        found["change to sight"] = told(change_to_sight(page, acts, real=home is not None))
        found["bare request"] = told(bare(page))
        browser.close()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--acts", type=int, default=60)
    parser.add_argument("--home", type=Path, help="a home with a promoted model")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = measure(given.items, given.acts, given.home)
    if given.json:
        print(json.dumps(found, indent=1))
        return
    whose = f"{given.items:,} made-up open items" if given.home is None else str(given.home)
    print(f"{whose}; milliseconds\n{'':20}{'n':>6}{'p50':>9}{'p95':>9}{'most':>9}{'meant':>9}")
    for name, row in found.items():
        limit = f"{_LIMITS[name]:9,}" if name in _LIMITS else ""
        figures = "".join(f"{row[key]:9.1f}" for key in ("p50", "p95", "max"))
        print(f"{name:20}{row['n']:6}{figures}{limit}")


if __name__ == "__main__":
    main()
