"""The service under faults: killed while it scores and takes events, started again, asked again.

    python -m benchmarks.faults [--home .triage] [--kills 20] [--json]

The home is copied, nothing in it changes. In each round a client scores orders and sends events
until the process is killed with SIGKILL at a random moment; everything that was acknowledged must
be there after the next start, the chain must be whole, and every decision must be made again bit
for bit at the end. Beside it: how fast events are taken.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.score_http import SERVICE, Client
from triage.ledger.audit import verify
from triage.ledger.reading import open_reading
from triage.serving.decisions import KIND
from triage.serving.replay import replay

_START_SECONDS = 180.0
_BULK = 5_000


@dataclass
class Sheet:
    """What was seen.

    Attributes:
        kills: how often the process was killed.
        decisions, events: acknowledged over all rounds.
        lost_decisions, lost_events: of these, not there after the next start.
        chain_whole: whether the chain verified at the end.
        replayed, replayed_same: decisions made again, and how many of them were the same.
        start_seconds: of each start, until the first answer.
        bulk_per_second: events taken in NDJSON requests of thousands.
        single_per_second: events acknowledged one by one by 32 clients together.
        single_p50_ms: time of one such acknowledgement.
    """

    kills: int = 0
    decisions: int = 0
    events: int = 0
    lost_decisions: int = 0
    lost_events: int = 0
    chain_whole: bool = False
    replayed: int = 0
    replayed_same: int = 0
    start_seconds: list[float] = field(default_factory=list)
    bulk_per_second: float = 0.0
    single_per_second: float = 0.0
    single_p50_ms: float = 0.0


class Service:
    """A process that serves a home."""

    def __init__(self, home: Path, port: int) -> None:
        self.port = port
        started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", *SERVICE, str(port)],
            env=os.environ | {"TRIAGE_HOME": str(home)}, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        while True:
            if self.process.poll() is not None or time.monotonic() - started > _START_SECONDS:
                raise SystemExit("the service did not start")
            try:
                if self.ask("GET", "/readyz")[0] == 200:
                    break
            except OSError:
                time.sleep(0.05)
        self.took = time.monotonic() - started

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "json") -> tuple[int, Any]:
        """Ask once over a connection of its own."""
        client = Client(self.port)
        try:
            status, content = client.ask(request_of(method, path, body, kind))
        finally:
            client.socket.close()
        return status, json.loads(content)

    def kill(self) -> None:
        """End the process with SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def request_of(method: str, path: str, body: bytes, kind: str = "json") -> bytes:
    """Return the bytes of a request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\n"
    if body:
        head += f"Content-Type: application/{kind}\r\nContent-Length: {len(body)}\r\n"
    return (head + "\r\n").encode() + body


class Traffic(threading.Thread):
    """Scores orders and sends events until the service is gone; notes what was acknowledged."""

    def __init__(self, service: Service, names: list[str], first: int, since: datetime) -> None:
        super().__init__(daemon=True)
        self._service, self._names = service, names
        self._number, self._since = first, since
        self.decisions: list[str] = []
        self.events: list[int] = []

    def run(self) -> None:
        """Go on until the connection breaks."""
        client = Client(self._service.port)
        with client.socket, contextlib.suppress(OSError, ValueError):
            while True:
                name = self._names[self._number % len(self._names)]
                asked = json.dumps({"order_id": name}).encode()
                status, content = client.ask(request_of("POST", "/v1/score", asked))
                if status == 200:
                    self.decisions.append(json.loads(content)["decision_id"])
                event = json.dumps(position(self._number, self._since)).encode()
                status, _ = client.ask(request_of("POST", "/v1/events", event))
                if status == 200:
                    self.events.append(self._number)
                self._number += 1


def position(number: int, since: datetime) -> dict[str, Any]:
    """Return an event of stock that nobody orders, a tenth of a second after the one before."""
    moment = (since + timedelta(milliseconds=100 * number)).isoformat()
    data = {
        "sku": f"X{number % 97}", "site": "nowhere", "event_time": moment, "record_time": moment,
        "on_hand": float(number % 13),
    }  # fmt: skip
    return {"id": f"f{number}", "source": "faults", "type": "inventory_position", "data": data}


def run(home: Path, kills: int, *, port: int = 18_431, seed: int = 1) -> Sheet:
    """Return the sheet of a home's copy."""
    sheet, luck = Sheet(), random.Random(seed)  # noqa: S311 - moments to kill at
    with tempfile.TemporaryDirectory(prefix="triage-faults-") as folder:
        own = Path(folder)
        for part in ("history", "models"):
            shutil.copytree(home / part, own / part)
        service = Service(own, port)
        sheet.start_seconds.append(round(service.took, 2))
        listed = service.ask("GET", "/v1/worklist?page_size=50")[1]
        names = [item["order_id"] for item in listed["items"]]
        since = datetime.fromisoformat(listed["as_of"])
        number = 0
        for _ in range(kills):
            traffic = Traffic(service, names, number, since)
            traffic.start()
            time.sleep(luck.uniform(0.2, 2.0))
            service.kill()
            traffic.join()
            sheet.kills += 1
            service = Service(own, port)
            sheet.start_seconds.append(round(service.took, 2))
            _account(sheet, service, traffic)
            number = traffic._number + 1
        _speeds(sheet, service, number, since)
        service.kill()
        reading = open_reading(own)
        try:
            sheet.chain_whole = verify(reading).ok
            made = list(replay(own, reading, reading.entries(1, KIND)))
        finally:
            reading.close()
        sheet.replayed, sheet.replayed_same = len(made), sum(each.same for each in made)
    return sheet


def _account(sheet: Sheet, service: Service, traffic: Traffic) -> None:
    """Look for everything that was acknowledged before the kill."""
    sheet.decisions += len(traffic.decisions)
    sheet.events += len(traffic.events)
    for decision in traffic.decisions:
        sheet.lost_decisions += service.ask("GET", f"/v1/decisions/{decision}")[0] != 200
    if traffic.events:
        again = [position(number, traffic._since) for number in traffic.events]
        for at in range(0, len(again), _BULK):
            body = json.dumps({"events": again[at : at + _BULK]}).encode()
            sheet.lost_events += service.ask("POST", "/v1/events", body)[1]["accepted"]


def _speeds(sheet: Sheet, service: Service, first: int, since: datetime) -> None:
    bodies = [
        b"\n".join(json.dumps(position(n, since)).encode() for n in range(at, at + _BULK))
        for at in range(first, first + 4 * _BULK, _BULK)
    ]
    started = time.perf_counter()
    taken = sum(
        service.ask("POST", "/v1/events", body, "x-ndjson")[1]["accepted"] for body in bodies
    )
    sheet.bulk_per_second = round(taken / (time.perf_counter() - started))
    first += 4 * _BULK
    times: list[float] = []

    def send(numbers: range) -> None:
        client = Client(service.port)
        with client.socket:
            for number in numbers:
                body = json.dumps(position(number, since)).encode()
                begun = time.perf_counter()
                client.ask(request_of("POST", "/v1/events", body))
                times.append(time.perf_counter() - begun)

    each = 100
    senders = [
        threading.Thread(target=send, args=(range(at, at + each),))
        for at in range(first, first + 32 * each, each)
    ]
    started = time.perf_counter()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    sheet.single_per_second = round(len(times) / (time.perf_counter() - started))
    sheet.single_p50_ms = round(sorted(times)[len(times) // 2] * 1000, 2)


def show(sheet: Sheet) -> None:
    """Print the sheet."""
    starts = sorted(sheet.start_seconds)
    print(f"kill -9: {sheet.kills} times while scoring and taking events")
    print(f"  decisions acknowledged {sheet.decisions:,}, lost {sheet.lost_decisions}")
    print(f"  events acknowledged    {sheet.events:,}, lost {sheet.lost_events}")
    print(f"  chain whole: {'yes' if sheet.chain_whole else 'NO'}")
    print(f"  made again {sheet.replayed:,}, the same bit for bit {sheet.replayed_same:,}")
    print(f"  start to first answer: median {starts[len(starts) // 2]} s")
    print(f"events: {sheet.bulk_per_second:,.0f} a second in bulk (NDJSON of {_BULK:,})")
    print(
        f"  {sheet.single_per_second:,.0f} a second one by one from 32 clients,"
        f" p50 {sheet.single_p50_ms} ms"
    )


def main() -> None:
    """Measure and print; fails if anything was lost or differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, default=Path(".triage"))
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    options = parser.parse_args()
    sheet = run(options.home, options.kills)
    if options.json:
        print(json.dumps(asdict(sheet), indent=2))
    else:
        show(sheet)
    kept = sheet.lost_decisions == sheet.lost_events == 0
    if not (kept and sheet.chain_whole and sheet.replayed == sheet.replayed_same):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
