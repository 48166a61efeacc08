"""A workspace whose recipe knows one stage only, so that a whole run takes seconds."""

from __future__ import annotations

import re
from pathlib import Path

from tests.workspaces import cheap

STAGE = "shipment_dispatched"


def one_stage(folder: Path) -> Path:
    """Return a cheap copy of the declarations whose recipe has one landmark."""
    path = cheap(folder) / "training" / "at_risk.toml"
    landmarks = re.compile(r"^landmarks *= *\[[^\]]*\]$", flags=re.MULTILINE)
    others = re.compile(r"^(?!shipment)[a-z]+_[a-z]+ *= *\[[^\]]*\]$", flags=re.MULTILINE)
    text, n = landmarks.subn(f'landmarks = ["{STAGE}"]', path.read_text())
    assert n == 1
    head, added, rest = text.partition("[inputs.added]")
    inputs, mark, tail = rest.partition("\n[")
    path.write_text(head + added + others.sub("", inputs) + mark + tail)
    return folder
