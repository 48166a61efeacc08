"""Arrays as files of a folder: written apart, sealed by a manifest, put in place, mapped.

Every file has its checksum in the manifest, which is written last and has its own. Files are
mapped, not read: a page is the process's own once it is changed.
"""

from __future__ import annotations

import json
import math
import shutil
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

MANIFEST = "manifest"
_CHUNK_BYTES = 16 << 20


def save(path: Path, array: npt.NDArray[Any], used: int) -> tuple[str, tuple[int, ...], int, int]:
    """Write an array, without what is not used of it.

    Returns:
        Type and shape (see `mapped`), items used and their checksum (see `check`).
    """
    data = _bytes(np.ascontiguousarray(array), used)
    with path.open("wb") as file:
        for at in range(0, len(data), _CHUNK_BYTES):
            file.write(data[at : at + _CHUNK_BYTES])
        file.truncate(array.nbytes)
    return array.dtype.str, array.shape, used, zlib.crc32(data)


def mapped(path: Path, kind: str, shape: Sequence[int]) -> npt.NDArray[Any]:
    """Map an array of a type and shape.

    Raises:
        OSError: if there is no such file.
        ValueError: if it is shorter.
    """
    if not math.prod(shape):
        return np.empty(shape, kind)
    return np.asarray(np.memmap(path, kind, "c", shape=tuple(shape)))


def check(found: Mapping[str, npt.NDArray[Any]], saved: Mapping[str, Sequence[int]]) -> None:
    """Compare checksums, by file: items used, and their checksum; holds no interpreter up.

    Raises:
        ValueError: if a file is damaged.
    """
    for file, (used, checksum) in saved.items():
        if zlib.crc32(_bytes(found[file], used)) != checksum:
            raise ValueError(f"{file} is damaged")


def seal(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest: the folder is whole with it."""
    text = json.dumps(manifest).encode()
    (folder / MANIFEST).write_bytes(b"%d\n%b" % (zlib.crc32(text), text))


def sealed(folder: Path) -> dict[str, Any]:
    """Read the manifest.

    Raises:
        OSError: if there is none.
        ValueError: if it is damaged.
    """
    checksum, _, text = (folder / MANIFEST).read_bytes().partition(b"\n")
    if zlib.crc32(text) != int(checksum):
        raise ValueError(f"{MANIFEST} is damaged")
    manifest: dict[str, Any] = json.loads(text)
    return manifest


def put(partial: Path, target: Path) -> None:
    """Put a folder in the place of another, if there is one."""
    former = target.with_suffix(".former")
    if target.exists():
        target.rename(former)
    partial.rename(target)
    shutil.rmtree(former, ignore_errors=True)


def _bytes(array: npt.NDArray[Any], used: int) -> memoryview:
    return memoryview(array.reshape(-1)[:used].view(np.uint8).data)
