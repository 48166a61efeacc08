"""Lateness in the sample has causes that were visible when the order came in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

COMMITTED = Path(__file__).parents[3] / "data" / "samples"
END = pd.Timestamp("2026-03-02 00:00")
LAST_EIGHT_MONTHS = pd.Timestamp("2025-07-01")
FAR = pd.Timestamp("2100-01-01")


def auc(late: pd.Series, score: pd.Series) -> float:
    """Chance that a late order is ranked above an on-time one (Mann-Whitney, ties count half)."""
    ranks, n_late = score.rank(), int(late.sum())
    above = float(ranks[late].sum()) - n_late * (n_late + 1) / 2
    return above / (n_late * (len(late) - n_late))


def known_before(moments: pd.Series, as_of: pd.Series) -> NDArray[np.int64]:
    """Count, for each as-of, the moments strictly before it."""
    counted = np.searchsorted(np.sort(moments.to_numpy()), as_of.to_numpy(), side="left")
    return counted.astype(np.int64)


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    """Orders with `known` (as-of of their score) and what may be seen of them, and from when."""
    days = ["order_ts", "recorded_at", "promise_dt", "ship_by_dt"]
    placed = pd.read_csv(COMMITTED / "orders.csv.gz", parse_dates=days).set_index("order_no")
    events = pd.read_csv(
        COMMITTED / "milestones.csv.gz", parse_dates=["event_ts", "recorded_at"]
    ).set_index("order_no")
    events["known"] = events["recorded_at"].fillna(events["event_ts"])
    lines = pd.read_csv(COMMITTED / "order_lines.csv.gz")
    events = events[~events.set_index("event_code", append=True).index.duplicated()]
    codes = {c: events[events["event_code"] == c] for c in ("SHIP_CONF", "POD", "CANCEL")}
    placed["site"] = lines.groupby("order_no")["ship_from"].first()
    placed["known"] = placed["recorded_at"].fillna(placed["order_ts"])
    placed["cancelled"] = placed.index.isin(codes["CANCEL"].index)
    left = pd.concat([codes["SHIP_CONF"]["known"], codes["CANCEL"]["known"]]).groupby(level=0).min()
    placed["left"] = left.reindex(placed.index).fillna(FAR)
    due = placed["promise_dt"] + pd.Timedelta(days=1)
    delivered = codes["POD"]["event_ts"].reindex(placed.index).fillna(FAR)
    heard = codes["POD"]["known"].reindex(placed.index).fillna(FAR)
    placed["due"], placed["late"] = due, delivered >= due
    placed["outcome_known"] = heard.where(heard < due, due)
    withdrawn = codes["CANCEL"]["known"].reindex(placed.index).fillna(FAR)
    placed["has_outcome"] = withdrawn >= placed["outcome_known"]
    return placed


def overdue_backlog(orders: pd.DataFrame) -> pd.Series:
    """Orders of the same site past their ship-by day and, as far as was known, not yet shipped."""
    score = pd.Series(0.0, index=orders.index)
    ship_by_over = orders["ship_by_dt"] + pd.Timedelta(days=1)
    overdue_from = ship_by_over.where(ship_by_over > orders["known"], orders["known"])
    for _, site in orders.groupby("site"):
        slow = site.index[site["left"] > overdue_from[site.index]]
        came = known_before(overdue_from[slow], site["known"])
        score[site.index] = came - known_before(site.loc[slow, "left"], site["known"])
    return score


def carrier_lateness(orders: pd.DataFrame) -> pd.Series:
    """Late share of the carrier's orders whose outcome became visible in the last 21 days."""
    score, window = pd.Series(0.0, index=orders.index), pd.Timedelta(days=21)
    for _, carrier in orders.groupby("carrier"):
        as_of, seen = carrier["known"], carrier.loc[carrier["has_outcome"]]
        late = seen.loc[seen["late"], "outcome_known"]
        n, n_late = (
            known_before(outcomes, as_of) - known_before(outcomes, as_of - window)
            for outcomes in (seen["outcome_known"], late)
        )
        score[carrier.index] = (n_late + 1) / (n + 10)
    return score


def test_what_was_known_at_order_time_ranks_the_late_orders_of_the_last_eight_months(
    orders: pd.DataFrame,
) -> None:
    backlog, carrier = overdue_backlog(orders), carrier_lateness(orders)
    both = backlog.rank(pct=True) + carrier.rank(pct=True)
    due = orders["due"]
    judged = orders[~orders["cancelled"] & (due > LAST_EIGHT_MONTHS) & (due <= END)].index
    late = orders.loc[judged, "late"]
    assert len(judged) > 10_000
    assert auc(late, backlog[judged]) > 0.60
    assert auc(late, carrier[judged]) > 0.54
    assert auc(late, both[judged]) > 0.60


def test_a_shuffled_score_ranks_nothing(orders: pd.DataFrame) -> None:
    late = orders.loc[orders["due"] <= END, "late"]
    shuffled = pd.Series(np.random.default_rng(0).random(len(late)), index=late.index)
    assert abs(auc(late, shuffled) - 0.5) < 0.03
