"""A process of a test that ends as a crash ends it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def killed(code: str, *words: str) -> Iterator[IO[str]]:
    """Run code with `words` as its arguments; give what it prints; kill -9 it at the end."""
    command, root = [sys.executable, "-c", code, *words], Path(__file__).parents[1]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as child:
        assert child.stdout is not None
        try:
            yield child.stdout
        finally:
            child.kill()
