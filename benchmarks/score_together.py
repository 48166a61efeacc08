"""Scores a second of many clients at once, with a record and without, also where a disk is slow.

    python -m benchmarks.score_together [--home .triage] [--clients 16 64 256] [--flush-ms 0 20]

Each client waits for its answer before it asks again; all of them are one thread that does little
itself. Services with a record and without are asked in turn, block by block. A slow disk is this
one with a sleep before every flush, put between the service and the C library (which takes a C
compiler). If flushes bounded what can be recorded, more clients would bring no more scores; beside
it stands what one flush for each decision would allow.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.score_http import (
    SERVICE,
    Client,
    Disk,
    measure,
    request_of,
    serving,
    stored_order,
    summary,
    without_challenger,
)

_SLEEPS = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
int fdatasync(int handle) {
    int (*flush)(int) = dlsym(RTLD_NEXT, "fdatasync");
    long micros = atol(getenv("SLEEP_MICROS"));
    struct timespec rest = {micros / 1000000, micros % 1000000 * 1000};
    nanosleep(&rest, NULL);
    return flush(handle);
}
"""
_FLUSHES = 200


def run(
    home: Path, clients: Sequence[int], flush_ms: Sequence[float], blocks: int, seconds: float
) -> list[dict[str, Any]]:
    """Return scores a second for every number of clients and every slowness of the disk."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="triage-together-") as name:
        for slower in flush_ms:
            folder = Path(name) / f"flush-{slower:g}"
            folder.mkdir()
            flush = summary(measure({"disk": Disk(folder)}, b"", 1, _FLUSHES)["disk"])["p50_us"]
            alone = flush / 1e6 + slower / 1e3
            rows += [
                {"slower_ms": slower, "one_flush_each": round(1 / alone), **row}
                for row in _rates(home, folder, clients, slower, blocks, seconds)
            ]
    return rows


def _rates(
    home: Path, folder: Path, clients: Sequence[int], slower: float, blocks: int, seconds: float
) -> list[dict[str, Any]]:
    environment = _sleeping(folder, slower) if slower else {}
    recorded_home = without_challenger(home.resolve(), folder)
    with (
        serving(SERVICE, home, TRIAGE_RECORD="0", **environment) as port,
        serving(SERVICE, recorded_home, **environment) as recording_port,
    ):
        ports = {"score": port, "recorded": recording_port}
        request = request_of(stored_order(Client(port)))
        stored_order(Client(recording_port))
        rows = []
        for number in clients:
            rates: dict[str, list[float]] = {name: [] for name in ports}
            for block in range(-1, blocks):  # the first one warms up
                for name, asked in ports.items():
                    rate = together(asked, number, request, seconds)
                    if block >= 0:
                        rates[name].append(rate)
            found = {name: round(sorted(taken)[blocks // 2], 1) for name, taken in rates.items()}
            rows.append({"clients": number, **found})
    return rows


def together(port: int, clients: int, request: bytes, seconds: float) -> float:
    """Return answers a second of so many clients over so many seconds."""
    with selectors.DefaultSelector() as ready, contextlib.ExitStack() as held:
        for _ in range(clients):
            client = Client(port)
            held.enter_context(client.socket)
            ready.register(client.socket, selectors.EVENT_READ, client)
            client.send(request)
        answers, start = 0, time.perf_counter()
        while (passed := time.perf_counter() - start) < seconds:
            for key, _ in ready.select(1):
                if answer := key.data.receive():
                    status, body = answer
                    if status != 200:
                        raise SystemExit(f"the service answered {status}: {body[:300].decode()}")
                    key.data.send(request)
                    answers += 1
    return answers / passed


def _sleeping(folder: Path, milliseconds: float) -> dict[str, str]:
    """Return the environment of a process whose flushes take so much longer."""
    library = folder / "sleeps.so"
    command = ["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(library), "-ldl"]
    try:
        subprocess.run(command, input=_SLEEPS.encode(), check=True)
    except FileNotFoundError:
        sys.exit("--flush-ms takes a C compiler (`cc`), for example Debian's package gcc")
    return {"LD_PRELOAD": str(library), "SLEEP_MICROS": str(round(1000 * milliseconds))}


def show(rows: Sequence[dict[str, Any]]) -> None:
    """Print the figures as a table."""
    head = f"{'flush slower by':<16}{'clients':>8}{'without a record':>18}{'with':>8}{'':>7}"
    print(f"{head}{'one flush each':>17}")
    for row in rows:
        share = 100 * row["recorded"] / row["score"]
        print(
            f"{row['slower_ms']:>12g} ms {row['clients']:>8}{row['score']:>18.0f}"
            f"{row['recorded']:>8.0f}{share:>5.0f} %{row['one_flush_each']:>17}"
        )
    print(f"scores a second; {os.cpu_count()} cores, which clients and services share")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, default=Path(".triage"))
    parser.add_argument("--clients", type=int, nargs="+", default=[16, 64, 256])
    parser.add_argument("--flush-ms", type=float, nargs="+", default=[0.0, 20.0])
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of a block")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    options = parser.parse_args()
    rows = run(options.home, options.clients, options.flush_ms, options.blocks, options.seconds)
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    show(rows)


if __name__ == "__main__":
    main()
