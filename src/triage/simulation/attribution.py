"""Are orders blamed on what really made them late? Attributed causes against the truth.

The truth is `truth.blame`: exact Shapley shares over worlds without each cause. An attribution is a
frame with one row an order and one column of effects a cause; any unit does, larger is more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from triage.errors import SimulationError
from triage.simulation.causes import NAMES
from triage.simulation.columns import order_no
from triage.simulation.truth import Blame

CAUSES = (*NAMES, "promise")
"""Causes in the truth; `promise` is what is late in a world without any other."""
OF_ADVICE = {
    "inventory": "stock",
    "approval": "approval",
    "warehouse": "capacity",
    "integration": "integration",
    "demand": "change",
    "carrier": "carrier",
    "promise": "promise",
}
"""Causes as features and answers name them, by their names here. Of the weather nothing tells but
the road, and "other" names no cause."""
NONE = "none"
"""Attributed to an order of which no cause has a positive effect."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far attributed main causes are the true ones.

    Attributes:
        late: late orders in both frames.
        dominant: those of them with one dominant true cause.
        agreement: share of the dominant ones whose attributed main cause is the true one.
        confusion: dominant orders by true (rows) and attributed (columns) main cause.
        by_cause: by true or attributed cause: orders, recall, precision.
    """

    late: int
    dominant: int
    agreement: float
    confusion: pd.DataFrame
    by_cause: pd.DataFrame


def true_shares(blame: Blame) -> pd.DataFrame:
    """Return the true shares of each late order: order_id and one column a cause; they sum to 1."""
    late = np.flatnonzero(blame.late > 0)
    shares = dict(zip(CAUSES, blame.shares()[:, late], strict=True))
    return pd.DataFrame({"order_id": order_no(late).to_pylist(), **shares})


def compare(
    effects: pd.DataFrame, truth: pd.DataFrame, *, at_least: float = 0.6,
    merge: Mapping[str, str] | None = None,
) -> Agreement:  # fmt: skip
    """Return how far attributed causes agree with the true ones.

    Args:
        effects: order_id and one column a cause, of those in CAUSES that the attribution knows.
        truth: as `true_shares` gives it.
        at_least: share from which on a true cause is dominant.
        merge: causes that count as another one, such as {"shock": "carrier"}, in both frames.

    Raises:
        SimulationError: if a column is no cause, an order stands twice, or no order with a dominant
            cause is in both frames.
    """
    told, true = _merged(effects, merge or {}), _merged(truth, merge or {})
    both = true.index.intersection(told.index)
    share = true.loc[both]
    dominant = both[share.max(axis=1) >= at_least]
    if not len(dominant):
        raise SimulationError("no late order with a dominant cause is in both frames")
    actual = true.loc[dominant].idxmax(axis=1)
    own = told.loc[dominant]
    said = own.idxmax(axis=1).where(own.max(axis=1) > 0, NONE)
    names = [*true.columns, NONE]
    table = pd.crosstab(actual, said).reindex(index=names[:-1], columns=names, fill_value=0)
    right = pd.Series(np.diag(table[names[:-1]]), index=names[:-1])
    orders, named = table.sum(axis=1), table[names[:-1]].sum()
    by_cause = pd.DataFrame(
        {
            "orders": orders,
            "recall": right / orders.where(orders > 0),
            "precision": right / named.where(named > 0),
        }
    )
    return Agreement(len(both), len(dominant), float((actual == said).mean()), table, by_cause)


def _merged(frame: pd.DataFrame, merge: Mapping[str, str]) -> pd.DataFrame:
    """Return effects by order (index) and cause, in the sequence of CAUSES."""
    by_order = frame.set_index("order_id")
    strange = [str(name) for name in by_order.columns if name not in CAUSES]
    if strange:
        raise SimulationError(f"{', '.join(strange)}: no such cause; there are {', '.join(CAUSES)}")
    if by_order.index.has_duplicates:
        raise SimulationError("an order stands twice in a frame of causes")
    renamed = by_order.rename(columns=dict(merge)).T.groupby(level=0).sum().T
    return renamed.reindex(columns=[name for name in CAUSES if name not in merge], fill_value=0.0)
