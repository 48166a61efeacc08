"""How fast the ledger takes what must not be lost, and what an entry costs in bytes.

    python -m benchmarks.ledger [--folder DIR] [--callers 64] [--seconds 3] [--json]

The journal alone, then the ledger (hash chain, moved to SQLite meanwhile); acknowledged once it is
on the disk (`synced`: survives a power cut) or once the operating system has it (`written`:
survives kill -9). One flush of the disk alone is printed beside them: no acknowledgement from the
disk can be quicker than that.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import random
import struct
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

from triage.ledger.entries import Draft, canonical
from triage.ledger.frame import to_frame
from triage.ledger.journal import Journal
from triage.ledger.ledger import Ledger
from triage.ledger.segment import write_at
from triage.ledger.tape import Acknowledge
from triage.serving.routes.score import EXAMPLE

MODES: tuple[Acknowledge, ...] = ("synced", "written")
FRAME = bytes(250)
PACE_SECONDS = 0.003
FEATURES = 48


def decision(chance: random.Random) -> bytes:
    """Return the body of a decision: the order as sent, 48 inputs as float32, what came out."""
    values = struct.pack(f"<{FEATURES}f", *(chance.gauss(0, 3) for _ in range(FEATURES)))
    reasons = [
        {"code": f"R{n}", "feature": f"feature_{n}", "effect_pp": round(chance.gauss(0, 4), 6)}
        for n in chance.sample(range(40), 5)
    ]
    return canonical(
        {
            "request": EXAMPLE,
            "features": base64.b64encode(values).decode(),
            "model": {"name": "at_risk", "version": "12", "digest": "5f" * 32},
            "policy_version": "ab12cd34",
            "risk": {"p_late": chance.random(), "log_odds": chance.gauss(0, 1), "band": "medium"},
            "delay": {"p10": chance.random(), "p50": chance.random(), "p90": chance.random()},
            "reasons": reasons,
        }
    )


def quantiles(times: list[float]) -> dict[str, float]:
    """Return p50, p95 and p99 of seconds, in milliseconds."""
    ordered = sorted(times)
    return {
        f"p{int(100 * q)}_ms": round(1000 * ordered[int(len(ordered) * q)], 3)
        for q in (0.5, 0.95, 0.99)
    }


def flush_alone(folder: Path, n: int = 200) -> dict[str, float]:
    """Return what one small write and flush takes, without anything of ours."""
    path = folder / "flush"
    path.write_bytes(bytes(1 << 20))
    handle = os.open(path, os.O_RDWR)
    os.fsync(handle)
    times = []
    for place in range(n):
        start = time.perf_counter()
        write_at(handle, place * len(FRAME), FRAME)
        os.fdatasync(handle)
        times.append(time.perf_counter() - start)
        time.sleep(PACE_SECONDS)
    os.close(handle)
    path.unlink()
    return quantiles(times)


def bulk(journal: Journal, n: int = 200_000, size: int = 500) -> float:
    """Return frames a second, appended `size` at a time."""
    start = time.perf_counter()
    futures = [journal.append([FRAME] * size) for _ in range(n // size)]
    for future in futures:
        future.result()
    return n / (time.perf_counter() - start)


async def crowd(append: Callable[[], Awaitable[Any]], callers: int, seconds: float) -> float:
    """Return acknowledged appends a second of callers who each wait for their own."""
    until = time.perf_counter() + seconds

    async def one() -> int:
        done = 0
        while time.perf_counter() < until:
            await append()
            done += 1
        return done

    return sum(await asyncio.gather(*(one() for _ in range(callers)))) / seconds


async def alone(append: Callable[[], Awaitable[Any]], n: int = 300) -> dict[str, float]:
    """Return how long one caller waits, and how long the event loop is held for it (call only)."""
    waits, calls = [], []
    for _ in range(n):
        start = time.perf_counter()
        answer = append()
        calls.append(time.perf_counter() - start)
        await answer
        waits.append(time.perf_counter() - start)
        await asyncio.sleep(PACE_SECONDS)
    return quantiles(waits) | {"call_us": round(1e6 * sorted(calls)[n // 2], 1)}


async def both(
    attend: Callable[[], None], append: Callable[[], Awaitable[Any]], callers: int, seconds: float
) -> dict[str, float]:
    """Return the figures of many callers and of one, on a loop that attends as a service's does."""
    attend()
    together = round(await crowd(append, callers, seconds))
    return {"crowd_per_second": together} | await alone(append)


def run(folder: Path, callers: int, seconds: float) -> dict[str, Any]:
    """Return all figures."""
    found: dict[str, Any] = {"flush": flush_alone(folder)}
    chance = random.Random(1)  # noqa: S311 - bodies, not secrets
    bodies = [decision(chance) for _ in range(500)]
    for mode in MODES:
        journal = Journal.open(folder / f"journal-{mode}", acknowledge=mode)
        append = partial(journal.append_async, [FRAME])
        found[f"journal {mode}"] = {"bulk_per_second": round(bulk(journal))} | asyncio.run(
            both(journal.attend, append, callers, seconds)
        )
        journal.close()
        ledger = Ledger.open(folder / f"ledger-{mode}", acknowledge=mode)
        record = partial(_record, ledger, cycle(bodies))
        found[f"ledger {mode}"] = asyncio.run(both(ledger.attend, record, callers, seconds))
        start = time.perf_counter()
        behind = ledger.status().behind
        ledger.flush(60)
        found[f"ledger {mode}"] |= {
            "behind": behind,
            "caught_up_seconds": round(time.perf_counter() - start, 2),
        }
        frames = [len(to_frame(entry)) for entry in ledger.last(500)]
        entries = ledger.status().last_seq
        ledger.close()
        size = (folder / f"ledger-{mode}" / "ledger" / "store.db").stat().st_size
        found["bytes"] = {
            "body": sum(map(len, bodies)) // len(bodies),
            "journal": sum(frames) // len(frames),
            "store": size // entries,
        }
    return found


def _record(ledger: Ledger, bodies: Iterator[bytes]) -> Awaitable[Any]:
    return ledger.record_async(Draft("decision", next(bodies), "SO-4500436"))


def show(found: dict[str, Any], callers: int) -> None:
    """Print the figures as a table."""
    print(f"one write and flush of this disk: p50 {found['flush']['p50_ms']:.2f} ms")
    head = ("bulk/s", f"{callers} callers/s", "p50 ms", "p95 ms", "p99 ms", "call us")
    print(f"{'':<16}" + "".join(f"{name:>15}" for name in head))
    for name, row in found.items():
        if name.startswith(("journal", "ledger")):
            cells = ("bulk_per_second", "crowd_per_second", "p50_ms", "p95_ms", "p99_ms", "call_us")
            print(f"{name:<16}" + "".join(f"{row.get(cell, '-'):>15}" for cell in cells))
    for mode in MODES:
        row = found[f"ledger {mode}"]
        print(
            f"ledger {mode}: the store was {row['behind']} entries behind at the end, "
            f"{row['caught_up_seconds']} s to catch up"
        )
    size = found["bytes"]
    print(
        f"bytes of a decision: {size['body']} as JSON, {size['journal']} in the journal, "
        f"{size['store']} in SQLite with its indexes"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where to write; default: a temporary folder")
    parser.add_argument("--callers", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="triage-ledger-", dir=options.folder) as folder:
        found = run(Path(folder), options.callers, options.seconds)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    show(found, options.callers)


if __name__ == "__main__":
    main()
