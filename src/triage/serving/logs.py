"""What the service writes to stderr: one line a record, as text or JSON.

A line says what happened to which route and never what was in a request: no bodies, no query
strings, no values of headers, no paths with ids, and of an exception its kind and its place in the
code but not its message, which may quote data. Nothing that somebody sent can begin a new line.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, Literal

from triage.serving.access.guard import caller
from triage.serving.request_id import current
from triage.settings import Settings

_ACCESS = logging.getLogger("triage.access")
_FIELDS = "triage_fields"
Note = Callable[[str, str, int, float], None]
"""Writes a line about a request: route template, method, status, seconds."""


def configure(settings: Settings) -> None:
    """Make everything that this process logs go to stderr in the form that settings name."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if settings.log_format == "json" else TextLines())
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("triage").setLevel(logging.INFO)


def note_of(which: Literal["all", "failed", "none"]) -> Note | None:
    """Return what writes a line about requests; None if no line is wanted."""
    if which == "none":
        return None
    least = 400 if which == "failed" else 0

    def note(route: str, method: str, status: int, seconds: float) -> None:
        if status < least:
            return
        found = caller()
        fields: dict[str, Any] = {
            "method": method, "route": route, "status": status, "ms": round(seconds * 1e3, 2),
        }  # fmt: skip
        if found is not None:
            fields["key"] = found.key.id
        _ACCESS.info("request", extra={_FIELDS: fields})

    return note


class JsonLines(logging.Formatter):
    """One JSON object a line, ASCII only."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        told: dict[str, Any] = {
            "at": f"{_moment(record)}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request := current():
            told["request"] = request
        told |= getattr(record, _FIELDS, {})
        if record.exc_info and record.exc_info[1] is not None:
            told["error"] = _places(record.exc_info[1])
        return json.dumps(told, ensure_ascii=True, default=str)


class TextLines(logging.Formatter):
    """A line for people; where an exception came from follows, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        parts = [_moment(record), record.levelname, record.name, printable(record.getMessage())]
        parts += [f"{name}={value}" for name, value in getattr(record, _FIELDS, {}).items()]
        if request := current():
            parts.append(f"request={request}")
        line = " ".join(parts)
        if record.exc_info and record.exc_info[1] is not None:
            line = "\n    ".join([line, *map(printable, _places(record.exc_info[1]))])
        return line


def printable(text: str) -> str:
    """Return text with every character that is not printable (line ends, bidi) spelled out."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def _moment(record: logging.LogRecord) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{whole}.{int(record.msecs):03d}"


def _places(error: BaseException) -> list[str]:
    """Return kind and places in the code of an error and of those that led to it, newest first."""
    told: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(told) < 200:
        told.append(type(seen).__qualname__)
        frames = traceback.extract_tb(seen.__traceback__)[-20:]
        told += [f"at {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames[::-1]]
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return told
