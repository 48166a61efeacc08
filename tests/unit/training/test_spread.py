from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from triage.domain.clock import MICROS_PER_DAY, NEVER
from triage.models.at_risk import Calibration, Spread, fresh_delays
from triage.models.calibration import RecentTimes, Residuals, usual_times
from triage.models.landmarks import Rows
from triage.training.spread import fit_spread, moves_by_row

NOW = 1_000 * MICROS_PER_DAY
SETTINGS = Calibration(spread_days=300)
SPREAD_OF = {"steady": 0.1, "usual": 0.3, "wild": 0.7}


def history(seed: int, n: int = 24_000, known_after: float = 0.0) -> tuple[Residuals, pd.DataFrame]:
    """Orders of carriers that spread differently; sites say nothing, one has few orders."""
    rng = np.random.default_rng(seed)
    as_of = np.sort(NOW + _micros(rng.uniform(-340, 30, n)))
    carrier = rng.choice([*SPREAD_OF], n)
    mu = rng.normal(1.5, 0.3, n)
    days = np.expm1(np.maximum(mu + rng.normal(0, 1, n) * [SPREAD_OF[c] for c in carrier], 0.05))
    delivered = as_of + _micros(days)
    rows = Rows(
        "order_created", np.arange(n), as_of, as_of + 40 * MICROS_PER_DAY, delivered,
        delivered + _micros(np.full(n, known_after)), np.full(n, NEVER),
    )  # fmt: skip
    site = np.where(np.arange(n) % 2000 == 7, "tiny", rng.choice(["north", "south"], n))
    return Residuals(rows, mu), pd.DataFrame({"carrier": carrier, "site": site})


def _micros(days: np.ndarray) -> np.ndarray:
    return np.rint(days * MICROS_PER_DAY).astype(np.int64)


def coverage(past: Residuals, codes: pd.DataFrame, spread: Spread) -> pd.Series:
    """Share of the month after NOW that comes by its p90, by carrier, each day by its curve."""
    chosen = np.flatnonzero(past.rows.as_of >= NOW)
    recent = RecentTimes(past, SETTINGS)
    came = np.zeros(len(chosen), dtype=bool)
    day = (past.rows.as_of[chosen] - NOW) // MICROS_PER_DAY
    for at in np.unique(day):
        rows = chosen[day == at]
        of_day = past.rows.take(rows)
        times = recent.at(NOW + int(at) * MICROS_PER_DAY)
        assert times is not None
        delays = fresh_delays(
            times, past.mu[rows], of_day.promise_days(), np.zeros(len(rows)),
            moves_by_row(spread, codes.iloc[rows]),
        )  # fmt: skip
        came[day == at] = of_day.delivered - of_day.late_at <= delays[:, 2] * MICROS_PER_DAY
    return pd.Series(came).groupby(codes["carrier"].to_numpy()[chosen]).mean()


def test_an_interval_covers_what_it_says_for_each_carrier() -> None:
    past, codes = history(1)
    spread = fit_spread(past, codes, usual_times(past, NOW, SETTINGS), NOW, SETTINGS)
    unmoved, moved = (coverage(past, codes, each) for each in (Spread(), spread))
    assert abs(unmoved - 0.9).max() > 0.13
    assert abs(moved - 0.9).max() < 0.065


def test_sites_that_do_not_differ_move_next_to_nothing_and_rare_ones_nothing() -> None:
    past, codes = history(2)
    spread = fit_spread(past, codes, usual_times(past, NOW, SETTINGS), NOW, SETTINGS)
    sites = spread.by_field["site"]
    assert set(sites) == {"north", "south"}
    assert max(abs(value) for moves in sites.values() for value in moves) < 0.03


@pytest.mark.parametrize("known_after", [0.0, 2.0])
def test_what_became_known_later_teaches_nothing(known_after: float) -> None:
    past, codes = history(3, known_after=known_after)
    usual = usual_times(past, NOW, SETTINGS)
    rows = past.rows
    open_then = rows.delivered_known >= NOW
    changed = Residuals(
        Rows(
            rows.landmark, rows.order, rows.as_of, rows.late_at,
            np.where(open_then, NEVER, rows.delivered),
            np.where(open_then, NEVER, rows.delivered_known), rows.cancelled_known,
        ),
        np.where(rows.as_of >= NOW, np.nan, past.mu),
    )  # fmt: skip
    assert fit_spread(changed, codes, usual, NOW, SETTINGS) == fit_spread(
        past, codes, usual, NOW, SETTINGS
    )


def test_a_short_history_moves_nothing() -> None:
    past, codes = history(4, n=300)
    assert fit_spread(past, codes, usual_times(past, NOW, SETTINGS), NOW, SETTINGS) == Spread()


def test_rows_are_moved_as_a_single_order_is() -> None:
    past, codes = history(5, n=6000)
    spread = fit_spread(past, codes, usual_times(past, NOW, SETTINGS), NOW, SETTINGS)
    codes.loc[:3, "carrier"] = None
    codes.loc[4:8, "site"] = "never seen"
    carriers, sites = (codes[name].head(50).tolist() for name in ("carrier", "site"))
    one_by_one = [
        spread.moves({"carrier": carrier, "site": site})
        for carrier, site in zip(carriers, sites, strict=True)
    ]
    np.testing.assert_allclose(moves_by_row(spread, codes.head(50)), one_by_one, atol=1e-12)
