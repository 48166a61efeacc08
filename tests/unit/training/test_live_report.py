from __future__ import annotations

import json
import math
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.domain.clock import MICROS_PER_DAY
from triage.models.drift_settings import load
from triage.models.held import by_stage
from triage.training.live_figures import at_capacity, estimate, expected_auc, held, stages
from triage.training.live_page import render
from triage.training.live_report import (
    COLUMNS,
    HOLD_OUT,
    LEFT_ALONE,
    Answers,
    LiveReport,
    Model,
    live_report,
)
from triage.training.metrics import score

SETTINGS = load().live
MODEL = Model("at_risk", "7", "d" * 64, "6")
STAGES = ("order_created", "pick_released")


def world(seed: int, *, orders: int = 1_500, days: int = 40, factor: float = 1.0,
          luck: float = 0.0, acted: float = 0.0) -> Answers:  # fmt: skip
    """Return answers at two stages whose true chances are the probabilities times a factor.

    `luck` shifts the log-odds of all orders of one day together; an order that somebody acts on
    (the riskier ones) is never late.
    """
    rng = np.random.default_rng(seed)
    p = rng.beta(0.8, 4.0, orders)
    day = rng.integers(0, days, orders)
    odds = np.log(np.clip(factor * p, 1e-6, 0.95) / (1 - np.clip(factor * p, 1e-6, 0.95)))
    chance = 1 / (1 + np.exp(-(odds + luck * rng.normal(size=days)[day])))
    late = rng.random(orders) < chance
    touched = (rng.random(orders) < acted * (p > 0.2)).astype(bool)
    late &= ~touched
    late_at = (20_000 + day) * MICROS_PER_DAY + rng.integers(0, MICROS_PER_DAY, orders)
    rows = {
        "order_id": [f"SO-{n}" for n in range(orders)], "landmark": STAGES[0],
        "as_of": late_at - 3 * MICROS_PER_DAY, "late_at": late_at, "late": late, "model": p,
        "delay_days": np.where(late, 0.5, -0.5), "delay_p10": -1.0, "delay_p50": -0.5,
        "delay_p90": np.where(p > 0.1, 1.0, 0.1), "priority": p, "minutes": 5.0,
        "acted": touched, "held_out": np.arange(orders) % 4 == 0,
    }  # fmt: skip
    first = pd.DataFrame(rows)
    second = first.assign(landmark=STAGES[1])
    judged = pd.concat([first, second], ignore_index=True).astype(COLUMNS)
    judged["site"] = np.where(np.arange(len(judged)) % 3 == 0, "AMS", "LEJ")
    return Answers(judged, pd.DataFrame({"landmark": STAGES[0], "model": p[:50]}), 3, 4)


def report(answers: Answers, model: Model = MODEL) -> LiveReport:
    return live_report(answers, model, 60, 60.0, SETTINGS)


def without_hold_out(answers: Answers) -> Answers:
    return Answers(answers.judged.assign(held_out=False), answers.waiting)


@pytest.mark.parametrize("factor", [0.5, 1.8])
def test_planted_miscalibration_rings_and_proposes_to_go_back(factor: float) -> None:
    found = report(without_hold_out(world(1, factor=factor)))
    assert found.alarms
    assert found.verdict().startswith("alarm")
    assert "triage rollback --model at_risk" in found.verdict()
    first = report(without_hold_out(world(1, factor=factor)), Model("at_risk", "1", "d", None))
    assert "rollback" not in first.verdict()
    assert "triage train at_risk" in first.verdict()


@pytest.mark.parametrize("luck", [0.0, 0.5])
def test_chance_alone_does_not_ring(luck: float) -> None:
    """Of 200 calibrated worlds, also of those in which whole days go well or badly together."""
    rang = 0
    for seed in range(200):
        judged = by_stage(stages(world(seed, luck=luck).judged), SETTINGS.confidence)
        rang += any(each.rings(SETTINGS) for each in judged)
    assert rang <= 2


def test_an_interval_that_forgets_days_would_ring_by_chance() -> None:
    """The reason why days are counted: with luck by day, independent orders promise too much."""
    outside = 0
    for seed in range(100):
        rows = world(seed, luck=1.0, days=12).judged
        found = held("", rows[rows["landmark"] == STAGES[0]], 0.95)
        naive = 1.96 * math.sqrt((rows["model"] * (1 - rows["model"])).sum() / 2) / found.expected
        outside += abs(found.ratio - 1) > naive
        assert found.high - found.low > 2 * naive
    assert outside > 20


def test_what_people_saved_does_not_count_against_the_model() -> None:
    found = report(without_hold_out(world(2, acted=0.9, orders=3_000)))
    assert found.read_on == LEFT_ALONE
    assert found.everybody.ratio < 0.8
    assert not found.alarms
    assert 0.85 < found.calibration[0].ratio < 1.15


def test_a_hold_out_with_enough_evidence_is_what_is_read() -> None:
    answers = world(3, orders=4_000, acted=0.5)
    found = report(answers)
    assert found.read_on == HOLD_OUT
    alone = answers.judged[answers.judged["held_out"] & ~answers.judged["acted"]]
    assert found.calibration[0].n == len(alone) == found.counts["of these, held out and left alone"]
    few = world(3, orders=300)
    assert report(few).read_on == LEFT_ALONE


def test_little_evidence_gives_no_verdict() -> None:
    few = report(world(4, orders=60, factor=3.0))
    assert not few.alarms
    assert "too early" in few.verdict()
    day = report(without_hold_out(world(4, orders=2_000, days=1, factor=3.0)))
    assert not day.alarms
    assert math.isinf(day.calibration[0].high)


@given(st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), min_size=1, max_size=8))
def test_the_expected_auc_is_that_of_all_pairs(p: list[float]) -> None:
    pairs = list(permutations(p, 2))
    above = sum(a * (1 - b) * (1.0 if a > b else 0.5 if a == b else 0.0) for a, b in pairs)
    total = sum(a * (1 - b) for a, b in pairs)
    found = expected_auc(np.array(p))
    assert math.isnan(found) if total == 0 else found == pytest.approx(above / total)


def test_estimates_are_what_outcomes_come_to_where_probabilities_hold() -> None:
    rows = world(5, orders=20_000).judged.iloc[:20_000]
    told, came = estimate("", rows["model"]), score(rows["late"], rows["model"])
    for name in ("roc_auc", "brier", "log_loss"):
        assert getattr(told, name) == pytest.approx(getattr(came, name), abs=0.01)
    assert told.late == pytest.approx(came.base_rate, abs=0.01)


def test_capacity_is_spent_from_the_top_of_each_day() -> None:
    rows = pd.DataFrame({
        "as_of": [0, 0, 0, MICROS_PER_DAY], "late": [1, 0, 1, 0],
        "priority": [3.0, 2.0, 1.0, math.nan], "minutes": [5.0, 5.0, 5.0, math.nan],
    })  # fmt: skip
    found = at_capacity(rows, 10.0)
    assert (found.looked_at, found.late, found.precision, found.recall) == (2, 1, 0.5, 0.5)
    assert found.base_rate == 0.5


def test_segments_are_told_as_counted_by_hand() -> None:
    """Twenty answers are reached, in the sequence of the list: 15 of one site, 5 of the other."""
    late = 20_000 * MICROS_PER_DAY
    rows: list[dict[str, Any]] = []
    for n in range(80):
        site = ("B" if n % 4 == 3 else "A") if n < 20 else ("A" if n < 45 else "B")
        delay = math.nan if n % 4 == 0 else (0.5 if n % 3 == 0 else 2.0 if n % 3 == 1 else -2.0)
        rows.append({
            "order_id": f"SO-{n}", "landmark": STAGES[0], "as_of": late, "late_at": late,
            "late": n % 3 == 0, "model": 0.5, "delay_days": delay, "delay_p10": -1.0,
            "delay_p50": 0.0, "delay_p90": 1.0, "priority": 100.0 - n, "minutes": 5.0,
            "acted": False, "held_out": False,
        } | {"site": site, "service": "express" if n % 2 else None})  # fmt: skip
    judged = pd.DataFrame(rows).astype(COLUMNS)
    answers = Answers(judged, pd.DataFrame({"landmark": [], "model": []}))
    found = live_report(answers, MODEL, 60, 100.0, SETTINGS)

    told = [(row["site"], n, row["late"], row["delay_days"]) for n, row in enumerate(rows)]
    assert [each.name for each in found.segments] == ["site A", "site B"]
    for site, looked_at in (("A", 15), ("B", 5)):
        own = [each for each in told if each[0] == site]
        met = [each for each in own if each[1] < 20]
        got = found.segment_capacity[f"site {site}"]
        assert got.looked_at == len(met) == looked_at
        assert got.late == sum(each[2] for each in met)
        assert got.precision == got.late / looked_at
        assert got.recall == got.late / sum(each[2] for each in own)
        covered, delays = found.segment_coverage[f"site {site}"], [each[3] for each in own]
        known = [each for each in delays if not math.isnan(each)]
        assert covered.n == len(known) < len(own)
        assert covered.within == sum(each == 0.5 for each in known)
        assert covered.below_p90 == sum(each != 2.0 for each in known)
    page = render(found, answers.judged)
    assert "Precision at capacity" in page.split('id="segments"')[1]
    assert found.plain()["segment_capacity"]["site B"]["looked_at"] == 5


def test_the_page_stands_alone_and_the_figures_are_plain() -> None:
    answers = world(6, factor=1.8)
    found = report(answers)
    page = render(found, answers.judged)
    assert "<b>Alarm</b>" in page
    assert "FAILED" in page
    assert "<script" not in page
    assert all(f'id="{name}"' in page for name in ("figures", "quality", "estimates", "segments"))
    ids = [part.split('"')[0] for part in page.split('id="')[1:]]
    assert len(ids) == len(set(ids))
    plain: Any = json.loads(json.dumps(found.plain(), allow_nan=False))
    assert plain["verdict"] == found.verdict()
    assert plain["alarms"]


def test_a_home_without_outcomes_has_a_page_too() -> None:
    nothing = Answers(
        pd.DataFrame(columns=list(COLUMNS)).astype(COLUMNS),
        pd.DataFrame({"landmark": [], "model": []}).astype({"model": "float64"}),
    )
    found = report(nothing)
    assert "too early" in found.verdict()
    assert "<b>No alarm</b>" in render(found, nothing.judged)
    json.dumps(found.plain(), allow_nan=False)
