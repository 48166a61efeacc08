"""Built indexes on the disk, so that the next start puts right what changed since, and no more.

Beside the arrays lie the rows that they were filled from. Rows that are otherwise now take the
place of those, so that the outcome is that of filling anew, whatever became of the log meanwhile.
The name of a kept index is a digest of all else that an entry is made from: program, calendar, key
sets, code. What is not whole is as good as none: every file has its checksum in the manifest, which
is written last.

Files are mapped, not read: a page is the process's own once it is changed. They may be deleted at
any time; the next start builds the index anew then, and keeps it.
"""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import threading
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from triage.domain.clock import UNKNOWN_TIME
from triage.features.book import Interner
from triage.features.calendar import Calendar
from triage.features.compile import FeatureSet, Ints
from triage.features.facts import Subject
from triage.features.index import AsOfIndex
from triage.features.index_arrays import IndexArrays
from triage.features.index_changes import Rows
from triage.features.index_filling import SubjectRows
from triage.jit import source_digest

FOLDER = "index"
MANIFEST = "manifest"
WRITER = "index-writer"
"""Name of the thread that writes."""
_FORMAT = 1
_WORTH_ENTRIES = 1_000_000
"""An index of fewer entries is built in less time than it takes to say why it is not kept."""
_MOST_CHANGED = 0.15
"""Of the rows; where more changed, filling anew takes no longer."""
_RENEWED_FROM = 0.02
_KEPT = 2
"""Champion and whoever follows it."""
_ROOM_ON_DISK = 4
"""An index is written where the disk has room for so many."""
_CHUNK_BYTES = 16 << 20
_LOG = logging.getLogger("triage.features")
_turn = threading.Lock()

NOTHING = threading.Event()
"""What to wait for where nothing is being written."""
NOTHING.set()


@dataclass(frozen=True, slots=True)
class KeptIndex:
    """An index as it lies on the disk.

    Attributes:
        folder: where it lies.
        keys: keys by key set, in the sequence of their numbers (see `Interner`).
        arrays: the index's; they may be changed.
        used: how much of them is taken (see `AsOfIndex.kept`).
        subjects: the rows that they were filled from.
        whole: ends once every file was found to be whole; raises if one is not.
    """

    folder: Path
    keys: list[list[list[str]]]
    arrays: IndexArrays
    used: Ints
    subjects: dict[Subject, SubjectRows]
    whole: Future[None]

    def restore(self, index: AsOfIndex, subjects: Mapping[Subject, SubjectRows]) -> float | None:
        """Make an empty index that of some rows; return which share of them had changed.

        None, and nothing is done, where it is not whole, or filling it anew is less work.
        """
        try:
            self.whole.result()
        except ValueError as error:
            _not_whole(self.folder, error)
            return None
        if subjects.keys() != self.subjects.keys():
            return None
        changed = {each: _differing(self.subjects[each], now) for each, now in subjects.items()}
        rows = sum(len(now.event) for now in subjects.values())
        share = sum(map(len, changed.values())) / max(rows, 1)
        if share > _MOST_CHANGED:
            return None
        index.restore(self.arrays, self.used)
        for subject, at in changed.items():
            then, now = self.subjects[subject], subjects[subject]
            index.change(subject, _wide(then, at, len(self.keys)), _wide(now, at, len(self.keys)))
        return share


class KeptIndexes:
    """The indexes of a home.

    Args:
        home: they lie in `index` there; one process writes at a time.
    """

    def __init__(self, home: Path) -> None:
        self.folder = home / FOLDER

    def read(self, name: str) -> KeptIndex | None:
        """Return an index, whose files are looked through beside; None if there is none."""
        folder = self.folder / name
        if not (folder / MANIFEST).is_file():
            return None
        try:
            found = _read(folder)
            os.utime(folder / MANIFEST)
        except (OSError, ValueError, LookupError, TypeError) as error:
            _not_whole(folder, error)
            return None
        return found

    def write_if_worth(
        self, name: str, index: AsOfIndex, interner: Interner,
        subjects: Mapping[Subject, SubjectRows], changed: float | None,
    ) -> threading.Event:  # fmt: skip
        """Write an index in a thread, unless it is small or lies there nearly as it is.

        Args:
            name: see `name_of`.
            index: the index, as it was filled.
            interner: its keys.
            subjects: the rows that it was filled from.
            changed: which share of these had changed since it was kept; None: it was not.

        Returns:
            What to wait for before any of these may change.
        """
        if index.entries < _WORTH_ENTRIES or (changed is not None and changed <= _RENEWED_FROM):
            return NOTHING
        free = threading.Event()
        arrays, used = index.kept()
        files = _files(arrays, used, subjects)
        manifest = {
            "keys": interner.known,
            "used": used.tolist(),
            "subjects": {each.name: list(rows.keys) for each, rows in subjects.items()},
        }
        about = self.folder / name, files, manifest, free
        threading.Thread(None, self._write, WRITER, about, daemon=True).start()
        return free

    def _write(
        self, target: Path, files: dict[str, tuple[npt.NDArray[Any], int]],
        manifest: dict[str, Any], free: threading.Event,
    ) -> None:  # fmt: skip
        with _turn:
            partial = target.with_suffix(".partial")
            try:
                self._tidy(target)
                partial.mkdir(parents=True)
                needed = sum(used * array.itemsize for array, used in files.values())
                if shutil.disk_usage(partial).free < _ROOM_ON_DISK * needed:
                    _LOG.warning("the index is not kept: %s has little room left", self.folder)
                    return
                saved = {file: _save(partial / file, *held) for file, held in files.items()}
                free.set()
                text = json.dumps(manifest | {"files": saved}).encode()
                (partial / MANIFEST).write_bytes(b"%d\n%b" % (zlib.crc32(text), text))
                shutil.rmtree(target, ignore_errors=True)
                partial.rename(target)
            except OSError as error:
                _LOG.warning("the index is not kept: %s", error)
            finally:
                free.set()
                shutil.rmtree(partial, ignore_errors=True)

    def _tidy(self, target: Path) -> None:
        """Delete what a crash left, and indexes that nobody started with for longest."""
        found = {path: path / MANIFEST for path in self.folder.glob("*") if path != target}
        whole = sorted(
            (path for path, manifest in found.items() if manifest.is_file()),
            key=lambda path: found[path].stat().st_mtime,
        )
        for path in found.keys() - set(whole[1 - _KEPT :]):
            shutil.rmtree(path, ignore_errors=True)


def forget_indexes(home: Path) -> None:
    """Delete what is kept in a home; nothing but the time of a start is lost."""
    shutil.rmtree(home / FOLDER, ignore_errors=True)


def name_of(features: FeatureSet, calendar: Calendar) -> str:
    """Return what an index is called: a digest of all but the rows that its entries come from."""
    digest = blake2b(f"{_FORMAT} {source_digest()} {features.keysets}".encode(), digest_size=16)
    for part in (*features.program, *calendar):
        array = np.asarray(part)
        digest.update(f"{array.dtype.str} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


def _differing(then: SubjectRows, now: SubjectRows) -> Ints:
    """Return the rows that are not the same, or there only then or now."""
    both = min(len(then.event), len(now.event))
    differ = np.zeros(max(len(then.event), len(now.event)), dtype=bool)
    differ[both:] = True
    for one, other in (
        (then.event, now.event), (then.known, now.known),
        (then.numbers.view(np.int64), now.numbers.view(np.int64)),
    ):  # fmt: skip
        differ[:both] |= (one[:both] != other[:both]).any(axis=1)
    for at, keys in now.keys.items():
        differ[:both] |= then.keys[at][:both] != keys[:both]
    return np.flatnonzero(differ)


def _wide(rows: SubjectRows, at: Ints, keysets: int) -> Rows:
    """Return some rows as `AsOfIndex.change` takes them; one that is not there is not known."""
    there = np.flatnonzero(at < len(rows.event))
    held = at[there]
    wide = Rows(
        np.full((len(at), rows.event.shape[1]), UNKNOWN_TIME, dtype=np.int64),
        np.full((len(at), rows.known.shape[1]), UNKNOWN_TIME, dtype=np.int64),
        np.full((len(at), rows.numbers.shape[1]), np.nan),
        np.full((len(at), keysets), -1, dtype=np.int64),
    )
    wide.event[there], wide.known[there] = rows.event[held], rows.known[held]
    wide.numbers[there] = rows.numbers[held]
    for keyset, keys in rows.keys.items():
        wide.keys[there, keyset] = keys[held]
    return wide


def _files(
    arrays: IndexArrays, used: Ints, subjects: Mapping[Subject, SubjectRows]
) -> dict[str, tuple[npt.NDArray[Any], int]]:
    """Return what is written, by file: an array, and how many of its items are taken."""
    segments, times, sums, _ = used.tolist()
    taken = (arrays.heads.size, arrays.segment_of.size, 4 * segments, times, sums, times + sums)
    files: dict[str, tuple[npt.NDArray[Any], int]] = {}
    for (name, array), count in zip(arrays._asdict().items(), taken, strict=True):
        files[name] = array, count
    for subject, rows in subjects.items():
        parts = rows.event, rows.known, rows.numbers, np.column_stack(list(rows.keys.values()))
        for name, part in zip(rows._fields, parts, strict=True):
            files[f"{subject.name}.{name}"] = part, part.size
    return files


def _save(path: Path, array: npt.NDArray[Any], used: int) -> tuple[str, tuple[int, ...], int, int]:
    """Write an array, without what is not used of it; return what reading it takes."""
    data = _bytes(np.ascontiguousarray(array), used)
    with path.open("wb") as file:
        for at in range(0, len(data), _CHUNK_BYTES):
            file.write(data[at : at + _CHUNK_BYTES])
        file.truncate(array.nbytes)
    return array.dtype.str, array.shape, used, zlib.crc32(data)


def _read(folder: Path) -> KeptIndex:
    """Read an index; whatever is wrong with it raises."""
    checksum, _, text = (folder / MANIFEST).read_bytes().partition(b"\n")
    if zlib.crc32(text) != int(checksum):
        raise ValueError(f"{MANIFEST} is damaged")
    manifest = json.loads(text)
    files = manifest["files"]
    found = {file: _mapped(folder / file, *saved[:2]) for file, saved in files.items()}
    subjects = {}
    for name, keysets in manifest["subjects"].items():
        event, known, numbers, keys = (found[f"{name}.{part}"] for part in SubjectRows._fields)
        of_keyset = {keyset: keys[:, at] for at, keyset in enumerate(keysets)}
        subjects[Subject[name]] = SubjectRows(event, known, numbers, of_keyset)
    arrays = IndexArrays(*(found[name] for name in IndexArrays._fields))
    beside = ThreadPoolExecutor(1)
    whole = beside.submit(_check, found, {file: saved[2:] for file, saved in files.items()})
    beside.shutdown(wait=False)
    used = np.array(manifest["used"])
    return KeptIndex(folder, manifest["keys"], arrays, used, subjects, whole)


def _mapped(path: Path, kind: str, shape: Sequence[int]) -> npt.NDArray[Any]:
    """Map an array; a file that is shorter than it raises."""
    if not math.prod(shape):
        return np.empty(shape, kind)
    return np.asarray(np.memmap(path, kind, "c", shape=tuple(shape)))


def _check(found: Mapping[str, npt.NDArray[Any]], saved: Mapping[str, Sequence[int]]) -> None:
    """Compare checksums; nothing here holds the interpreter up.

    Raises:
        ValueError: if a file is damaged.
    """
    for file, (used, checksum) in saved.items():
        if zlib.crc32(_bytes(found[file], used)) != checksum:
            raise ValueError(f"{file} is damaged")


def _not_whole(folder: Path, error: Exception) -> None:
    _LOG.warning("the index in %s is not whole, it is built anew: %s", folder, error)


def _bytes(array: npt.NDArray[Any], used: int) -> memoryview:
    return memoryview(array.reshape(-1)[:used].view(np.uint8).data)
