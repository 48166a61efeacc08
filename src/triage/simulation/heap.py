"""What a process holds before it begins many runs: neither looked through nor copied meanwhile."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def set_aside() -> Iterator[None]:
    """Let no collection look at what is there now, until the end.

    Runs leave cycles behind, so they collect; with much else in memory that would take longer than
    the run, and forks would copy every page that a collection touches.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
