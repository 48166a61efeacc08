"""Compiled kernels: one decorator, and a cache that never serves code of another version.

Numba's own cache looks at the file of the compiled function only; a change in a function that it
calls, or in a constant that it reads, would go unseen. So the cache folder is named by a digest of
the package's source.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])

_KERNELS = ("features/*.py", "models/*.py", "simulation/*.py")
"""Where compiled functions and what they read stand in the package."""


def _source_digest() -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    package = Path(str(files("triage")))
    for path in sorted(path for place in _KERNELS for path in package.glob(place)):
        digest.update(path.name.encode() + path.read_bytes())
    for name in ("jit.py", "errors.py", "domain/clock.py", "domain/records.py"):
        digest.update((package / name).read_bytes())
    return digest.hexdigest()[:16]


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "triage" / "kernels" / _source_digest()


if not os.environ.get("NUMBA_CACHE_DIR"):
    numba.config.CACHE_DIR = str(_cache_folder())


def kernel(function: F) -> F:
    """Compile a function to machine code: cached, without the interpreter lock, exact."""
    compiled: F = numba.njit(cache=True, nogil=True)(function)
    return compiled
