"""kill -9 while appending: everything that was acknowledged is there afterwards."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from triage.ledger.audit import verify
from triage.ledger.journal import Journal
from triage.ledger.ledger import Ledger

ROUNDS = int(os.environ.get("TRIAGE_KILLS", "20"))
LEDGER_ROUNDS = max(1, ROUNDS // 10)

APPEND = """
import sys, threading
from pathlib import Path
from triage.ledger.journal import Journal
journal = Journal.open(Path(sys.argv[1]), acknowledge=sys.argv[2], segment_bytes=20_000)
def work(name):
    n = 0
    while True:
        payload = b"%s-%06d" % (name, n)
        seq = journal.append([payload, payload]).result().start
        sys.stdout.write(f"{seq} {payload.decode()}\\n"); sys.stdout.flush()
        n += 1
for k in range(8):
    threading.Thread(target=work, args=(b"%d" % k,), daemon=True).start()
threading.Event().wait()
"""

RECORD = """
import sys, threading
from pathlib import Path
from triage.ledger.entries import Draft, canonical
from triage.ledger.ledger import Ledger
ledger = Ledger.open(Path(sys.argv[1]), acknowledge=sys.argv[2], segment_bytes=20_000)
def work():
    n = 0
    while True:
        entry, = ledger.record(Draft("decision", canonical({"n": n}), "SO-1", b"someone"))
        sys.stdout.write(f"{entry.seq} {entry.id}\\n"); sys.stdout.flush()
        if n % 10 == 5:
            ledger.erase(entry.seq, reason="asked")
        n += 1
for k in range(4):
    threading.Thread(target=work, daemon=True).start()
threading.Event().wait()
"""


def acknowledged(code: str, folder: Path, mode: str, seconds: float) -> dict[int, str]:
    """Run a child, kill it, and return what it was told had been kept."""
    command = [sys.executable, "-c", code, str(folder), mode]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(seconds)
        child.kill()
        lines = (first + child.stdout.read()).splitlines(keepends=True)
    return {int(seq): name.strip() for seq, name in (x.split() for x in lines if x[-1] == "\n")}


@pytest.mark.parametrize("mode", ["synced", "written"])
def test_no_acknowledged_append_is_lost_to_kill_9(tmp_path: Path, mode: str) -> None:
    chance = random.Random(mode)  # noqa: S311 - moments, not secrets
    told: dict[int, str] = {}
    for _ in range(ROUNDS // 2):
        fresh = acknowledged(APPEND, tmp_path, mode, chance.uniform(0, 0.1))
        assert fresh
        assert not told.keys() & fresh.keys()
        told |= fresh
    journal = Journal.open(tmp_path)
    there = {seq: payload.decode() for seq, payload in journal.read()}
    journal.close()

    assert sorted(there) == list(range(1, len(there) + 1))
    assert {seq: there[seq] for seq in told} == told
    assert all(there[seq + 1] == name for seq, name in told.items())


@pytest.mark.parametrize("mode", ["synced", "written"])
def test_no_acknowledged_entry_is_lost_to_kill_9_and_the_chain_is_whole(
    tmp_path: Path, mode: str
) -> None:
    chance = random.Random(mode)  # noqa: S311
    told: dict[int, str] = {}
    for _ in range(LEDGER_ROUNDS):
        fresh = acknowledged(RECORD, tmp_path, mode, chance.uniform(0, 0.5))
        assert fresh
        told |= fresh
    ledger = Ledger.open(tmp_path)
    there = {entry.seq: entry.id for entry in ledger.entries()}
    found = verify(ledger)
    ledger.flush()
    moved = verify(ledger)
    ledger.close()

    assert {seq: there[seq] for seq in told} == told
    assert found.ok
    assert moved == found
    assert found.last_seq == len(there)
