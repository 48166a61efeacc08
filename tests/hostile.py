"""Hostile requests to every address that takes a body, and what must hold for each answer.

No answer is a fault of the service (5xx), nothing that was refused is echoed, and the log gets no
line that the service did not write itself.
"""

from __future__ import annotations

import asyncio
import copy
import io
import json
import logging
import random
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

import hypothesis.strategies as st
from fastapi import FastAPI
from fastapi.routing import APIRoute
from hypothesis.strategies import SearchStrategy

from triage.serving.logs import JsonLines
from triage.serving.routes import events, exceptions, handling, score

MARK = "zq7mark"
"""Stands in hostile texts; must come back in no refusal and in no line of the log."""
KNOWN = "SO-4500101"
_JSON = (
    "application/json", "application/x-ndjson", "application/cloudevents+json",
    "application/cloudevents-batch+json", "application/json; charset=utf-16", "text/plain", "",
)  # fmt: skip
_FORM = "application/x-www-form-urlencoded"
_EXAMPLES: dict[str, list[Any]] = {
    "/v1/score": [score.EXAMPLE, {"order_id": KNOWN}],
    "/v1/score/batch": [{"orders": [score.EXAMPLE, {"order_id": KNOWN}]}],
    "/v1/events": [events.EXAMPLE, {"events": [events.EXAMPLE]}, [events.EXAMPLE]],
    "/v1/exceptions/classify": [exceptions.EXAMPLE],
    "/v1/worklist/{order_id:path}/actions": [
        handling.EXAMPLE, {"action": "note", "by": "Ana", "text": "called", "after": ""},
        {"action": "snooze", "by": "Ana", "worse_by": 5},
    ],
}  # fmt: skip
_FIELDS = ("key", "next", "name", "order", "do", "after", "text", "code", "to", "entry", "why")

NASTY_TEXT = st.sampled_from([
    f"{MARK}\x00", f"{MARK}\r\nX-Forged: 1", f'{MARK}\n{{"level":"error","message":"forged"}}',
    f"{MARK}\u202e", f"{MARK}\u200b", f"{MARK}\ud800", f"<script>{MARK}</script>",
    f"=cmd|'{MARK}'!A1", f"{{{{7*7}}}}{MARK}", f"../../{MARK}", f"%s%n{MARK}", f"{MARK}" * 400,
    f"'; DROP TABLE entries; --{MARK}", "2018-08-20T09:12:00", "1534767120", "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00", "2018-02-30T00:00:00Z", "", " ", "NaN", "null", KNOWN,
])  # fmt: skip
TEXT = NASTY_TEXT | st.text(st.characters(), max_size=20).map(lambda text: text + MARK)
SCALAR = (
    TEXT | st.none() | st.booleans() | st.integers() | st.floats()
    | st.sampled_from([-1, 0, 1e300, -1e300, 10**40, 2**63, 1534767120, 1534767120.5, True])
)  # fmt: skip
NAMES = st.sampled_from(
    ["order_id", "order", "orders", "milestones", "as_of", "lines", "quantity", "sku", "events",
     "data", "id", "source", "type", "exception", "action", "by", "recommend", "__proto__"]
)  # fmt: skip
JUNK = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | TEXT, inner, max_size=4),
    max_leaves=12,
)
_CUTS = (
    b"\x00", b"\xff\xfe", b'"', b"}", b"[" * 5_000, b"9" * 6_000, b"1e400", b"NaN", b"-Infinity",
    b'"\\ud800"', b'"order_id":"zq7mark",', b"\xef\xbb\xbf", b"\r\n", b"{}", b",",
)  # fmt: skip


_KEPT = re.compile(rb'name="next" value="[^"]*"')
"""The form of signing in keeps where somebody was going, an address of this service."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One hostile request."""

    template: str
    path: str
    media_type: str
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


def posts(app: FastAPI) -> list[str]:
    """Return the template of every address that takes a body."""

    def below(routes: list[Any]) -> Iterator[str]:
        for route in routes:
            if isinstance(route, APIRoute) and {"POST", "PUT", "PATCH"} & set(route.methods or ()):
                yield route.path
            inner = getattr(route, "original_router", None)
            yield from below(inner.routes if inner is not None else [])

    return sorted(set(below(list(app.routes))))


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    names = (
        value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0)
    )
    for name in names:
        yield from _places(value[name], (*at, name))


@st.composite
def spoiled(draw: st.DrawFn, example: Any) -> bytes:
    """Return an example with one to three places replaced, removed or added to, as JSON."""
    made = copy.deepcopy(example)
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from([p for p in _places(made) if p] or [("order_id",)]))
        holder = made
        for step in way:
            holder = holder[step]
        if draw(st.booleans()) or not isinstance(holder, dict):
            holder[last] = draw(JUNK)
        elif last in holder and draw(st.booleans()):
            del holder[last]
        else:
            holder[draw(TEXT)] = draw(JUNK)
    return json.dumps(made).encode("utf-8", "surrogatepass")


@st.composite
def torn(draw: st.DrawFn, example: Any) -> bytes:
    """Return an example's JSON cut, or with something put into it."""
    text = json.dumps(example).encode()
    at = draw(st.integers(0, len(text)))
    return (
        text[:at] if draw(st.booleans()) else text[:at] + draw(st.sampled_from(_CUTS)) + text[at:]
    )


HEADERS = st.lists(
    st.tuples(
        st.sampled_from([b"idempotency-key", b"traceparent", b"x-request-id", b"ce-id", b"ce-type",
                         b"ce-source", b"authorization", b"cookie", b"x-forwarded-proto"]),
        st.binary(max_size=30).map(lambda sent: sent + MARK.encode()),
    ),
    max_size=2,
).map(tuple)  # fmt: skip
_IDS = st.just(KNOWN) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def bodies(template: str) -> SearchStrategy[tuple[str, bytes]]:
    """Return hostile bodies for an address, with the content type that they say they have."""
    if not template.startswith("/v1/"):
        pairs = st.lists(st.tuples(st.sampled_from(_FIELDS) | TEXT, TEXT), max_size=12)
        forms = pairs.map(lambda told: urlencode(told, errors="surrogatepass").encode())
        return st.tuples(st.just(_FORM), forms | st.binary(max_size=60))
    junk = JUNK.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass"))
    example = st.sampled_from(_EXAMPLES.get(template, [{}]))
    made = example.flatmap(spoiled) | example.flatmap(torn) | junk | st.binary(max_size=120)
    return st.tuples(st.sampled_from(_JSON) | st.just("application/json"), made)


def requests(templates: list[str]) -> SearchStrategy[Sent]:
    """Return hostile requests to some addresses."""

    @st.composite
    def one(draw: st.DrawFn) -> Sent:
        template = draw(st.sampled_from(templates))
        media_type, body = draw(bodies(template))
        path = template
        if "{" in template:
            head, _, rest = template.partition("{")
            path = head + draw(_IDS) + rest.partition("}")[2]
        return Sent(template, path, media_type, body, draw(HEADERS))

    return one()


def variants(sent: Sent, many: int) -> Iterator[Sent]:
    """Yield a request and others like it whose bodies are cut, stretched or changed in a byte."""
    yield sent
    chance = random.Random(sent.body)  # noqa: S311 - no secret is made
    for _ in range(many):
        at = chance.randrange(len(sent.body) + 1)
        head, tail = sent.body[:at], sent.body[at:]
        body = chance.choice([
            head, tail, head + chance.choice(_CUTS) + tail, head + tail[1:], sent.body + tail,
            head + bytes([chance.randrange(256)]) + tail[1:],
        ])  # fmt: skip
        yield replace(sent, body=body)


@dataclass
class Judge:
    """Sends requests to an app, in this process, and says what must not have happened.

    Attributes:
        app: what is asked; its lifespan has begun on `loop`.
        loop: the event loop.
        log: what was logged.
        statuses: how many answers of each class there were.
        reached: how many requests went to each address.
        number: how many were sent.
    """

    app: FastAPI
    loop: asyncio.AbstractEventLoop
    log: io.StringIO
    statuses: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    number: int = 0

    def ask(self, sent: Sent) -> list[str]:
        """Send a request; return what is wrong with what came of it.

        It gets a mark of its own, since pages show what earlier ones put on record.
        """
        self.number += 1
        mark = f"zq{self.number:05x}"
        sent = _marked(sent, mark.encode())
        try:
            status, headers, body = self.loop.run_until_complete(_exchange(self.app, sent))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            return [f"{type(error).__name__} was raised"]
        self.statuses[f"{status // 100}xx"] += 1
        self.reached[sent.template] += 1
        wrong = [f"status {status}"] if status >= 500 else []
        if status >= 400 and mark.encode() in _KEPT.sub(b"", body) + repr(headers).encode():
            wrong.append("what was sent came back")
        lines = self.log.getvalue().splitlines()
        self.log.seek(0)
        self.log.truncate()
        for line in lines:
            told = _object(line)
            if told is None or told.get("message") == "forged":
                wrong.append("a line of the log was forged")
            elif mark in line or MARK in line:
                wrong.append("what was sent is in the log")
        return wrong


def _marked(sent: Sent, mark: bytes) -> Sent:
    headers = tuple((name, value.replace(MARK.encode(), mark)) for name, value in sent.headers)
    return replace(sent, body=sent.body.replace(MARK.encode(), mark), headers=headers)


def _object(line: str) -> dict[str, Any] | None:
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


async def _exchange(app: FastAPI, sent: Sent) -> tuple[int, list[Any], bytes]:
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": sent.path, "raw_path": quote(sent.path).encode(), "root_path": "",
        "query_string": b"", "client": ("127.0.0.1", 50_000), "server": ("127.0.0.1", 8080),
        "headers": [
            (b"host", b"localhost:8080"), (b"sec-fetch-site", b"same-origin"),
            (b"content-type", sent.media_type.encode()),
            (b"content-length", str(len(sent.body)).encode()), *sent.headers,
        ],
    }  # fmt: skip
    told: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": sent.body, "more_body": False}

    async def send(message: Any) -> None:
        told.append(message)

    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in told[1:])
    return told[0]["status"], told[0]["headers"], body


@contextmanager
def judging(app: FastAPI) -> Iterator[Judge]:
    """Run an app's lifespan and read its log meanwhile."""
    loop, log = asyncio.new_event_loop(), io.StringIO()
    handler = logging.StreamHandler(log)
    handler.setFormatter(JsonLines())
    root, ours = logging.getLogger(), logging.getLogger("triage")
    kept, level = list(root.handlers), ours.level
    root.handlers[:] = [handler]
    ours.setLevel(logging.INFO)
    running = app.router.lifespan_context(app)
    loop.run_until_complete(running.__aenter__())
    try:
        yield Judge(app, loop, log)
    finally:
        loop.run_until_complete(running.__aexit__(None, None, None))
        loop.close()
        root.handlers[:] = kept
        ours.setLevel(level)
