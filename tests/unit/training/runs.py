"""Small training runs for tests: late orders that a model foresees, and baselines that do less."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from triage.models.bundle import write_bundle
from triage.training.run import TrainingRun

LANDMARKS = (
    "order_created", "order_validated", "allocation_confirmed", "pick_released",
    "shipment_dispatched",
)  # fmt: skip
MONTHS = ("2017-11", "2017-12")


def predictions(rows: int = 1_500, seed: int = 1) -> pd.DataFrame:
    """A prediction frame whose model is nearly right, with about one late order in eight."""
    rng = np.random.default_rng(seed)
    return pd.concat([_landmark(name, rows, rng) for name in LANDMARKS], ignore_index=True)


def training_run(folder: Path, rows: int = 1_500, seed: int = 1) -> TrainingRun:
    """A run with a bundle on disk."""
    files = {"trees/order_created.txt": b"tree" * 100, "model.json": b'{"seed": %d}' % seed}
    digest = write_bundle(folder / "bundle", "at_risk", files)
    rng = np.random.default_rng(seed)
    features = pd.DataFrame(
        {
            "promise_days": rng.normal(10, 3, 60),
            "site_open_orders": np.where(rng.random(60) < 0.2, np.nan, rng.normal(50, 9, 60)),
            "category": pd.Categorical(rng.choice(["toys", "tools"], 60)),
        }
    )
    return TrainingRun(
        name="at_risk",
        bundle=folder / "bundle",
        digest=digest,
        recipe={"name": "at_risk", "label": {"version": "late-1", "tolerance_hours": 0.0}},
        dataset={
            "fingerprint": "ab" * 32, "orders": 4_321, "rows": 12_000, "from": "2017-01-01",
            "until": "2018-01-01", "trained_as_of": "2018-01-01T00:00:00+00:00",
            "sources": ["sample"],
        },
        predictions=predictions(rows, seed),
        explained={"order_created": (features, rng.normal(0, 0.1, (60, 3)))},
        families_off={"stock": ("on_hand", "allocated")},
        declarations=json.dumps({"features": []}),
        parameters={"rounds": 200, "learning rate, start": 0.05},
    )  # fmt: skip


def _landmark(name: str, rows: int, rng: np.random.Generator) -> pd.DataFrame:
    logit = rng.normal(-2.2, 1.0, rows)
    late = (rng.random(rows) < _chance(logit)).astype(int)
    return pd.DataFrame(
        {
            "order_id": [f"order {i}" for i in range(rows)],
            "landmark": name,
            "as_of": 1_510_000_000_000_000 + np.arange(rows) * 10**9,
            "month": np.where(np.arange(rows) < rows // 2, *MONTHS),
            "late": late,
            "model": _chance(logit + rng.normal(0, 0.2, rows)),
            "constant": late.mean(),
            "rule": _chance(0.2 * logit - 1.6 + rng.normal(0, 0.3, rows)),
            "logistic": _chance(0.5 * logit - 1.0 + rng.normal(0, 0.3, rows)),
        }
    )


def _chance(
    logit: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return 1 / (1 + np.exp(-logit))
