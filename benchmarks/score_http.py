"""One score over HTTP, beside a FastAPI endpoint that validates the same body and says a constant.

    python -m benchmarks.score_http [--home .triage] [--json]
    python -m benchmarks.score_http --shadow      # with and without the challenger of that home

The service is what `triage serve` runs, the endpoint runs under uvicorn as it comes (uvloop,
httptools), each in a process of its own; one keep-alive client asks them in turn, block by block,
so that whatever else the machine does meets both. Quote the ratio, not the times. A record waits
for the disk: what a write and a flush of it take alone is measured in the same turns. For many
clients at once see `benchmarks.score_together`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
from fastapi import FastAPI

from triage.serving.intake import ScoreRequest
from triage.serving.routes.score import EXAMPLE

SERVICE = ("triage.cli", "serve", "--port")
PACE_SECONDS = 0.01
CONSTANT = (
    "uvicorn", "benchmarks.score_http:constant_app", "--factory", "--loop", "uvloop",
    "--http", "httptools", "--no-access-log", "--log-level", "warning", "--port",
)  # fmt: skip


_AT_REST = 0.05
"""Seconds of a processor in one second."""
_DECISION, _ROOM = 4_400, 8 << 20


def constant_app() -> FastAPI:
    """Return the app to compare with: the usual way to write it, without any work in it."""
    app = FastAPI()
    answer = {"order_id": "SO-1", "risk": {"p_late": 0.25, "band": "medium"}, "advisory": True}

    @app.post("/v1/score")
    async def score(request: ScoreRequest) -> dict[str, Any]:  # noqa: ARG001 - only validated
        return answer

    return app


class Client:
    """One keep-alive connection that does as little as possible itself."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._data = b""

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a whole request; return status and body."""
        self.send(request)
        while (answer := self.receive()) is None:
            pass
        return answer

    def send(self, request: bytes) -> None:
        """Send a whole request."""
        self.socket.sendall(request)

    def receive(self) -> tuple[int, bytes] | None:
        """Wait for more of the answer; return status and body once it is whole."""
        more = self.socket.recv(65536)
        if not more:
            raise ConnectionError("the server closed the connection")
        self._data += more
        head, end, body = self._data.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]):
            return None
        self._data = b""
        return int(head[9:12]), body


class Disk:
    """Writes and flushes what a decision takes on the disk; asked like a service."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed with the process
        self._file.write(bytes(_ROOM))
        os.fsync(self._file.fileno())
        self._place = 0

    def ask(self, request: bytes) -> tuple[int, bytes]:  # noqa: ARG002 - as a client
        """Write behind what was written last."""
        os.pwrite(self._file.fileno(), bytes(_DECISION), self._place)
        os.fdatasync(self._file.fileno())
        self._place = (self._place + _DECISION) % (_ROOM - _DECISION)
        return 200, b""


def request_of(body: object) -> bytes:
    """Return the bytes of a request to score."""
    content = json.dumps(body).encode()
    head = (
        "POST /v1/score HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def rested(process: psutil.Process, deadline: float) -> None:
    """Wait until a service has done what it does beside requests after its start."""
    while time.monotonic() < deadline:
        before = sum(process.cpu_times()[:2])
        time.sleep(1.0)
        if sum(process.cpu_times()[:2]) - before < _AT_REST:
            return


@contextlib.contextmanager
def serving(command: tuple[str, ...], home: Path, **environment: str) -> Iterator[int]:
    """Run a module that serves on the port named last; gives the port once it answers and rests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "-m", *command, str(port)],
        env=os.environ | {"TRIAGE_HOME": str(home)} | environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 180
        while True:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{' '.join(command)} did not start")
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            time.sleep(0.1)
        rested(psutil.Process(process.pid), deadline)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=20)


def measure(
    clients: Mapping[str, Client | Disk], request: bytes, blocks: int, size: int, pace: float = 0.0
) -> dict[str, list[float]]:
    """Return microseconds of every answer by name; blocks of the clients alternate.

    With a pace, so many seconds lie between an answer and the next request.
    """
    times: dict[str, list[float]] = {name: [] for name in clients}
    for block in range(-2, blocks):  # the first two warm up
        for name, client in clients.items():
            for _ in range(size):
                if pace:
                    time.sleep(pace)
                start = time.perf_counter_ns()
                status, body = client.ask(request)
                taken = (time.perf_counter_ns() - start) / 1000
                if status != 200:
                    raise SystemExit(f"{name} answered {status}: {body[:300].decode()}")
                if block >= 0:
                    times[name].append(taken)
    return times


def summary(times: list[float]) -> dict[str, float]:
    """Return quantiles in microseconds and requests a second of one client."""
    ordered = sorted(times)
    return {
        "p50_us": round(ordered[len(ordered) // 2], 1),
        "p95_us": round(ordered[int(len(ordered) * 0.95)], 1),
        "p99_us": round(ordered[int(len(ordered) * 0.99)], 1),
        "per_second": round(1e6 * len(ordered) / sum(ordered), 1),
    }


def stored_order(client: Client) -> dict[str, str]:
    """Return a request for the first order of the service's worklist."""
    status, body = client.ask(b"GET /v1/worklist?page_size=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    if status != 200:
        raise SystemExit(f"the service is not ready: {body.decode()}")
    items = json.loads(body)["items"]
    if not items:
        raise SystemExit("no order is at risk: load another extract or another moment")
    return {"order_id": items[0]["order_id"]}


def run(home: Path, blocks: int, size: int) -> dict[str, Any]:
    """Return the figures of both kinds of request, without a record and with one."""
    with (
        tempfile.TemporaryDirectory(prefix="triage-alone-") as folder,
        serving(SERVICE, home, TRIAGE_RECORD="0") as port,
        serving(SERVICE, without_challenger(home.resolve(), Path(folder))) as recording_port,
        serving(CONSTANT, home) as baseline_port,
    ):
        score = Client(port)
        clients: dict[str, Client | Disk] = {
            "constant": Client(baseline_port), "score": score,
            "recorded": Client(recording_port), "disk": Disk(Path(folder)),
        }  # fmt: skip
        found: dict[str, Any] = {}
        for kind, body in {"stored": stored_order(score), "whole": EXAMPLE}.items():
            times = measure(clients, request_of(body), blocks, size)
            figures: dict[str, Any] = {name: summary(taken) for name, taken in times.items()}
            p50 = {name: figures[name]["p50_us"] for name in clients}
            figures["ratio_p50"] = round(p50["score"] / p50["constant"], 2)
            figures["record_adds_p50_us"] = round(p50["recorded"] - p50["score"], 1)
            found[kind] = figures
    return found


def run_shadow(home: Path, blocks: int, size: int) -> dict[str, Any]:
    """Return the figures of a stored order with the home's challenger and without it.

    Back to back is the worst case; at a pace the shadow has gaps to score in.
    """
    if not (home / "models" / "at_risk" / "challenger.json").is_file():
        raise SystemExit(f"nothing challenges in {home}: `triage shadow VERSION` names a model")
    with tempfile.TemporaryDirectory(prefix="triage-alone-") as folder:
        alone = without_challenger(home.resolve(), Path(folder))
        with serving(SERVICE, alone) as port, serving(SERVICE, home) as shadowed_port:
            clients = {"alone": Client(port), "shadow": Client(shadowed_port)}
            request = request_of(stored_order(clients["alone"]))
            stored_order(clients["shadow"])
            found: dict[str, Any] = {}
            for kind, n, pace in (("burst", blocks, 0.0), ("paced", blocks // 4, PACE_SECONDS)):
                times = measure(clients, request, n, size, pace)
                found[kind] = {name: summary(taken) for name, taken in times.items()}
            time.sleep(1.5)
            found["shadow"] = _shadow_counts(shadowed_port)
    return found


def without_challenger(home: Path, folder: Path) -> Path:
    """Return a home beside the first one with the same log and champion."""
    (folder / "history").symlink_to(home / "history")
    models = folder / "models" / "at_risk"
    models.mkdir(parents=True)
    for path in (home / "models" / "at_risk").iterdir():
        if path.name != "challenger.json":
            (models / path.name).symlink_to(path)
    return folder


def _shadow_counts(port: int) -> dict[str, float]:
    """Return what became of the answers that the challenger was to score too."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return {
        line.split('"')[1]: float(line.split()[-1])
        for line in lines
        if line.startswith("triage_shadow_total{")
    }


def show_shadow(found: dict[str, Any]) -> None:
    """Print what a challenger costs."""
    print(f"{'requests':<9} {'service':<8} {'p50 us':>8} {'p95 us':>8} {'p99 us':>8} {'req/s':>7}")
    for kind in ("burst", "paced"):
        for name, row in found[kind].items():
            print(
                f"{kind:<9} {name:<8} {row['p50_us']:>8.1f} {row['p95_us']:>8.1f} "
                f"{row['p99_us']:>8.1f} {row['per_second']:>7.0f}"
            )
    print(f"answers scored by the challenger too, dropped, failed: {found['shadow']}")


def show(found: dict[str, Any]) -> None:
    """Print the figures as a table."""
    print(f"{'request':<8} {'server':<9} {'p50 us':>9} {'p95 us':>9} {'req/s':>8}")
    for kind, figures in found.items():
        for name in ("constant", "score", "recorded", "disk"):
            row = figures[name]
            print(
                f"{kind:<8} {name:<9} {row['p50_us']:>9.1f} {row['p95_us']:>9.1f} "
                f"{row['per_second']:>8.0f}"
            )
        print(
            f"{kind:<8} p50 ratio {figures['ratio_p50']:.2f}; a durable record adds "
            f"{figures['record_adds_p50_us'] / 1000:.2f} ms"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, default=Path(".triage"))
    parser.add_argument("--blocks", type=int, default=20)
    parser.add_argument("--size", type=int, default=200, help="requests in a block")
    parser.add_argument(
        "--shadow", action="store_true", help="what the home's challenger costs, instead"
    )
    parser.add_argument("--json", action="store_true", help="print JSON only")
    options = parser.parse_args()
    found = (run_shadow if options.shadow else run)(options.home, options.blocks, options.size)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    (show_shadow if options.shadow else show)(found)


if __name__ == "__main__":
    main()
