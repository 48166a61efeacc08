"""An almost empty company: 900 orders of a year, only when each was placed, due and delivered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

FILE = "orders.csv"
FIRST, DAYS = pd.Timestamp("2024-01-01"), 365


def generate(orders: int = 900, seed: int = 1) -> pd.DataFrame:
    """Return the orders: number, dates without times; about one in eight is late."""
    rng = np.random.default_rng(seed)
    placed = np.sort(rng.integers(0, DAYS, orders))
    lead = rng.integers(4, 15, orders)
    took = np.round(lead + rng.normal(-2.3, 2.0, orders)).astype(int)
    delivered = placed + np.maximum(took, 1)
    return pd.DataFrame(
        {
            "number": np.arange(1, orders + 1),
            "placed": _day(placed),
            "due": _day(placed + lead),
            "delivered": np.where(delivered < DAYS, _day(delivered), ""),
        }
    )


def write(folder: Path, orders: int = 900, seed: int = 1) -> Path:
    """Write the file."""
    folder.mkdir(parents=True, exist_ok=True)
    generate(orders, seed).to_csv(folder / FILE, index=False)
    return folder


def _day(days: np.ndarray) -> np.ndarray:
    return (FIRST + pd.to_timedelta(days, unit="D")).strftime("%Y-%m-%d").to_numpy()
