"""Spans go to the collector that the standard variables name, under the route's template."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
_ASK = f"""
from starlette.testclient import TestClient
from tests import fakes
from triage.serving.routes.score import EXAMPLE
from triage.settings import Settings

with TestClient(fakes.app(Settings()), base_url="http://127.0.0.1") as client:
    headers = {{"traceparent": "00-{_TRACE}-00f067aa0ba902b7-01"}}
    assert client.post("/v1/score", json=EXAMPLE, headers=headers).status_code == 200
    assert client.get("/livez").status_code == 200
"""


class Collector(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told: dict[str, bytes] = {}


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.told[self.path] = self.server.told.get(self.path, b"") + body
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    served = Collector()
    threading.Thread(target=served.serve_forever, args=(0.02,), daemon=True).start()
    yield served
    served.shutdown()
    served.server_close()


def test_spans_reach_a_collector_in_the_callers_trace_and_without_what_was_sent(
    collector: Collector,
) -> None:
    environment = os.environ | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
    }
    subprocess.run([sys.executable, "-c", _ASK], check=True, env=environment, timeout=120)
    spans = collector.told["/v1/traces"]
    assert b"POST /v1/score" in spans
    assert b"GET /livez" in spans
    assert bytes.fromhex(_TRACE) in spans
    assert b"SO-4500436" not in spans
    assert b"C-1043" not in spans
