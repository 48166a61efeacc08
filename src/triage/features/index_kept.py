"""Built indexes on the disk, so that the next start puts right what changed since, and no more.

Beside the arrays lie the rows that they were filled from. Rows that are otherwise now take the
place of those, so that the outcome is that of filling anew, whatever became of the log meanwhile.
The name of a kept index is a digest of all else that an entry is made from: program, calendar, key
sets, code. What is not whole is as good as none (see `index_files`). Where putting right takes too
long, or a key is kept that no row has any more (a customer who is gone from the log), all is filled
anew.

It may be deleted at any time; the next start builds the index anew then, and keeps it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import threading
import time
from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from triage.domain.clock import UNKNOWN_TIME
from triage.errors import HistoryError
from triage.features.book import Interner
from triage.features.calendar import Calendar
from triage.features.compile import FeatureSet, Ints
from triage.features.facts import Subject
from triage.features.index import AsOfIndex
from triage.features.index_arrays import IndexArrays
from triage.features.index_changes import Rows
from triage.features.index_files import MANIFEST, check, mapped, put, save, seal, sealed
from triage.features.index_filling import SubjectRows
from triage.history.lock import only_one
from triage.jit import SOURCES

FOLDER = "index"
LOCK = "writer.lock"
WRITER = "index-writer"
"""Name of the thread that writes."""
_CODE = SOURCES + "".join(
    blake2b(Path(__file__).with_name(name).read_bytes(), digest_size=8).hexdigest()
    for name in ("index.py", "index_files.py", "index_kept.py")
)
_WORTH_ENTRIES = 1_000_000
"""An index of fewer entries is built in less time than it takes to say why it is not kept."""
_PATIENCE = 1.5e-7
"""Seconds for each entry that putting right may take: half of what filling anew takes."""
_RENEWED_FROM = 0.2
"""Of that time; what took less is not written again."""
_ROWS_AT_ONCE = 50
_WAIT_SECONDS = 1.0
_KEPT = 2
"""Champion and whoever follows it."""
_ROOM_ON_DISK = 4
"""An index is written where the disk has room for so many."""
_LOG = logging.getLogger("triage.features")


class Writing:
    """An index that is being written, or was, or is not."""

    def __init__(self) -> None:
        self._free, self.spoilt = threading.Event(), False

    def over(self) -> Self:
        """Say that it may change."""
        self._free.set()
        return self

    def wait(self) -> None:
        """Wait until it may change; where a disk takes longer, what it has is no good."""
        if not self._free.wait(_WAIT_SECONDS):
            self.spoilt = True


NOTHING = Writing().over()


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
        """Make an empty index that of some rows.

        Returns:
            Which share of the time that this may take was taken; None if the index is to be filled
            anew, and is of no use now.
        """
        try:
            self.whole.result()
        except ValueError as error:
            _not_whole(self.folder, error)
            return None
        if subjects.keys() != self.subjects.keys():
            return None
        index.restore(self.arrays, self.used)
        patience, begun = max(_PATIENCE * index.entries, 1e-9), time.perf_counter()
        for subject, now in subjects.items():
            then, n = self.subjects[subject], len(self.keys)
            differing = _differing(then, now)
            for first in range(0, len(differing), _ROWS_AT_ONCE):
                at = differing[first : first + _ROWS_AT_ONCE]
                index.change(subject, _wide(then, at, n), _wide(now, at, n))
                if time.perf_counter() - begun > patience:
                    return None
        return (time.perf_counter() - begun) / patience


class KeptIndexes:
    """The indexes of a home.

    Args:
        home: they lie in `index` there; one writes at a time.
    """

    def __init__(self, home: Path) -> None:
        self.folder = home / FOLDER

    def read(self, name: str) -> KeptIndex | None:
        """Return an index, whose files are looked through beside; None if there is none."""
        folder = self.folder / name
        try:
            found = _read(folder)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError) as error:
            _not_whole(folder, error)
            return None
        with contextlib.suppress(OSError):
            os.utime(folder / MANIFEST)
        return found

    def write_if_worth(
        self, name: str, index: AsOfIndex, interner: Interner,
        subjects: Mapping[Subject, SubjectRows], spent: float | None,
    ) -> Writing:  # fmt: skip
        """Write an index in a thread, unless it is small or lies there nearly as it is.

        Args:
            name: see `name_of`.
            index: the index, as it was filled.
            interner: its keys.
            subjects: the rows that it was filled from.
            spent: what `KeptIndex.restore` returned; None if there was none.

        Returns:
            What to wait for before any of these may change.
        """
        if index.entries < _WORTH_ENTRIES or (spent is not None and spent <= _RENEWED_FROM):
            return NOTHING
        writing = Writing()
        arrays, used = index.kept()
        files = _files(arrays, used, subjects)
        manifest = {
            "keys": interner.known,
            "used": used.tolist(),
            "subjects": {each.name: list(rows.keys) for each, rows in subjects.items()},
        }
        about = self.folder / name, files, manifest, writing
        threading.Thread(None, self._write, WRITER, about, daemon=True).start()
        return writing

    def _write(
        self, target: Path, files: dict[str, tuple[npt.NDArray[Any], int]],
        manifest: dict[str, Any], writing: Writing,
    ) -> None:  # fmt: skip
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with only_one(self.folder / LOCK, "another index is being kept"):
                self._tidy(target)
                partial = target.with_suffix(".partial")
                partial.mkdir()
                try:
                    self._fill(partial, files, manifest, writing)
                    if (partial / MANIFEST).is_file():
                        put(partial, target)
                finally:
                    shutil.rmtree(partial, ignore_errors=True)
        except (OSError, HistoryError) as error:
            _LOG.warning("the index is not kept: %s", error)
        finally:
            writing.over()

    def _fill(
        self, folder: Path, files: dict[str, tuple[npt.NDArray[Any], int]],
        manifest: dict[str, Any], writing: Writing,
    ) -> None:  # fmt: skip
        """Write all files, the manifest last, and only if nothing changed meanwhile."""
        needed = sum(used * array.itemsize for array, used in files.values())
        if shutil.disk_usage(folder).free < _ROOM_ON_DISK * needed:
            _LOG.warning("the index is not kept: %s has little room left", self.folder)
            return
        saved = {file: save(folder / file, *held) for file, held in files.items()}
        writing.over()
        if writing.spoilt:
            _LOG.warning("the index is not kept: the disk is slow, and records came")
            return
        seal(folder, manifest | {"files": saved})

    def _tidy(self, target: Path) -> None:
        """Delete what a crash left, and indexes that nobody started with for longest."""
        folders = [path for path in self.folder.iterdir() if path.is_dir() and path != target]
        whole = [path for path in folders if not path.suffix and (path / MANIFEST).is_file()]
        whole.sort(key=lambda path: (path / MANIFEST).stat().st_mtime)
        for path in set(folders) - set(whole[1 - _KEPT :]):
            shutil.rmtree(path, ignore_errors=True)


def forget_indexes(home: Path) -> None:
    """Delete what is kept in a home; nothing but the time of a start is lost.

    Raises:
        HistoryError: if something of it stays.
    """
    try:
        shutil.rmtree(home / FOLDER)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise HistoryError(f"{home / FOLDER} cannot be deleted, do it by hand: {error}") from error


def all_in_use(interner: Interner, keys: Collection[Mapping[int, Ints]]) -> bool:
    """Return whether every key that has a number is one of those that some rows have."""
    for at, known in enumerate(interner.known):
        seen = np.zeros(len(known), dtype=bool)
        for own in (each[at] for each in keys if known and at in each):
            seen[own[own >= 0]] = True
        if not seen.all():
            return False
    return True


def name_of(features: FeatureSet, calendar: Calendar) -> str:
    """Return what an index is called: a digest of all but the rows that its entries come from."""
    digest = blake2b(f"{_CODE} {features.keysets}".encode(), digest_size=16)
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


def _read(folder: Path) -> KeptIndex:
    """Read an index; whatever is wrong with it raises."""
    manifest = sealed(folder)
    files = manifest["files"]
    found = {file: mapped(folder / file, *saved[:2]) for file, saved in files.items()}
    subjects = {}
    for name, keysets in manifest["subjects"].items():
        event, known, numbers, keys = (found[f"{name}.{part}"] for part in SubjectRows._fields)
        of_keyset = {keyset: keys[:, at] for at, keyset in enumerate(keysets)}
        subjects[Subject[name]] = SubjectRows(event, known, numbers, of_keyset)
    arrays = IndexArrays(*(found[name] for name in IndexArrays._fields))
    beside = ThreadPoolExecutor(1)
    whole = beside.submit(check, found, {file: saved[2:] for file, saved in files.items()})
    beside.shutdown(wait=False)
    used = np.array(manifest["used"])
    return KeptIndex(folder, manifest["keys"], arrays, used, subjects, whole)


def _not_whole(folder: Path, error: Exception) -> None:
    _LOG.warning("the index in %s is not whole, it is built anew: %s", folder, error)
