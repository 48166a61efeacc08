"""Compiled kernels: one decorator, and a cache that never serves code of another version.

Numba's own cache looks at the file of the compiled function only; a change in a function that it
calls, or in a constant that it reads, would go unseen. So the cache folder is named by a digest of
the modules that compile, and of those that they import.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])

_PLACES = ("features/*.py", "ledger/*.py", "models/*.py", "simulation/*.py")
"""Where compiled functions stand in the package."""
_IMPORTED = re.compile(r"^\s*from triage\.([\w.]+) import", re.MULTILINE)


def _kernel_sources(package: Path) -> list[Path]:
    """Return the modules that compile functions, and all that these import, one from another."""
    marked = f"from {__name__} import kernel"
    found: dict[Path, None] = {}
    waiting = [
        path
        for place in _PLACES
        for path in sorted(package.glob(place))
        if marked in path.read_text(encoding="utf-8")
    ]
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        found[path] = None
        names = _IMPORTED.findall(path.read_text(encoding="utf-8"))
        waiting.extend(package / f"{name.replace('.', '/')}.py" for name in names)
    return sorted(found)


def source_digest() -> str:
    """Return a digest of every module that compiles, and of what these import."""
    digest = hashlib.sha256(numba.__version__.encode())
    package = Path(str(files("triage")))
    for path in _kernel_sources(package):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


SOURCES = source_digest()
"""Digest of the code that this process has loaded, also where it is replaced on the disk."""


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "triage" / "kernels" / SOURCES


if not os.environ.get("NUMBA_CACHE_DIR"):
    numba.config.CACHE_DIR = str(_cache_folder())


def kernel(function: F) -> F:
    """Compile a function to machine code: cached, without the interpreter lock, exact."""
    compiled: F = numba.njit(cache=True, nogil=True)(function)
    return compiled
