"""How long the server takes for the list with 10,000 open items, and how heavy it is.

    python -m benchmarks.list_page [--items 10000] [--rounds 200] [--json]

In process, the app as it is served, over made-up orders of which a tenth was worked on and with ten
saved views; no network. `after a change` has one order assessed again before each request, so that
what is kept between requests is of no use. `work` is the processor time of the thread, which other
programs on the machine disturb less.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message
from tests import fakes

from triage.advice import groups
from triage.serving.advisor import Worklist

_TIMES = ("p50_ms", "p95_ms", "work_p50_ms")
_CASES = {
    "first page": b"",
    "page 100": b"page=100",
    "search": b"q=lane",
    "filters": b"band=high&site=ONT-4&sort=risk",
    "shared causes": b"by=cause",
    "somebody's": b"view=all&owner=P1",
}


class Moving(fakes.FakeAdvisor):
    """Made-up orders, one of which can be assessed anew."""

    def __init__(self, items: int) -> None:
        listed = fakes.worklist(round(items * 0.9), items - round(items * 0.9))
        orders = [item.assessment for item in listed.items]
        super().__init__(replace(listed, groups=groups.shared(orders, 5, 0.15)))

    def move_risk(self, order_id: str) -> None:
        """Give an order another risk, far from the one it has."""
        at, item = next(
            (at, item) for at, item in enumerate(self._worklist.items)
            if item.assessment.order_id == order_id
        )  # fmt: skip
        items, order = list(self._worklist.items), item.assessment
        items[at] = replace(item, assessment=replace(order, p_late=(order.p_late + 0.5) % 1))
        self._worklist = Worklist(fakes.NOW, tuple(items), self._worklist.groups)

    def move(self, number: int) -> None:
        """Assess one order again: another worklist, the rest of which is as it was."""
        items = list(self._worklist.items)
        at = number % len(items)
        items[at] = replace(items[at], assessment=replace(items[at].assessment, as_of=number))
        self._worklist = Worklist(fakes.NOW, tuple(items), self._worklist.groups)


async def ask(
    app: ASGIApp, path: str, query: bytes = b"", method: str = "GET", body: bytes = b"",
    headers: list[tuple[bytes, bytes]] | None = None,
) -> tuple[int, int, float, float]:  # fmt: skip
    """Return status, bytes of the body, milliseconds by the wall and of this thread's work."""
    size, status = 0, 0

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal size, status
        status = message.get("status", status)
        size += len(message.get("body", b""))

    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "path": path, "raw_path": path.encode(), "root_path": "", "scheme": "http",
        "query_string": query, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        "headers": [(b"host", b"127.0.0.1"), (b"cookie", b"triage_you=P1"), *(headers or [])],
    }  # fmt: skip
    began, worked = time.perf_counter(), time.thread_time()
    await app(scope, receive, send)
    taken, work = time.perf_counter() - began, time.thread_time() - worked
    return status, size, 1_000 * taken, 1_000 * work


async def prepare(app: ASGIApp, orders: list[str]) -> None:
    """Let somebody take orders and save ten views."""
    form = [(b"content-type", b"application/x-www-form-urlencoded"),
            (b"sec-fetch-site", b"same-origin")]  # fmt: skip
    for start in range(0, len(orders), 50):
        some = b"&".join(b"order=" + order.encode() for order in orders[start : start + 50])
        body = b"do=assign&" + some
        await ask(app, "/bulk", method="POST", body=body, headers=[
            *form, (b"content-length", str(len(body)).encode())])  # fmt: skip
    for number in range(10):
        site = fakes.worklist(40, 0).items[number].assessment.site or ""
        body = f"name=View {number}&back=site%3D{site}%26sort%3Drisk&shared=yes".encode()
        await ask(app, "/views", method="POST", body=body.replace(b" ", b"+"), headers=[
            *form, (b"content-length", str(len(body)).encode())])  # fmt: skip


async def measure(items: int, rounds: int) -> dict[str, dict[str, float]]:
    """Return p50 and p95 in milliseconds and bytes, by what is asked for."""
    advisor = Moving(items)
    app = fakes.app(folder=Path(tempfile.mkdtemp()), advisor=advisor)
    found: dict[str, dict[str, float]] = {}
    async with app.router.lifespan_context(app):
        await prepare(app, [i.assessment.order_id for i in advisor.worklist().items[::10]])
        for name, query in _CASES.items():
            found[name] = await _timed(app, query, rounds, lambda _: None)
        found["first page, after a change"] = await _timed(app, b"", rounds, advisor.move)
    static = Path(str(files("triage.serving"))) / "static"
    found["style sheet and scripts"] = {"bytes": sum(p.stat().st_size for p in static.iterdir())}
    return found


async def _timed(
    app: ASGIApp, query: bytes, rounds: int, before: Callable[[int], None]
) -> dict[str, float]:
    times, works, size = [], [], 0
    for number in range(rounds + 5):
        before(number)
        status, size, taken, work = await ask(app, "/", query)
        if status != 200:
            raise SystemExit(f"/?{query.decode()} answered {status}")
        times.append(taken)
        works.append(work)
    cuts = statistics.quantiles(times[5:], n=20)
    return {
        "p50_ms": round(cuts[9], 2),
        "p95_ms": round(cuts[18], 2),
        "work_p50_ms": round(statistics.median(works[5:]), 2),
        "bytes": size,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = asyncio.run(measure(given.items, given.rounds))
    if given.json:
        print(json.dumps(found, indent=1))
        return
    print(f"{given.items:,} open items, {given.rounds} requests each; milliseconds")
    print(f"{'':28}{'p50':>9}{'p95':>9}{'work p50':>9}")
    for name, row in found.items():
        times = "".join(f"{row[key]:9.1f}" if key in row else " " * 9 for key in _TIMES)
        print(f"{name:28}{times}{row['bytes'] / 1_000:8.1f} kB")


if __name__ == "__main__":
    main()
