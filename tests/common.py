"""What takes long to make and nobody changes: made by one test process, for all of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder of one's own, filled by whichever process came first; others wait for it."""
    own = factory.mktemp(name)
    if "PYTEST_XDIST_WORKER" not in os.environ or os.name != "posix":
        make(own)
        return own
    import fcntl

    common = factory.getbasetemp().parent / f"common-{name}"
    with common.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not common.is_dir():
            part = common.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            make(part)
            part.rename(common)
    shutil.copytree(common, own, dirs_exist_ok=True)
    return own
