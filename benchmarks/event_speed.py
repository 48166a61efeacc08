"""How fast a service takes events: in bulk, one by one, and while two models are kept up with them.

    python -m benchmarks.event_speed [--home .triage] [--json]

The home is copied, nothing in it changes. Beside the events a second stands how much of a processor
the service used for each (all its threads; what it assesses again meanwhile is in it): that figure
changes less with what else the machine does. The client shares the two cores with the service.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import psutil

from benchmarks.fault_models import variant
from benchmarks.fault_service import Service, eager, position, request_of
from benchmarks.score_http import Client
from triage.models.at_risk import NAME
from triage.models.champion import champion, point_to

BULK = 5_000
_BODIES, _CLIENTS, _EACH = 4, 32, 100
_TAKEN_OVER_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class EventSpeed:
    """What was measured.

    Attributes:
        bulk_per_second: events taken in NDJSON requests of `BULK`, one after another.
        bulk_cpu_us: microseconds of a processor that the service used for one of them.
        single_per_second: events acknowledged one by one by 32 clients together.
        single_cpu_us: as `bulk_cpu_us`.
        single_p50_ms: time of one such acknowledgement.
    """

    bulk_per_second: int
    bulk_cpu_us: float
    single_per_second: int
    single_cpu_us: float
    single_p50_ms: float


def measure(service: Service, first: int, since: datetime) -> tuple[EventSpeed, int]:
    """Send a service events of stock that nobody orders; return the speed and the next number.

    Args:
        service: takes them.
        first: number of the first event.
        since: when number 0 happened.
    """
    bulk, bulk_cpu = _bulk(service, first, since)
    first += _BODIES * BULK
    ends = first + _CLIENTS * _EACH
    seconds, single_cpu, times = _singles(service, range(first, ends, _EACH), since)
    speed = EventSpeed(
        round(bulk), round(bulk_cpu, 1), round(len(times) / seconds), round(single_cpu, 1),
        round(sorted(times)[len(times) // 2] * 1000, 2),
    )  # fmt: skip
    return speed, ends


def _bulk(service: Service, first: int, since: datetime) -> tuple[float, float]:
    bodies = [
        b"\n".join(json.dumps(position(n, since)).encode() for n in range(at, at + BULK))
        for at in range(first, first + _BODIES * BULK, BULK)
    ]
    used, started = _cpu(service), time.perf_counter()
    taken = sum(
        service.ask("POST", "/v1/events", body, "x-ndjson")[1]["accepted"] for body in bodies
    )
    seconds = time.perf_counter() - started
    return taken / seconds, (_cpu(service) - used) / taken * 1e6


def _singles(service: Service, firsts: range, since: datetime) -> tuple[float, float, list[float]]:
    times: list[float] = []

    def send(first: int) -> None:
        client = Client(service.port)
        with client.socket:
            for number in range(first, first + _EACH):
                body = json.dumps(position(number, since)).encode()
                begun = time.perf_counter()
                client.ask(request_of("POST", "/v1/events", body))
                times.append(time.perf_counter() - begun)

    senders = [threading.Thread(target=send, args=(first,)) for first in firsts]
    used, started = _cpu(service), time.perf_counter()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    seconds = time.perf_counter() - started
    return seconds, (_cpu(service) - used) / len(times) * 1e6, times


def _cpu(service: Service) -> float:
    spent = psutil.Process(service.process.pid).cpu_times()
    return float(spent.user + spent.system)


def run(home: Path, *, port: int = 18_433) -> dict[str, EventSpeed]:
    """Return the speed with one model, and with the model before it kept up, too."""
    with tempfile.TemporaryDirectory(prefix="triage-events-") as folder:
        own, workspace = Path(folder) / "home", eager(Path(folder) / "workspace")
        for part in ("history", "models"):
            shutil.copytree(home / part, own / part)
        service = Service(own, workspace, port)
        try:
            since = datetime.fromisoformat(_listed_as_of(service))
            _, first = measure(service, 0, since)  # warms up
            alone, first = measure(service, first, since)
            _promote_another(service, own)
            both, _ = measure(service, first, since)
        finally:
            service.kill()
    return {"one model": alone, "and the model before": both}


def _listed_as_of(service: Service) -> str:
    return str(service.ask("GET", "/v1/worklist?page_size=1")[1]["as_of"])


def _promote_another(service: Service, home: Path) -> None:
    other = variant(home, str(champion(home, NAME)["digest"]), 1)
    point_to(home, NAME, {"digest": other, "version": "2"})
    deadline = time.monotonic() + _TAKEN_OVER_SECONDS
    while service.ask("GET", "/v1/models")[1]["champion"]["digest"] != other:
        if time.monotonic() > deadline:
            raise SystemExit("the model that was promoted did not take over")
        time.sleep(0.2)


def show(found: dict[str, EventSpeed]) -> None:
    """Print the figures."""
    for name, speed in found.items():
        print(
            f"{name}: {speed.bulk_per_second:,} a second in bulk (NDJSON of {BULK:,}),"
            f" {speed.bulk_cpu_us} us of a processor each;\n"
            f"  {speed.single_per_second:,} a second one by one from {_CLIENTS} clients,"
            f" {speed.single_cpu_us} us each, p50 {speed.single_p50_ms} ms"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, default=Path(".triage"))
    parser.add_argument("--json", action="store_true", help="print JSON only")
    options = parser.parse_args()
    found = run(options.home)
    if options.json:
        print(json.dumps({name: asdict(speed) for name, speed in found.items()}, indent=2))
        return
    show(found)


if __name__ == "__main__":
    main()
