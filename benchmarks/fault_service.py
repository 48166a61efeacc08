"""A service to be treated badly, and whoever asks it meanwhile: for the sheet of faults."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.score_http import SERVICE, Client
from triage import workspace

_START_SECONDS = 180.0
LOOK_SECONDS = 0.1


def eager(folder: Path) -> Path:
    """Return a copy of the workspace whose service looks for promotions ten times a second."""
    for name in (*workspace.FOLDERS, "data/mappings"):
        shutil.copytree(workspace.root() / name, folder / name)
    policy = folder / "serving" / "policy.toml"
    lines = [
        f"look_seconds = {LOOK_SECONDS}" if line.startswith("look_seconds") else line
        for line in policy.read_text().splitlines()
    ]
    policy.write_text("\n".join(lines) + "\n")
    return folder


class Service:
    """A process that serves a home.

    Attributes:
        took: seconds from its start to its first answer.
    """

    def __init__(self, home: Path, workspace: Path, port: int) -> None:
        self.port = port
        started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", *SERVICE, str(port)],
            env=os.environ | {"TRIAGE_HOME": str(home), "TRIAGE_WORKSPACE": str(workspace)},
            stdout=subprocess.DEVNULL,
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

    def rested(self) -> None:
        """Wait until the list stands: until then scores are slow."""
        while not self.ask("GET", "/readyz")[1]["list"]["ranked"]:
            time.sleep(LOOK_SECONDS)

    def kill(self) -> None:
        """End the process with SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def request_of(method: str, path: str, body: bytes, kind: str = "json") -> bytes:
    """Return the bytes of a request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    if body:
        head += f"Content-Type: application/{kind}\r\nContent-Length: {len(body)}\r\n"
    return (head + "\r\n").encode() + body


class Traffic(threading.Thread):
    """Scores orders and sends events until told to end, or the service is gone.

    Attributes:
        decisions: ids of those that were acknowledged.
        events: numbers of those that were acknowledged.
        failed: answers other than 200.
        answered: set once a decision was acknowledged.
    """

    def __init__(self, service: Service, names: list[str], first: int, since: datetime) -> None:
        super().__init__(daemon=True)
        self._service, self._names = service, names
        self.number, self.since = first, since
        self.decisions: list[str] = []
        self.events: list[int] = []
        self.failed = 0
        self.over = threading.Event()
        self.answered = threading.Event()

    def run(self) -> None:
        """Go on until it is over or the connection breaks."""
        client = Client(self._service.port)
        with client.socket, contextlib.suppress(OSError, ValueError):
            while not self.over.is_set():
                name = self._names[self.number % len(self._names)]
                asked = json.dumps({"order_id": name}).encode()
                status, content = client.ask(request_of("POST", "/v1/score", asked))
                if status == 200:
                    self.decisions.append(json.loads(content)["decision_id"])
                    self.answered.set()
                self.failed += status != 200
                event = json.dumps(position(self.number, self.since)).encode()
                status, _ = client.ask(request_of("POST", "/v1/events", event))
                if status == 200:
                    self.events.append(self.number)
                self.failed += status != 200
                self.number += 1


def position(number: int, since: datetime) -> dict[str, Any]:
    """Return an event of stock that nobody orders, a tenth of a second after the one before."""
    moment = (since + timedelta(milliseconds=100 * number)).isoformat()
    data = {
        "sku": f"X{number % 97}", "site": "nowhere", "event_time": moment, "record_time": moment,
        "on_hand": float(number % 13),
    }  # fmt: skip
    return {"id": f"f{number}", "source": "faults", "type": "inventory_position", "data": data}
