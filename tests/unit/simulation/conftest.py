from __future__ import annotations

import pytest

from triage.simulation.sample import Simulated, simulate


@pytest.fixture(scope="session")
def small() -> Simulated:
    """A distributor with 6,000 orders in 420 days, every cause, nobody advised."""
    return simulate(seed=5, orders=6_000)
