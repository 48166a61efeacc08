# ruff: noqa: S608 - paths and numbers of our own
"""How long a service is away when it is started again: until it is ready, scores, and has its list.

    python -m benchmarks.restart --home HOME [--orders 100000] [--share 0.3] [--keep FOLDER]

Simulates orders (100,000 are about a million records), imports them beside the models of a trained
home, and moves the newest share of the records out of the log into events, as if they had been
posted. Then the service is started three times: the first start compiles and writes caches, as
after an installation, and its answers about some orders are to be those of the second; the third
has to do without the index that the first one kept. CPU seconds are those of the process until its
first answer: where a machine does other things too they say more than the wall, though a thread
beside may have used some of them. `--orders 0` takes HOME as it is.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import psutil

from benchmarks.fault_service import Service
from triage import workspace
from triage.domain.clock import to_micros
from triage.domain.records import Record
from triage.features.index_kept import forget_indexes
from triage.history.log import Batch, Log, file_digest
from triage.history.objects import RECORDS_BESIDE_ORDERS
from triage.history.tables import History
from triage.ledger.journal import BLOCK_ITEMS
from triage.serving.event_log import EventLog

_ASKED, _PORT = 20, 18_611
_STAMPS = ("decision_id", "scored_at", "stale_at")


def large_home(trained: Path, orders: int, folder: Path) -> Path:
    """Return a home with so many simulated orders and the models of another; made if need be."""
    home, extract = folder / f"home-{orders}", folder / f"orders-{orders}"
    if not home.is_dir():
        for command in (
            ("simulate", "--orders", str(orders), "--no-truth", "--out", str(extract)),
            ("import", "sample", str(extract), "--home", str(home)),
        ):
            subprocess.run(
                [sys.executable, "-m", "triage.cli", *command], check=True,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        shutil.copytree(trained / "models", home / "models")
    return home


def with_events(home: Path, share: float, target: Path) -> tuple[int, int]:
    """Copy a home, the newest share of its records as events; return how many lie where."""
    shutil.copytree(home, target)
    shutil.rmtree(target / "events", ignore_errors=True)
    history = Log(home).read()
    tables = (history.orders, *(getattr(history, name) for name in RECORDS_BESIDE_ORDERS))
    times = np.concatenate([table["record_time"].to_numpy() for table in tables])
    cut = int(np.quantile(times, 1 - share)) + 1
    if share > 0:
        _cut_log(target, cut)
        asyncio.run(_keep(target, _since(history, cut)))
    return int((times < cut).sum()), int((times >= cut).sum())


def _since(history: History, cut: int) -> list[Record]:
    found: list[Record] = [*history.order_objects()]
    for read in RECORDS_BESIDE_ORDERS.values():
        found += read(history)
    later = (each for each in found if to_micros(each.record_time) >= cut)
    return sorted(later, key=lambda each: to_micros(each.record_time))


async def _keep(home: Path, records: list[Record]) -> None:
    events = EventLog(home)
    for at in range(0, len(records), BLOCK_ITEMS):
        part = records[at : at + BLOCK_ITEMS]
        await events.keep([(f"{type(each).__name__}|{each.record_id}", each) for each in part])
    events.close()


def _cut_log(home: Path, cut: int) -> None:
    """Write a log of one batch anew, as it would be had nothing later been imported."""
    log = Log(home)
    (batch,) = log.batches()
    folder = log.folder / "batches" / batch.name
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    known = f"record_time < make_timestamptz({cut})"
    tables = {}
    for record, table in sorted(batch.tables.items(), reverse=True):  # lines before their orders
        path = folder / f"{record}.parquet"
        orders = f"(SELECT order_id FROM '{folder / 'order.parquet'}' WHERE {known})"
        which = f"order_id IN {orders}" if record == "order_line" else known
        partial = path.with_suffix(".partial")
        connection.execute(
            f"COPY (SELECT * FROM '{path}' WHERE {which}) TO '{partial}' (FORMAT parquet)"
        )
        partial.replace(path)
        rows = connection.execute(f"SELECT count(*) FROM '{path}'").fetchone()
        tables[record] = table.model_copy(
            update={"rows": rows[0] if rows else 0, "sha256": file_digest(path)}
        )
    kept = Batch(name=batch.name, source=batch.source, extract=batch.extract, tables=tables)
    manifest = log.folder / "manifest.json"
    manifest.write_text(f'{{"version": 1, "batches": [{kept.model_dump_json()}]}}')


def started(home: Path, names: list[str]) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Start, score, look at the list, end; return seconds and megabytes, and answers.

    Args:
        home: what is served.
        names: orders to score; the first of the list where there are none.
    """
    begun = time.monotonic()
    service = Service(home, workspace.root(), _PORT)
    process = psutil.Process(service.process.pid)
    found = {"ready": service.took}
    try:
        if names:
            service.ask("POST", "/v1/score", _asking(names[0]))
            found["first score"] = time.monotonic() - begun
            used = process.cpu_times()
            found["CPU until then"] = used.user + used.system
        while not service.ask("GET", "/readyz")[1]["list"]["ranked"]:
            time.sleep(0.05)
        found["list ranked"] = time.monotonic() - begun
        listed = service.ask("GET", f"/v1/worklist?page_size={_ASKED}")[1]
        found["MB"] = process.memory_info().rss / 1e6
        names = names or [item["order_id"] for item in listed["items"]]
        said = [service.ask("POST", "/v1/score", _asking(name))[1] for name in names]
    finally:
        service.process.terminate()
        service.process.wait()
    return found, [{k: v for k, v in each.items() if k not in _STAMPS} for each in said]


def _asking(name: str) -> bytes:
    return f'{{"order_id": "{name}"}}'.encode()


def _said(found: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f}" for name, value in found.items())


def main() -> None:
    """Make the home, start, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, required=True, help="a home with promoted models")
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--share", type=float, default=0.3, help="of the records, as events")
    parser.add_argument("--keep", type=Path, help="folder for what was simulated and imported")
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # as where it is installed
    with tempfile.TemporaryDirectory(prefix="triage-restart-") as scratch:
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(Path(scratch) / "code"))
        folder = options.keep or Path(scratch)
        show(run(options.home, options.orders, options.share, folder))


@dataclass(frozen=True, slots=True)
class Restart:
    """What was seen.

    Attributes:
        logged, came: records in the log, and as events.
        found: seconds and megabytes of the second start.
        without: the same of a start without an index that was kept.
        asked, same: orders scored after both starts, and how many answers were the same.
    """

    logged: int
    came: int
    found: dict[str, float]
    without: dict[str, float]
    asked: int
    same: int


def run(trained: Path, orders: int, share: float, folder: Path) -> Restart:
    """Measure a restart; see the module."""
    with tempfile.TemporaryDirectory(prefix="triage-restart-") as scratch:
        home = large_home(trained, orders, folder) if orders else trained
        target = Path(scratch) / "home"
        logged, came = with_events(home, share, target)
        _, before = started(target, [])
        names = [each["order_id"] for each in before]
        found, after = started(target, names)
        forget_indexes(target)
        without, _ = started(target, names)
        same = sum(one == other for one, other in zip(before, after, strict=True))
        return Restart(logged, came, found, without, len(before), same)


def show(restart: Restart) -> None:
    """Print the figures."""
    print(f"{restart.logged:,} records in the log, {restart.came:,} as events")
    print(_said(restart.found))
    print(f"without the index that was kept: {_said(restart.without)}")
    print(f"answers after the restart as before it: {restart.same} of {restart.asked}")


if __name__ == "__main__":
    main()
