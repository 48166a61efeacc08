from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

import pandas as pd
import pytest

from triage.simulation.sample import write_sample

COMMITTED = Path(__file__).parents[3] / "data" / "samples"
END = pd.Timestamp("2026-03-02 00:00")
STAGES = ["order_ts", "CREDIT_OK", "PICK_REL", "SHIP_CONF", "POD"]


def read(folder: Path, name: str, *times: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv.gz", parse_dates=list(times), dtype={"zip3": str})


def content(folder: Path) -> dict[str, bytes]:
    return {p.name: gzip.decompress(p.read_bytes()) for p in sorted(folder.glob("*.csv.gz"))}


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    """The committed orders, one column for the time of each event, `due` and `late` at the end."""
    placed = read(COMMITTED, "orders", "order_ts", "recorded_at", "promise_dt", "ship_by_dt")
    events = read(COMMITTED, "milestones", "event_ts", "recorded_at")
    happened = events.pivot_table(
        index="order_no", columns="event_code", values="event_ts", aggfunc="first"
    )
    joined = placed.set_index("order_no").join(happened)
    joined["due"] = joined["promise_dt"] + pd.Timedelta(days=1)
    overdue = joined["POD"].isna() & (joined["due"] <= END)
    joined["late"] = (joined["POD"] >= joined["due"]) | overdue
    return joined


@pytest.fixture(scope="module")
def judged(orders: pd.DataFrame) -> pd.DataFrame:
    return orders[orders["CANCEL"].isna() & (orders["due"] <= END)]


def test_regenerating_gives_the_committed_content(tmp_path: Path) -> None:
    write_sample(tmp_path)
    assert content(tmp_path) == content(COMMITTED)


def test_the_committed_checksums_are_those_of_the_committed_files() -> None:
    lines = (COMMITTED / "SHA256SUMS").read_text("utf-8").splitlines()
    listed = {line.split("  ")[1]: line.split("  ")[0] for line in lines}
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in COMMITTED.glob("*.csv.gz")
    }
    assert listed == found


def test_another_seed_gives_another_business_and_a_small_one_works(tmp_path: Path) -> None:
    write_sample(tmp_path / "one", seed=1, orders=300)
    write_sample(tmp_path / "again", seed=1, orders=300)
    write_sample(tmp_path / "two", seed=2, orders=300)
    assert content(tmp_path / "one") == content(tmp_path / "again")
    assert content(tmp_path / "one")["orders.csv.gz"] != content(tmp_path / "two")["orders.csv.gz"]
    assert len(read(tmp_path / "one", "orders")) == 300


def test_the_sample_stays_small() -> None:
    assert sum(path.stat().st_size for path in COMMITTED.glob("*.csv.gz")) < 1_500_000


def test_every_order_has_one_to_five_lines_from_one_site() -> None:
    lines = read(COMMITTED, "order_lines").groupby("order_no")
    assert lines.size().between(1, 5).all()
    assert (lines["ship_from"].nunique() == 1).all()
    assert set(lines.groups) == set(read(COMMITTED, "orders")["order_no"])


def test_order_values_are_heavy_tailed() -> None:
    lines = read(COMMITTED, "order_lines")
    value = (lines["qty"] * lines["unit_price"]).groupby(lines["order_no"]).sum().sort_values()
    assert value.tail(len(value) // 10).sum() > 0.4 * value.sum()


def test_milestones_of_an_order_happen_in_sequence(orders: pd.DataFrame) -> None:
    for i, earlier in enumerate(STAGES):
        for later in STAGES[i + 1 :]:
            both = orders[[earlier, later]].dropna()
            assert (both[earlier] < both[later]).all(), (earlier, later)


def test_a_delivered_order_went_through_every_stage(orders: pd.DataFrame) -> None:
    assert orders.loc[orders["POD"].notna(), STAGES].notna().all(axis=None)


def test_a_cancelled_order_was_never_shipped(orders: pd.DataFrame) -> None:
    cancelled = orders[orders["CANCEL"].notna()]
    assert 0.005 < len(cancelled) / len(orders) < 0.025
    assert cancelled[["SHIP_CONF", "POD"]].isna().all(axis=None)
    assert (cancelled["CANCEL"] > cancelled["order_ts"]).all()


@pytest.mark.parametrize(
    ("name", "happened"),
    [("orders", "order_ts"), ("milestones", "event_ts"), ("inventory", "counted_at")],
)
def test_nothing_is_known_before_it_happened_nor_after_the_extract(
    name: str, happened: str
) -> None:
    rows = read(COMMITTED, name, happened, "recorded_at")
    known = rows["recorded_at"].fillna(rows[happened])
    assert (known >= rows[happened]).all()
    assert (known < END).all()


def test_deliveries_are_known_the_night_after_at_the_earliest() -> None:
    events = read(COMMITTED, "milestones", "event_ts", "recorded_at")
    delivered = events[events["event_code"] == "POD"]
    assert (delivered["recorded_at"].dt.normalize() > delivered["event_ts"]).all()


def test_nothing_is_released_shipped_or_delivered_on_a_weekend(orders: pd.DataFrame) -> None:
    for stage in ("PICK_REL", "SHIP_CONF", "POD"):
        assert (orders[stage].dropna().dt.day_of_week < 5).all(), stage


def test_promises_are_made_for_working_days_after_the_order(orders: pd.DataFrame) -> None:
    assert (orders["promise_dt"] > orders["order_ts"]).all()
    assert (orders["promise_dt"].dt.day_of_week < 5).all()


def test_allocated_stock_never_exceeds_what_is_there() -> None:
    stock = read(COMMITTED, "inventory")
    assert (stock["allocated_qty"] >= 0).all()
    assert (stock["allocated_qty"] <= stock["on_hand_qty"]).all()


def test_the_late_share_and_its_swing_are_those_of_a_real_distributor(
    judged: pd.DataFrame,
) -> None:
    assert 0.08 < judged["late"].mean() < 0.12
    by_month = judged.groupby(judged["promise_dt"].dt.to_period("M"))["late"]
    whole = by_month.mean()[by_month.size() > 500]
    assert len(whole) == 10
    assert whole.between(0.04, 0.20).all()
    assert whole.max() > 2 * whole.min()


def test_there_is_work_to_rank_at_the_end(orders: pd.DataFrame) -> None:
    open_orders = orders[orders["CANCEL"].isna() & orders["POD"].isna()]
    assert 400 <= len(open_orders) <= 700


def test_the_readme_states_the_measured_facts(orders: pd.DataFrame, judged: pd.DataFrame) -> None:
    text = (COMMITTED / "README.md").read_text("utf-8")
    stated = re.findall(r"^\| (\d{4}-\d{2}) \| ([\d,]+) \| ([\d.]+) % \|$", text, re.MULTILINE)
    by_month = judged.groupby(judged["promise_dt"].dt.strftime("%Y-%m"))["late"]
    measured = [
        (str(month), f"{len(late):,}", f"{100 * late.mean():.1f}") for month, late in by_month
    ]
    assert stated == measured
    is_open = orders["CANCEL"].isna() & orders["POD"].isna()
    for fact in (
        f"{len(orders):,} orders",
        f"{len(read(COMMITTED, 'order_lines')):,} lines",
        f"{len(read(COMMITTED, 'milestones')):,} milestones",
        f"{len(read(COMMITTED, 'inventory')):,} stock counts",
        f"{100 * judged['late'].mean():.1f} % late",
        f"{is_open.sum():,} open",
    ):
        assert fact in text
