"""An index that lay on the disk is, once it is put right, the one that is filled anew."""

from __future__ import annotations

import logging
import random
import shutil
import threading
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from tests.histories import history_of, order, records
from tests.unit.features.declared import declarations
from tests.unit.features.test_came_laws import FEATURES, assert_same

from triage.domain.records import OrderLine, Record
from triage.errors import HistoryError
from triage.features import calendar, index_files, index_kept
from triage.features.compile import compile_features
from triage.features.engine import FeatureEngine
from triage.features.index_files import MANIFEST
from triage.features.index_kept import WRITER, KeptIndexes, forget_indexes, name_of
from triage.history.lock import only_one
from triage.history.tables import History

NAME = name_of(FEATURES, calendar.build("America/Chicago", "US"))


@pytest.fixture(autouse=True, scope="module")
def _worth() -> Iterator[None]:
    """However small an index, and however much changed, it is kept and put right."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_kept, "_WORTH_ENTRIES", 0)
        patch.setattr(index_kept, "_PATIENCE", 1e9)
        patch.setattr(index_kept, "_RENEWED_FROM", 0)
        yield


@pytest.fixture
def drawn() -> list[Record]:
    return [order(f"{letter}", hours, 100) for hours, letter in enumerate("ABCDEFGH")]


def index_written() -> None:
    """Wait until what is being kept is kept."""
    for thread in threading.enumerate():
        if thread.name == WRITER:
            thread.join()


def started(home: Path, history: History) -> FeatureEngine:
    """Return the engine of a service that starts, once it has kept its index."""
    engine = FeatureEngine.of(history, FEATURES, kept=KeptIndexes(home))
    index_written()
    return engine


def files(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (home / "index" / NAME).glob("*")}


@settings(max_examples=60, deadline=None)
@given(records(), records(max_orders=6), st.integers(0, 60), st.randoms(use_true_random=False))
def test_whatever_became_of_the_log_a_kept_index_is_put_right(
    drawn: list[Record], otherwise: list[Record], cut: int, shuffle: random.Random
) -> None:
    then, now = history_of(drawn[:cut]), history_of([*drawn, *otherwise])
    with TemporaryDirectory() as scratch:
        home = Path(scratch)
        started(home, then)
        again = started(home, now)
        assert_same(again, FeatureEngine.of(now, FEATURES))
        fewer = started(home, then)
        assert_same(fewer, FeatureEngine.of(then, FEATURES))
        since = [*drawn[cut:], *otherwise]
        shuffle.shuffle(since)
        fewer.apply_all(since)
        live = FeatureEngine.of(then, FEATURES)
        live.apply_all(since)
        assert_same(fewer, live)


def test_a_start_without_changes_fills_nothing_and_writes_nothing(
    tmp_path: Path, drawn: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    history = history_of(drawn)
    before = started(tmp_path, history)
    written = files(tmp_path)
    monkeypatch.setattr(index_kept, "_RENEWED_FROM", 1)
    monkeypatch.delattr("triage.features.index.AsOfIndex.fill")
    monkeypatch.delattr("triage.features.index_kept.KeptIndexes._write")
    assert_same(started(tmp_path, history), before)
    assert files(tmp_path) == written


def test_live_records_change_the_process_not_the_files(tmp_path: Path, drawn: list[Record]) -> None:
    history = history_of(drawn)
    started(tmp_path, history)
    written = files(tmp_path)
    again = started(tmp_path, history)
    again.apply_all([order(f"later {n}", 20 + n, 100) for n in range(300)])
    assert files(tmp_path) == written
    assert_same(started(tmp_path, history), FeatureEngine.of(history, FEATURES))


def test_what_is_not_whole_is_said_and_built_anew(
    tmp_path: Path, drawn: list[Record], caplog: pytest.LogCaptureFixture
) -> None:
    history = history_of(drawn)
    whole = started(tmp_path, history)
    for name, held in sorted(files(tmp_path).items()):
        path = tmp_path / "index" / NAME / name
        if not held:
            continue
        for damaged in (held[:-1], b"", bytes([held[0] ^ 1]) + held[1:]):
            path.write_bytes(damaged)
            with caplog.at_level(logging.WARNING, "triage.features"):
                assert_same(started(tmp_path, history), whole)
            said = [each for each in caplog.messages if "is not whole" in each]
            assert said or name == MANIFEST, name
            caplog.clear()
            assert files(tmp_path)[name] == held


def test_other_features_zones_and_code_have_another_index(monkeypatch: pytest.MonkeyPatch) -> None:
    zone = calendar.build("America/Chicago", "US")
    names = {
        NAME,
        name_of(FEATURES, calendar.build("Europe/Berlin", "US")),
        name_of(FEATURES, calendar.build("America/Chicago", "DE")),
        name_of(compile_features(declarations(), (), tolerance_hours=5), zone),
    }
    monkeypatch.setattr(index_kept, "_CODE", "another")
    assert len(names | {name_of(FEATURES, zone)}) == 5


def test_what_a_crash_left_goes_and_two_indexes_stay(tmp_path: Path, drawn: list[Record]) -> None:
    history = history_of(drawn)
    started(tmp_path, history)
    folder = tmp_path / "index"
    for name in ("one", "two", f"{NAME}.partial", "three.former"):
        shutil.copytree(folder / NAME, folder / name)
    shutil.rmtree(folder / NAME)
    started(tmp_path, history)
    kept = sorted(path.name for path in folder.iterdir() if path.is_dir())
    assert kept == sorted([NAME, "two"])


def test_a_customer_who_is_gone_from_the_log_is_gone_from_the_index(
    tmp_path: Path, drawn: list[Record]
) -> None:
    line = OrderLine(line_no=1, sku="GONE-1", quantity=1, site="W1")
    gone = order("Z", 30, 100, lines=(line,))
    started(tmp_path, history_of([*drawn, gone]))
    assert b"GONE-1" in files(tmp_path)[MANIFEST]
    history = history_of(drawn)
    assert_same(started(tmp_path, history), FeatureEngine.of(history, FEATURES))
    assert b"GONE-1" not in files(tmp_path)[MANIFEST]


def test_records_that_a_slow_disk_would_hold_up_spoil_what_it_has(
    tmp_path: Path, drawn: list[Record], monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    taken, save = threading.Event(), index_files.save

    def slowly(*held: Any) -> Any:
        assert taken.wait(20)
        return save(*held)

    monkeypatch.setattr(index_kept, "save", slowly)
    monkeypatch.setattr(index_kept, "_WAIT_SECONDS", 0.01)
    engine = FeatureEngine.of(history_of(drawn), FEATURES, kept=KeptIndexes(tmp_path))
    later = [order(f"later {n}", 20 + n, 100) for n in range(30)]
    engine.apply_all(later)
    taken.set()
    index_written()
    assert "records came" in caplog.text
    assert not (tmp_path / "index" / NAME).exists()
    assert_same(engine, FeatureEngine.of(history_of([*drawn, *later]), FEATURES))


def test_one_keeps_an_index_at_a_time(
    tmp_path: Path, drawn: list[Record], caplog: pytest.LogCaptureFixture
) -> None:
    with only_one(tmp_path / "index" / "writer.lock", "somebody else writes"):
        started(tmp_path, history_of(drawn))
    assert "another index is being kept" in caplog.text
    assert not (tmp_path / "index" / NAME).exists()


def test_what_cannot_be_deleted_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_indexes(tmp_path)
    (tmp_path / "index").mkdir()

    def refuse(_: object) -> None:
        raise PermissionError("not yours")

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(HistoryError, match="do it by hand: not yours"):
        forget_indexes(tmp_path)


def test_an_index_is_not_kept_where_the_disk_has_little_room(
    tmp_path: Path, drawn: list[Record], monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1000))
    history = history_of(drawn)
    assert_same(started(tmp_path, history), FeatureEngine.of(history, FEATURES))
    assert [path.name for path in (tmp_path / "index").iterdir()] == ["writer.lock"]
    assert "little room" in caplog.text


def test_a_home_that_cannot_be_written_serves_all_the_same(
    tmp_path: Path, drawn: list[Record], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "index").write_text("a file where the folder belongs")
    history = history_of(drawn)
    engine = started(tmp_path, history)
    engine.apply_all([order("later", 30, 100)])
    assert len(engine.book) == len(drawn) + 1
    assert "is not kept" in caplog.text


def test_small_indexes_and_much_changed_ones_are_built_anew(
    tmp_path: Path, drawn: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_kept, "_PATIENCE", 0)
    started(tmp_path, history_of(drawn))
    more = history_of([*drawn, *(order(f"later {n}", 20 + n, 100) for n in range(300))])
    before = files(tmp_path)
    assert_same(started(tmp_path, more), FeatureEngine.of(more, FEATURES))
    assert files(tmp_path) != before
    monkeypatch.setattr(index_kept, "_WORTH_ENTRIES", 10**9)
    forget_indexes(tmp_path)
    started(tmp_path, more)
    assert not (tmp_path / "index").exists()
