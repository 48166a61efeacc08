"""One at a time: a lock file that the operating system frees when its holder dies."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from triage.errors import HistoryError

if sys.platform == "win32":
    import msvcrt

    def _take(handle: IO[bytes]) -> None:
        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(handle: IO[bytes]) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def only_import(folder: Path) -> Iterator[None]:
    """Hold `<folder>/import.lock` for the length of the block.

    Raises:
        HistoryError: if another import holds it.
    """
    with only_one(folder / "import.lock", "another import is running"):
        yield


@contextmanager
def only_one(path: Path, otherwise: str) -> Iterator[None]:
    """Hold a file, made with its folder if need be, for the length of the block.

    Args:
        path: the file.
        otherwise: what it means that somebody else holds it.

    Raises:
        HistoryError: if somebody else does.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as handle:
        try:
            _take(handle)
        except OSError as error:
            raise HistoryError(
                f"{otherwise} (it holds {path}); wait for it to end, then try again"
            ) from error
        yield
