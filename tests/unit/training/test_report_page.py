from __future__ import annotations

import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.training.runs import LANDMARKS, training_run

from triage.features import declarations
from triage.training.gates import check
from triage.training.metrics import evaluate, figure, score
from triage.training.report_charts import Axis, Series, chart
from triage.training.report_figures import (
    best_threshold,
    coverage,
    delay_errors,
    precision_recall,
    promise_buckets,
    recall_at,
    wilson,
)
from triage.training.report_page import render, write_report
from triage.training.run import TrainingRun

VOID = {"meta", "line", "rect", "circle", "polyline", "br", "link"}


class Page(HTMLParser):
    """Reads a page: its elements in balance, ids, headings and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.outside: list[str] = []
        self.headings: list[str] = []
        self.faults: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if str(given.get("href", "")).startswith("#"):
            self.links.append(str(given["href"])[1:])
        self.outside += [
            str(v) for k, v in attrs if k in {"src", "href"} and not str(v).startswith("#")
        ]
        if tag == "table" and "table" in self.open:
            self.faults.append("a table within a table")
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        assert tag in VOID

    def handle_endtag(self, tag: str) -> None:
        if self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes something else")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> TrainingRun:
    made = training_run(tmp_path_factory.mktemp("run"))
    return replace(made, declarations=declarations.load().model_dump_json())


def page_of(run: TrainingRun, comparison: pd.DataFrame | None = None) -> str:
    tidy = evaluate(run.predictions)
    return render(run, tidy, check(run, tidy), comparison=comparison)


def full(run: TrainingRun) -> TrainingRun:
    """The run with days to the promise, delays and segments in its predictions."""
    rng = np.random.default_rng(1)
    frame = run.predictions
    n = len(frame)
    middle = rng.normal(-2, 1, n)
    delay = middle + rng.normal(0, 1, n)
    delay[::50] = np.nan
    return replace(
        run,
        predictions=frame.assign(
            promise_days=rng.gamma(3, 2, n), delay_days=delay, delay_p10=middle - 1.2816,
            delay_p50=middle, delay_p90=middle + 1.2816, site=rng.choice(["DFW", "EWR"], n),
            region=rng.choice([f"R{i}" for i in range(12)], n), carrier=None,
        ),
    )  # fmt: skip


def render_full(run: TrainingRun) -> str:
    tidy = evaluate(run.predictions)
    return render(full(run), tidy, check(run, tidy))


def test_the_page_is_whole_and_asks_nobody_for_anything(run: TrainingRun) -> None:
    text = render_full(run)
    page = Page(text)
    assert (page.open, page.faults, page.outside) == ([], [], [])
    assert len(page.ids) == len(set(page.ids))
    assert set(page.links) <= set(page.ids)
    assert page.headings[0] == "h1"
    assert set(page.headings[1:]) == {"h2"}
    assert not re.search(r"https?://|<script|@import|url\(", text)
    assert len(text) < 1_500_000


def test_every_chart_says_in_words_what_it_shows(run: TrainingRun) -> None:
    charts = re.findall(
        r'<svg viewBox="0 0 380 280" role="img" aria-label="([^"]+)"', render_full(run)
    )
    assert len(charts) >= 4 * len(LANDMARKS)
    assert all(len(words.split()) > 4 for words in charts)
    assert len(set(charts)) == len(charts)


def test_figures_on_the_page_are_those_of_the_predictions(run: TrainingRun) -> None:
    tidy = evaluate(run.predictions)
    text = page_of(run)
    for landmark in LANDMARKS:
        for who in ("model", "rule", "logistic"):
            loss = f"{figure(tidy, landmark, who, 'log_loss'):.3f}".removeprefix("0")
            assert f'<td class="n">{loss}</td>' in text
    assert run.digest in text
    assert "4,321 orders, 2017-01-01 to 2018-01-01" in text
    assert "late-1, 0 hours of tolerance" in text


def test_sections_without_their_columns_are_left_out(run: TrainingRun) -> None:
    plain, whole = Page(page_of(run)).ids, Page(render_full(run)).ids
    optional = {"stages", "segments", "days"}
    assert optional.isdisjoint(plain)
    assert optional <= set(whole)
    assert "changed" not in whole


def test_a_comparison_with_the_champion_is_shown_as_it_is_handed_over(run: TrainingRun) -> None:
    frame = pd.DataFrame({"landmark": ["order_created"], "log_loss_gain": [0.0123]})
    text = page_of(run, frame)
    assert "What changed against the champion" in text
    assert "log loss gain" in text
    assert "0.0123" in text


def test_a_gate_that_failed_stands_on_top_with_its_words(run: TrainingRun) -> None:
    weak = replace(run, predictions=run.predictions.assign(model=run.predictions["constant"]))
    tidy = evaluate(weak.predictions)
    results = check(weak, tidy)
    text = render(weak, tidy, results)
    failed = [gate for gate in results if not gate.passed]
    assert f"{len(failed)} of {len(results)} gates failed" in text
    assert text.index("keep the champion") < text.index("<nav")
    assert "FAILED" in text
    assert "All " + str(len(results)) not in text


def test_words_from_data_cannot_become_markup(run: TrainingRun) -> None:
    frame = full(run).predictions
    sites = np.where(np.arange(len(frame)) % 2, "<b>x", '"&')
    hostile = replace(run, predictions=frame.assign(site=sites), families_off={"<i>": ("a&b",)})
    tidy = evaluate(run.predictions)
    text = render(hostile, tidy, check(run, tidy))
    assert "<b>x" not in text
    assert "&lt;b&gt;x" in text
    assert Page(text).faults == []


def test_reasons_are_told_by_concept_and_in_the_words_of_the_declarations(run: TrainingRun) -> None:
    declared = declarations.load()
    text = page_of(run)
    concept = next(
        f.concept
        for family in declared.families
        for f in family.feature
        if f.name == "promise_days"
    )
    assert declared.concepts[concept].title in text
    unknown = replace(run, declarations="{}")
    assert ">promise_days<" in page_of(unknown)


def test_a_run_without_months_held_out_still_has_a_page(run: TrainingRun) -> None:
    nothing = replace(run, predictions=run.predictions.iloc[:0], explained={}, families_off={})
    text = page_of(nothing)
    assert "no month could be held out" in text
    assert "Every declared family of features has data." in text


def test_sets_without_a_late_order_have_a_page(run: TrainingRun) -> None:
    punctual = replace(run, predictions=run.predictions.assign(late=0))
    assert Page(page_of(punctual)).faults == []


def test_the_file_is_written_as_a_whole_and_the_same_run_gives_the_same_bytes(
    run: TrainingRun, tmp_path: Path
) -> None:
    tidy = evaluate(run.predictions)
    results = check(run, tidy)
    first = write_report(run, tidy, results, tmp_path / "runs" / "a.html").read_bytes()
    again = write_report(run, tidy, results, tmp_path / "runs" / "b.html").read_bytes()
    assert first == again
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == ["a.html", "b.html"]


@given(st.integers(0, 400), st.integers(1, 400))
def test_wilson_intervals_hold_the_share_and_stay_within_0_and_1(hits: int, more: int) -> None:
    n = hits + more
    low, high = wilson(hits, n)
    assert 0 <= low <= hits / n + 1e-12
    assert hits / n - 1e-12 <= high <= 1
    narrower = wilson(4 * hits, 4 * n)
    assert narrower[1] - narrower[0] < high - low


outcomes = st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=12, max_size=80)


@given(outcomes)
def test_recall_at_capacity_grows_to_all_and_agrees_with_the_figures_at_a_tenth(
    rows: list[tuple[bool, int]],
) -> None:
    late, p = [int(x) for x, _ in rows], [k / 10 for _, k in rows]
    found = [recall_at(late, p, share) for share in (0.01, 0.1, 0.5, 1.0)]
    if not any(late):
        assert all(math.isnan(x) for x in found)
        return
    assert found == sorted(found)
    assert found[-1] == pytest.approx(1)
    if not all(late):
        assert found[1] == pytest.approx(score(late, p).recall_at_10)


@given(outcomes, st.sampled_from([2.0, 5.0, 20.0]))
def test_no_other_threshold_costs_less_than_the_best(
    rows: list[tuple[bool, int]], ratio: float
) -> None:
    late, p = np.array([int(x) for x, _ in rows]), np.array([k / 10 for _, k in rows])
    best = best_threshold(late, p, ratio)
    for threshold in [*p, math.inf]:
        flagged = p >= threshold
        cost = 1000 * (flagged.sum() + ratio * late[~flagged].sum()) / len(p)
        assert best.cost <= cost + 1e-9
    assert best.cost <= best.blind + 1e-9
    assert best.flagged == pytest.approx((p >= best.p).mean())


def test_precision_and_recall_end_at_the_base_rate() -> None:
    rng = np.random.default_rng(1)
    p = rng.random(500)
    late = (rng.random(500) < p).astype(int)
    recall, precision = precision_recall(late, p)
    assert recall[-1] == 1
    assert precision[-1] == pytest.approx(late.mean())
    assert precision[0] > precision[-1]


def test_coverage_counts_delivered_orders_alone() -> None:
    rows = pd.DataFrame(
        {
            "delay_days": [-3.0, 0.0, 5.0, np.nan],
            "delay_p10": [-2.0, -2.0, -2.0, -2.0],
            "delay_p50": [0.0, 0.0, 0.0, 0.0],
            "delay_p90": [2.0, 2.0, 2.0, 2.0],
        }
    )
    found = coverage(rows)
    assert (found.n, found.below_p90, found.within) == (3, 2, 1)
    assert delay_errors(rows) == {"model": pytest.approx(8 / 3), "promise": pytest.approx(8 / 3)}


def test_every_day_to_the_promise_has_a_bucket() -> None:
    rows = pd.DataFrame({"promise_days": [0.0, 0.99, 1.0, 13.9, 29.9, 30.0, 400.0]})
    assert promise_buckets(rows).astype(str).tolist() == [
        "0 to 1 days", "0 to 1 days", "1 to 2 days", "7 to 14 days", "21 to 30 days",
        "30 days or more", "30 days or more",
    ]  # fmt: skip


@given(st.floats(0.001, 1))
def test_an_axis_of_shares_holds_its_highest_value_with_few_ticks(high: float) -> None:
    axis = Axis.share("", high)
    assert axis.high >= high - 1e-9
    assert 2 <= len(axis.ticks) <= 7


@given(st.floats(0.5, 1e6))
def test_an_axis_of_numbers_holds_its_highest_value_with_few_ticks(high: float) -> None:
    axis = Axis.numbers("", high)
    assert axis.high >= high - 1e-6
    assert 2 <= len(axis.ticks) <= 8


def test_points_beyond_an_axis_are_drawn_at_its_end() -> None:
    svg = chart(
        "A test of a point", Axis.share("x"), Axis.share("y"), [Series("m", [(0, 0), (2, 9)])]
    )
    points = re.search(r'class="curve" points="([^"]+)"', svg)
    assert points
    xs, ys = zip(*(map(float, pair.split(",")) for pair in points[1].split()), strict=True)
    assert max(xs) <= 380
    assert min(ys) >= 0
