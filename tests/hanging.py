"""A disk that hangs for a while."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from triage.ledger.pen import Pen


def hanging(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Let no pen write, beside whoever asks it to, until the event that is returned is set."""
    over, write = threading.Event(), Pen.write

    def late(*given: Any) -> None:
        threading.Thread(target=lambda: (over.wait(10), write(*given))).start()

    monkeypatch.setattr(Pen, "write", late)
    return over
