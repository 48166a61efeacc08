from __future__ import annotations

from pathlib import Path

from benchmarks.fidelity import fidelity


def test_without_what_a_reason_names_the_probability_moves_the_way_the_reason_says(
    home: Path,
) -> None:
    found = fidelity(home, 60)
    assert found.orders == 60
    assert found.reasons > 50
    assert found.right_way > 0.9
    assert found.told > 3 * found.by_lot
