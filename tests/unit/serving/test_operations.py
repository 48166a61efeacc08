from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from starlette.testclient import TestClient
from tests import exception_queue_cases as queued
from tests import fakes
from tests.unit.serving.bodies import beside
from tests.unit.serving.test_pages import Structure

from triage.advice.assessment import Exposure
from triage.domain.clock import MICROS_PER_DAY, NEVER, UNKNOWN_TIME
from triage.serving.advisor import WorkItem, Worklist
from triage.serving.main import create
from triage.serving.operations_figures import (
    LEAST_HELD_OUT,
    Brought,
    Rate,
    brought,
    latency,
    precision,
    rates,
    wilson,
)
from triage.serving.outcomes.outcome import Outcome
from triage.serving.outcomes.record import Judged, Said
from triage.serving.pages import operations_view as views
from triage.serving.worklist_index import WorklistIndex
from triage.settings import Settings

DAY, NOW = MICROS_PER_DAY, 400 * MICROS_PER_DAY


def judged(
    name: str, *, late: bool, score: float = 1.0, day: float = 0.0, cancelled: bool = False
) -> Judged:
    at = round(NOW + day * DAY)
    said = Said(f"d{name}", name, at, at, "m", "order_created", 0.5, (0.0, 0.0, 0.0), score, 5.0)
    return Judged((said,), Outcome(name, late, at + DAY, None, cancelled, "c1"), acted=False)


def test_what_happened_at_the_end_of_a_window_belongs_to_the_next() -> None:
    told = [("a", NOW), ("a", NOW - 1), ("a", NOW - 28 * DAY), ("a", NOW - 28 * DAY - 1),
            ("a", NOW - 56 * DAY), ("a", NOW - 56 * DAY - 1)]  # fmt: skip
    assert rates(told, NOW) == [Rate("a", 2, 2)]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-60, 10))))
def test_rates_count_each_thing_of_both_windows_once(told: list[tuple[str, int]]) -> None:
    moments = [(name, NOW + days * DAY) for name, days in told]
    found = rates(moments, NOW)
    assert sum(r.now + r.before for r in found) == sum(-56 <= days < 0 for _, days in told)
    assert [r.now for r in found] == sorted((r.now for r in found), reverse=True)


def test_a_step_counts_when_it_ended_and_only_if_both_ends_are_known() -> None:
    begun = np.array([NOW - 5 * DAY, NOW - 4 * DAY, NOW - 40 * DAY, UNKNOWN_TIME, NOW - DAY])
    ended = np.array([NOW - 4 * DAY, NOW - DAY, NOW - 30 * DAY, NOW - DAY, NEVER])
    found = latency("a", "b", begun, ended, NOW)
    assert (found.n, found.median) == (2, 2.0)
    assert math.isclose(found.p90, 2.8)
    assert found.median_before == 10.0


def test_a_step_that_nobody_took_has_no_time() -> None:
    nothing = np.empty(0, dtype=np.int64)
    assert math.isnan(latency("a", "b", nothing, nothing, NOW).median)


def test_precision_counts_the_first_of_each_day_by_their_place() -> None:
    told = [
        judged("A", late=True, score=3.0), judged("B", late=False, score=2.0),
        judged("C", late=True, score=1.0), judged("D", late=True, score=9.0, cancelled=True),
        judged("E", late=False, score=0.1, day=1),
    ]  # fmt: skip
    found = precision(told, top=2)
    assert (found.days, found.looked_at, found.late) == (2, 3, 1)
    assert found.base == 0.5


def test_what_acting_brought_is_compared_by_lot_and_not_by_who_acted() -> None:
    told = [judged(f"H{n}", late=n < 20) for n in range(50)]
    told += [judged(f"F{n}", late=n < 100) for n in range(500)]
    found = brought(told, lambda name: name.startswith("H"))
    assert found == Brought(500, 100, 50, 20)
    gap, low, high = found.fewer()
    assert math.isclose(gap, 0.2)
    assert 0 < low < gap < high


@given(st.integers(1, 500), st.data())
def test_the_interval_of_a_share_holds_it_and_stays_a_share(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    low, high = wilson(k, n)
    assert -1e-12 <= low <= k / n + 1e-12
    assert k / n - 1e-12 <= high <= 1 + 1e-12


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(queued.app(tmp_path)) as client:
        client.cookies.set("triage_you", "Ana")
        client.headers["sec-fetch-site"] = "same-origin"
        yield client


def test_the_page_counts_the_list_and_what_was_handled_today(plain: TestClient) -> None:
    def health() -> dict[str, str]:
        text = plain.get("/operations").text
        return dict(re.findall(r"<dt>([^<]+)</dt><dd[^>]*>([^<]+)</dd>", text))

    before = health()
    items = fakes.worklist().items
    assert before["Open, at risk"] == str(sum(i.assessment.state == "at_risk" for i in items))
    assert before["Nobody&#39;s"] == str(len(items))
    first = items[0].assessment.order_id
    plain.post(f"/orders/{first}", data={"do": "assign"}, follow_redirects=False)
    assert health()["Nobody&#39;s"] == str(len(items) - 1)
    plain.post(f"/orders/{first}", data={"do": "dispose:expedited"}, follow_redirects=False)
    now = health()
    assert int(now["Open, at risk"]) == int(before["Open, at risk"]) - 1
    assert "1 order in 24\u00a0h" in plain.get("/operations").text


@pytest.mark.parametrize("path", ["/operations", "/models"])
def test_a_page_of_oversight_is_sound(plain: TestClient, path: str) -> None:
    answer = plain.get(path)
    page = Structure(answer.text)
    assert answer.status_code == 200
    assert len(page.ids) == len(set(page.ids))
    assert page.inline == []
    assert page.deepest <= 1


def test_without_a_hold_out_it_says_that_nothing_can_be_told() -> None:
    told = views.brought_words(None, seen=None)  # type: ignore[arg-type]
    assert "cannot be told" in told[0]
    few = Brought(LEAST_HELD_OUT, 3, LEAST_HELD_OUT - 1, 3)
    assert "too early" in views.brought_words(few, seen=None)[0]  # type: ignore[arg-type]
    same = Brought(500, 50, 500, 50)
    assert "Chance alone" in views.brought_words(same, seen=None)[-1]  # type: ignore[arg-type]


def test_a_change_that_chance_explains_has_no_word() -> None:
    rows = views.rate_rows([Rate("a", 48, 36), Rate("b", 69, 40), Rate("c", 5, 30)], str, 960)
    assert [(row.change, row.tone) for row in rows] == [
        ("+12", ""), ("+29 up", "up"), ("\u221225 down", "down"),
    ]  # fmt: skip


def test_a_home_with_a_log_shows_latencies_rates_and_feeds(home: Path, workspace: Path) -> None:
    settings = Settings(home=home, workspace=workspace, record=False)
    with beside(create(settings)) as client:
        first = client.get("/operations").text
        assert "Dispatched to delivered" in first
        assert "Exceptions from ERP" in first
        assert "no orders are held out" in first
        assert "Milestones" in first
        assert "worked out just now" in first


def test_the_page_shows_the_clocks_of_orders_and_of_exceptions(plain: TestClient) -> None:
    text = plain.get("/operations").text
    assert re.search(
        r"<dt>Decide within 24\u00a0h</dt><dd[^>]*>\d+</dd><dd[^>]*>\d+ past it<", text
    )
    overdue = re.search(
        r"<dt>Exceptions overdue</dt><dd[^>]*>(\d+)</dd><dd[^>]*>of (\d+) open<", text
    )
    assert overdue is not None
    assert int(overdue[1]) <= int(overdue[2])
    shown = plain.get("/exceptions").text
    assert re.search(rf"<dt>Overdue</dt><dd[^>]*>{overdue[1]}<", shown)


def test_a_rate_is_told_per_hundred_orders_too() -> None:
    (row,) = views.rate_rows([Rate("a", 48, 36)], str, 960)
    assert row.rate == "5.0"
    (alone,) = views.rate_rows([Rate("a", 48, 36)], str, 0)
    assert alone.rate == "\u2014"


def test_how_good_the_list_was_is_told_with_what_all_orders_were() -> None:
    found = precision([judged(f"A{n}", late=n < 3, score=10.0 - n) for n in range(10)], top=4)
    assert views.precision_words(found) == (
        "Of the first 4 of each day, 3 of 4 were late (75%); of all that were answered, 30%. 1 day "
        "with an outcome; orders that people saved count as on time."
    )
    assert "cannot be told yet" in views.precision_words(precision([], top=4))


def test_value_protected_is_told_with_its_interval_and_only_against_the_hold_out() -> None:
    items = [
        WorkItem(
            n,
            replace(
                fakes.assessment(n, "at_risk"), exposure=Exposure(0, 0, 50.0, None, regulated=False)
            ),
        )
        for n in range(3)
    ]
    seen = SimpleNamespace(index=WorklistIndex(Worklist(NOW, tuple(items))))
    share, worth = views.brought_words(Brought(500, 100, 500, 200), seen=seen)  # type: ignore[arg-type]
    assert share.startswith("Of orders that people could act on 20% were late (500 orders), of")
    assert "held out by lot 40% (500): 20.0 points fewer, 95 % between" in share
    told = re.findall(r"R\$([\d,]+)", worth)
    middle, low, high = (int(each.replace(",", "")) for each in told)
    assert middle == 5_000  # a fifth of 500 orders, at 50 each
    assert low < middle < high


def test_a_feed_that_went_quiet_is_told_as_stale_and_one_that_did_not_as_fresh(
    tmp_path: Path,
) -> None:
    with TestClient(fakes.app(folder=tmp_path, feeds=fakes.QuietStock())) as client:
        text = client.get("/operations").text
    rows = dict(re.findall(r'<th scope="row">(\w+)</th>.*?<td class="state[^"]*">([^<]+)<', text))
    assert rows["Stock"] == "Stale: nothing for 72\u00a0h"
    assert rows["Orders"] == rows["Milestones"] == "Fresh"
