from __future__ import annotations

import os
import socket
from pathlib import Path

from benchmarks import faults

KILLS = int(os.environ.get("TRIAGE_KILLS", "2"))
SWAPS, SPOILT = 2, 3


def test_a_service_that_is_killed_loses_nothing_that_it_acknowledged(home: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    sheet = faults.run(home, KILLS, SWAPS, SPOILT, port=port)
    assert sheet.kills == KILLS
    assert sheet.decisions > KILLS
    assert sheet.events > KILLS
    assert (sheet.lost_decisions, sheet.lost_events) == (0, 0)
    assert sheet.chain_whole
    assert sheet.replayed >= sheet.decisions
    assert sheet.replayed_same == sheet.replayed
    assert sheet.replayed_models == 2
    assert sheet.swaps is not None
    assert (sheet.swaps.swaps, sheet.swaps.failed) == (SWAPS, 0)
    assert sheet.mutations is not None
    assert (sheet.mutations.made, sheet.mutations.refused) == (SPOILT, SPOILT)
