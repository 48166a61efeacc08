"""Intents: on the disk before their entries, gone when those are."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from triage.ledger import intents
from triage.ledger.audit import make_checkpoint
from triage.ledger.checkpoint import Signer
from triage.ledger.entries import Draft
from triage.ledger.errors import StoreUnavailableError
from triage.ledger.intents import Intents, given_up_id
from triage.ledger.ledger import Ledger

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def files(folder: Path) -> int:
    return len(list(folder.glob("*.journal")))


async def test_an_intent_is_there_after_a_crash_and_goes_when_it_is_made_up_for(
    tmp_path: Path,
) -> None:
    first = Intents(tmp_path)
    first.attend()
    for n in range(3):
        await first.keep(f"id{n}", b"%d\nlines" % n)
    first.close()
    again = Intents(tmp_path)
    assert again.left == {f"id{n}": b"%d\nlines" % n for n in range(3)}
    await asyncio.to_thread(again.made_up_for, 5.0)
    again.close()
    last = Intents(tmp_path)

    assert last.left == {}
    last.close()


async def test_one_that_is_taken_back_is_not_left(tmp_path: Path) -> None:
    first = Intents(tmp_path)
    first.attend()
    kept = [first.keep(entry_id, b"{}") for entry_id in ("stays", "goes at once")]
    first.take_back("goes at once", kept[1])
    await asyncio.gather(*kept)
    later = first.keep("goes later", b"{}")
    await later
    first.take_back("goes later", later)
    first.close()
    again = Intents(tmp_path)

    assert again.left == {"stays": b"{}"}
    again.close()


async def test_those_that_are_over_do_not_pile_up_though_one_is_always_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intents, "_FORGET_AFTER", 10)
    monkeypatch.setattr(intents, "_SEGMENT_BYTES", 4_000)
    kept = Intents(tmp_path)
    kept.attend()
    before = kept.keep("before", bytes(300))
    for n in range(200):
        one = kept.keep(f"id{n}", bytes(300))
        await one
        kept.over(before)
        before = one
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.1)
    kept.close()
    again = Intents(tmp_path)

    assert files(tmp_path) < 6
    assert "id199" in again.left
    again.close()


async def test_to_clear_waits_for_those_that_are_open(tmp_path: Path) -> None:
    kept = Intents(tmp_path)
    kept.attend()
    one = kept.keep("id", b"open")
    await one
    with pytest.raises(StoreUnavailableError, match="wait for their entries"):
        await asyncio.to_thread(kept.clear, 0.05)
    clearing = asyncio.create_task(asyncio.to_thread(kept.clear, 5.0))
    await asyncio.sleep(0.02)
    kept.over(one)
    await clearing

    assert b"open" not in b"".join(each.read_bytes() for each in tmp_path.glob("*.journal"))
    kept.close()


async def test_what_is_erased_is_in_no_intent_either(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path)
    ledger.attend()
    kept = ledger.intents.keep("id", b"of Erika Mustermann")
    written, landed = ledger.record_behind(Draft("decision", b"{}", "SO-1", b"Erika Mustermann"))
    await asyncio.gather(kept, written)
    (entry,) = await landed
    ledger.intents.over(kept)
    held = [p for p in (tmp_path / "ledger").rglob("*") if p.is_file()]
    assert any(b"Erika" in path.read_bytes() for path in held if path.parent.name == "intents")
    await asyncio.to_thread(ledger.erase, entry.seq, reason="asked")
    ledger.close()

    left = [path for path in (tmp_path / "ledger").rglob("*") if path.is_file()]
    assert [path for path in left if b"Erika" in path.read_bytes()] == []


async def test_erasing_and_deleting_wait_for_what_a_crash_left_without_an_entry(
    tmp_path: Path,
) -> None:
    ledger = Ledger.open(tmp_path)
    ledger.attend()
    signer = Signer.load(tmp_path / "signing.key")
    (entry,) = await ledger.record_async(Draft("decision", b"{}", "SO-1", b"Erika", "has one"))
    await asyncio.gather(*[ledger.intents.keep(name, b"{}") for name in ("has one", "has none")])
    await asyncio.to_thread(ledger.flush)
    checkpoint = make_checkpoint(ledger, signer)
    ledger.close()
    ledger = Ledger.open(tmp_path)
    assert set(ledger.intents.left) == {"has one", "has none"}
    with pytest.raises(StoreUnavailableError, match="left 1 decisions"):
        ledger.retain(checkpoint, signer, reason="old")
    assert ledger.get("has one") is not None
    with pytest.raises(StoreUnavailableError, match="left 1 decisions"):
        ledger.erase(entry.seq, reason="asked")
    ledger.record(Draft("alarm", b"{}", id=given_up_id("has none")))
    ledger.retain(checkpoint, signer, reason="old")

    assert ledger.get("has one") is None
    assert ledger.unfinished() == {}
    ledger.close()
