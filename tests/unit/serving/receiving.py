"""A receiver of webhooks: a real HTTP server on this machine that keeps what it is sent."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from triage.serving.webhooks.declared import Subscription
from triage.serving.webhooks.receiver import Receiver
from triage.serving.webhooks.signing import Secret

ONE, OTHER = ("whsec_" + base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))


@dataclass
class Heard:
    """What came; `answer` gives the status of the n-th request, from 0."""

    answer: Callable[[int], int] = lambda _: 204
    seconds: float = 0.0
    extra: dict[str, str] = field(default_factory=dict)
    url: str = ""
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def wait_for(self, count: int, seconds: float = 10.0) -> None:
        until = time.monotonic() + seconds
        while len(self.requests) < count and time.monotonic() < until:
            time.sleep(0.01)
        assert len(self.requests) >= count

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.requests]


@contextmanager
def receiver(heard: Heard) -> Iterator[Heard]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            number = len(heard.requests)
            heard.requests.append(({k.lower(): v for k, v in self.headers.items()}, body))
            time.sleep(heard.seconds)
            self.send_response(heard.answer(number))
            for name, value in heard.extra.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    heard.url = f"http://127.0.0.1:{server.server_port}/in?from=triage"
    try:
        yield heard
    finally:
        server.shutdown()
        server.server_close()


def local(url: str, *secrets: str, name: str = "here", events: tuple[str, ...] = ()) -> Receiver:
    subscription = Subscription.model_validate(
        {
            "url": url,
            "events": events or ("risk.changed",),
            "secrets": ["UNUSED"],
            "http_on_loopback": True,
        }
    )
    return Receiver(name, subscription, tuple(Secret.parse(each) for each in secrets or (ONE,)))


def verified(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """Verify as the specification tells receivers to, by code of its own."""
    key = base64.b64decode(secret[len("whsec_") :])
    signed = b".".join(
        [headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body]
    )
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    fresh = abs(time.time() - int(headers["webhook-timestamp"])) < 300
    given = [each.split(",", 1) for each in headers["webhook-signature"].split(" ")]
    return fresh and any(v == "v1" and hmac.compare_digest(s, expected) for v, s in given)
