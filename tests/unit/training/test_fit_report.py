"""What `triage fit-report` says is true of the log, and what it says is missing is missing."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from tests.foreign import small
from tests.histories import history_of, milestone, moment, order

from triage import workspace
from triage.domain.records import InventoryPosition, MilestoneKind, Record, Staffing
from triage.errors import DeclarationError
from triage.features import declarations as declared
from triage.features.availability import FEW_ORDERS, RETURNING_CUSTOMERS, available
from triage.history.columns import COLUMNS
from triage.history.health import Month, examine
from triage.history.importer import import_extract
from triage.history.tables import History
from triage.training import family_worth, fit_needs
from triage.training.family_worth import GROUPS, Worth, without
from triage.training.fit_advice import advise
from triage.training.fit_report import FitReport, fit_report, whole_months
from triage.training.fit_show import as_text

MAPPINGS = Path(__file__).parents[2] / "foreign" / "mappings"
NEEDS = (10, 1)
MIDNIGHT = 6  # START is 18:00 of the day before in the zone of the test source


def busy(*, known_after: float = 0.0, last_day: int = 300) -> History:
    """Return an order a day for 300 days, each delivered after two days, promised for four."""
    records: list[Record] = []
    for day in range(300):
        at = 24.0 * day + 5.5
        records.append(order(f"O{day}", at, 96.0))
        if day < last_day:
            done = at + 48.25
            records.append(milestone(f"O{day}", "delivered", done, known_hours=done + known_after))
    return history_of(records)


def advice(history: History, promise: str = "instant") -> str:
    return "\n".join(advise(examine(history), promise, NEEDS))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> FitReport:
    """The report on a company that has nothing but orders and deliveries, by days."""
    base = tmp_path_factory.mktemp("small")
    import_extract(MAPPINGS / "small", small.write(base / "extract"), base / "home")
    return fit_report("at_risk", base / "home")


def test_what_is_known_the_moment_it_happens_is_doubted() -> None:
    assert "known the moment it happens: delivered" in advice(busy())
    assert "known the moment it happens" not in advice(busy(known_after=5.0))


def test_the_lag_of_a_milestone_is_told_in_hours() -> None:
    (delivered,) = examine(busy(known_after=5.0)).milestones
    assert delivered.lag_hours == pytest.approx((5.0, 5.0))
    assert delivered.at_once == 0.0


def test_a_feed_that_fell_silent_is_named_and_a_live_one_is_not() -> None:
    ends = {"extracted_at": busy().orders["record_time"].max()}
    for last_day, silent in ((300, False), (200, True)):
        history = busy(last_day=last_day)
        now = replace(history, sources=(replace(history.sources[0], **ends),))
        assert ("The last delivered became known" in advice(now)) is silent


def test_days_without_a_time_are_noticed() -> None:
    records: list[Record] = []
    for day in range(50):
        records += [
            order(f"O{day}", 24.0 * day, 96.0),
            milestone(f"O{day}", "delivered", 24.0 * day + 24 + MIDNIGHT),
        ]
    assert "Days without a time: delivered" in advice(history_of(records))
    assert "Days without a time" not in advice(busy())


def test_a_promise_to_the_instant_whose_instants_are_midnights_is_a_wrong_mapping() -> None:
    history = history_of([order(f"O{d}", 24.0 * d, 96.0 + MIDNIGHT) for d in range(50)])
    assert 'Set promise = "day"' in advice(history, "instant")
    assert 'Set promise = "day"' not in advice(history, "day")
    assert 'Set promise = "day"' not in advice(busy(), "instant")


def test_orders_without_an_end_are_counted_among_those_past_their_promise() -> None:
    health = examine(busy(last_day=150))
    assert health.unresolved == pytest.approx(0.5)
    assert "50% of the orders past their promise" in advice(busy(last_day=150))


def test_a_month_without_orders_stays_in_the_list() -> None:
    history = history_of([order("A", 0), order("B", 24 * 80)])
    found = [(month.month, month.orders) for month in examine(history).months]
    assert found == [("2026-01", 1), ("2026-02", 0), ("2026-03", 1)]


def test_months_count_what_is_late_and_leave_out_the_cancelled() -> None:
    history = history_of(
        [
            order("punctual", 100), milestone("punctual", "delivered", 150),
            order("late", 100), milestone("late", "delivered", 250),
            order("lost", 100),
            order("cancelled", 100), milestone("cancelled", "order_cancelled", 120),
        ]
    )  # fmt: skip
    assert [(m.orders, m.judged, m.late) for m in examine(history).months] == [(4, 3, 2)]


def test_worth_is_measured_on_months_that_are_over_and_can_be_judged() -> None:
    months = [
        Month("2026-01", 100, 97, 9), Month("2026-02", 0, 0, 0), Month("2026-03", 100, 96, 9),
        Month("2026-04", 100, 40, 9), Month("2026-05", 10, 10, 9),
    ]  # fmt: skip
    inside_may = 1_778_000_000_000_000
    assert whole_months(months, inside_may, 2) == ["2026-01", "2026-03"]


def test_every_source_that_a_feature_needs_is_one_that_a_log_can_have() -> None:
    fields = {f"{record}.{c.name}" for record, columns in COLUMNS.items() for c in columns}
    milestones = {f"milestone.{kind}" for kind in (*MilestoneKind, "due_by")}
    needed = {s for _, sources in fit_needs.needs(declared.load()).values() for s in sources}
    assert needed <= fields | milestones | set(COLUMNS) | {FEW_ORDERS, RETURNING_CUSTOMERS}


def test_a_key_needs_its_fields_and_a_derived_feature_what_it_is_made_of() -> None:
    needs = {name: sources for name, (_, sources) in fit_needs.needs(declared.load()).items()}
    assert needs["transit_lane_28d"] == {
        "order_line.site_region", "order.destination_region", "milestone.shipment_dispatched",
        "milestone.delivered",
    }  # fmt: skip
    assert needs["stock_after_order"] >= {"inventory_position", "order_line.quantity"}
    assert needs["hour"] == frozenset()


def test_nothing_is_missing_where_everything_is_there() -> None:
    needs = fit_needs.needs(declared.load())
    everything = {source for _, sources in needs.values() for source in sources}
    assert fit_needs.missing(declared.load(), everything) == {}
    lost = fit_needs.missing(declared.load(), everything - {"milestone.shipment_dispatched"})
    assert list(lost) == ["milestone.shipment_dispatched"]


@pytest.mark.parametrize("group", GROUPS)
def test_a_source_taken_away_is_gone_and_nothing_else_is(group: str) -> None:
    stocked = InventoryPosition(
        sku="S1", site="W1", event_time=moment(0), record_time=moment(0), on_hand=3
    )
    hours = Staffing(site="W1", event_time=moment(0), record_time=moment(0), hours=30)
    made = order("A", 0, carrier="C", service="X", destination_area="90", destination_latitude=1.0,
                 destination_longitude=1.0, priority="1", transit_days=2.0)  # fmt: skip
    line = made.lines[0].model_copy(
        update={"category": "c", "site_area": "7", "site_latitude": 1.0, "site_longitude": 1.0,
                "weight_kg": 1.0, "volume_l": 1.0}
    )  # fmt: skip
    history = history_of(
        [
            made.model_copy(update={"lines": (line,)}), stocked, hours,
            order("B", 0, carrier="D", service="Y", priority="2", transit_days=3.0),
            milestone("A", "order_validated", 1).model_copy(update={"due_by": moment(30)}),
            milestone("A", "shipment_dispatched", 2), milestone("A", "delivered", 3),
        ]
    )  # fmt: skip
    before, after = available(history), available(without(history, GROUPS[group]))
    assert set(GROUPS[group]) <= before
    assert before - after == set(GROUPS[group]) - {"order_line.sku"}
    assert available(history) == before


def test_the_committed_table_holds_every_group_and_says_where_it_comes_from() -> None:
    on, worths = family_worth.read()
    plain = json.loads(workspace.read_text(family_worth.FILE))
    assert {worth.group for worth in worths} == set(GROUPS)
    assert plain["command"] == "python -m benchmarks.family_worth"
    assert on.startswith("data/samples")
    assert all(0 < worth.log_loss[0] < 1 and 0 < worth.pr_auc[0] < 1 for worth in worths)


def test_the_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    worths = (Worth("stock counts", "order_created", 12, (0.3, 0.2), (0.25, 0.5), 0.1),)
    (tmp_path / "training").mkdir()
    assert family_worth.read(tmp_path) == ("", ())
    file = tmp_path / family_worth.FILE
    file.write_text(family_worth.as_text(worths, "here", "so"))
    assert family_worth.read(tmp_path) == ("here", worths)
    assert worths[0].gain == 0.5
    assert not worths[0].within_chance
    assert replace(worths[0], error=0.13).within_chance
    file.write_text("{}")
    with pytest.raises(DeclarationError, match="write it again"):
        family_worth.read(tmp_path)


def test_an_almost_empty_company_is_told_what_it_has_and_what_it_lacks(report: FitReport) -> None:
    lacks = {family.name: family.lacks for family in report.families}
    assert report.stages[0] == ("order_created",)
    assert {"order_validated", "shipment_dispatched"} <= set(report.stages[1])
    assert lacks["carrier"] == ("order.carrier", "order.service")
    assert lacks["calendar"] == ()
    assert report.absent[0].source == "milestone.shipment_dispatched"
    assert {worth.group for worth in report.quoted} == set(GROUPS)
    assert report.measured == ()


def test_the_text_names_the_families_that_are_off_and_the_json_is_complete(
    report: FitReport,
) -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(as_text(report))
    text = console.export_text()
    assert "no shipment_dispatched milestone" in text
    assert "off How the carrier performs" in text
    assert "What to do" in text
    plain = json.loads(json.dumps(report.plain()))
    assert plain["health"]["orders"] == 900
    assert plain["health"]["months"][0]["month"] == "2024-01"
    assert np.isclose(sum(m["orders"] for m in plain["health"]["months"]), 900)
