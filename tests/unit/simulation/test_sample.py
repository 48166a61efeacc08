"""The sample that git carries: the same bytes from its seed, and an honest picture of a year."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from triage.errors import SimulationError
from triage.simulation.sample import TRUTH, simulate, write_sample, write_simulation
from triage.simulation.write import Format

COMMITTED = Path(__file__).parents[3] / "data" / "samples"
END = pd.Timestamp("2026-03-02 00:00")
STAGES = ["order_ts", "CREDIT_OK", "ALLOC", "PICK_REL", "SHIP_CONF", "POD"]
FOLDERS = (COMMITTED, COMMITTED / TRUTH)


def read(name: str, *times: str) -> pd.DataFrame:
    return pd.read_csv(COMMITTED / f"{name}.csv.gz", parse_dates=list(times))


def content(folder: Path) -> dict[str, bytes]:
    found = sorted(folder.rglob("*.csv.gz"))
    return {str(p.relative_to(folder)): gzip.decompress(p.read_bytes()) for p in found}


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    """The committed orders, one column for the time of each event, `due` and `late` at the end."""
    placed = read("orders", "order_ts", "recorded_at", "promise_dt", "ship_by_dt")
    events = read("milestones", "event_ts", "recorded_at")
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


def test_regenerating_gives_the_same_bytes(tmp_path: Path) -> None:
    write_sample(tmp_path)
    assert content(tmp_path) == content(COMMITTED)


@pytest.mark.parametrize("folder", FOLDERS, ids=["extract", "truth"])
def test_the_committed_checksums_are_those_of_the_committed_files(folder: Path) -> None:
    lines = (folder / "SHA256SUMS").read_text("utf-8").splitlines()
    listed = {line.split("  ")[1]: line.split("  ")[0] for line in lines}
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.csv.gz")
    }
    assert listed == found


def test_seed_and_size_decide_every_byte_and_the_number_of_processes_none(tmp_path: Path) -> None:
    def files(name: str, seed: int, processes: int) -> dict[str, bytes]:
        folder = tmp_path / name
        write_simulation(folder, seed=seed, orders=300, days=60, processes=processes)
        return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.*")}

    one, two = files("one", 1, 1), files("two", 1, 2)
    other = files("other", 2, 1)
    assert one == two
    assert one.keys() == other.keys()
    assert one["orders.parquet"] != other["orders.parquet"]


def test_parquet_and_csv_say_the_same(tmp_path: Path) -> None:
    forms: tuple[Format, ...] = ("parquet", "csv")
    for form in forms:
        write_simulation(
            tmp_path / form,
            seed=3,
            orders=300,
            days=60,
            form=form,
            truth=False,
        )
    table = pq.read_table(tmp_path / "parquet" / "orders.parquet").to_pandas()
    text = pd.read_csv(tmp_path / "csv" / "orders.csv.gz", parse_dates=["order_ts", "recorded_at"])
    assert table["order_no"].tolist() == text["order_no"].tolist()
    assert (table["order_ts"] == text["order_ts"]).all()
    assert table["recorded_at"].isna().tolist() == text["recorded_at"].isna().tolist()


def test_too_small_a_distributor_is_refused_and_nothing_is_touched(tmp_path: Path) -> None:
    kept = tmp_path / "orders.parquet"
    kept.write_bytes(b"mine")
    with pytest.raises(SimulationError, match="at least 50 orders"):
        write_simulation(tmp_path, seed=1, orders=3)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"mine"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"seed": -1}, "a seed is"),
        ({"seed": 2**63}, "a seed is"),
        ({"orders": 49}, "at least 50 orders"),
        ({"orders": 10**9}, "at most 10,000,000"),
        ({"days": 27}, "at least 28 days"),
        ({"days": 3_651}, "at most 3,650"),
    ],
)
def test_no_distributor_is_made_of_odd_arguments(arguments: dict[str, int], words: str) -> None:
    with pytest.raises(SimulationError, match=words):
        simulate(**({"seed": 1, "orders": 100, "days": 60} | arguments))


@pytest.mark.parametrize(("orders", "days"), [(50, 28), (50, 800), (4_000, 28)])
def test_unusual_sizes_give_every_file(tmp_path: Path, orders: int, days: int) -> None:
    write_simulation(tmp_path, seed=2**63 - 1, orders=orders, days=days)
    files = {path.name.split(".")[0] for path in COMMITTED.rglob("*.csv.gz")}
    assert {path.stem for path in tmp_path.rglob("*.parquet")} == files


@pytest.mark.parametrize("place", ["a file", "a file/below"])
def test_a_folder_that_cannot_be_written_to_is_told_in_words(tmp_path: Path, place: str) -> None:
    (tmp_path / "a file").write_bytes(b"")
    with pytest.raises(SimulationError, match="cannot be written to"):
        write_simulation(tmp_path / place, seed=1, orders=60, days=30)


def test_an_interrupted_simulation_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    def interrupt(words: str) -> None:
        if words == "writing exceptions":
            raise KeyboardInterrupt

    write_simulation(tmp_path, seed=1, orders=60, days=30, truth=False)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    with pytest.raises(KeyboardInterrupt):
        write_simulation(tmp_path, seed=2, orders=60, days=30, progress=interrupt)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before


def test_a_new_simulation_replaces_an_earlier_one_and_nothing_else(tmp_path: Path) -> None:
    write_simulation(tmp_path, seed=1, orders=60, days=30)
    kept = tmp_path / "mine.parquet"
    kept.write_bytes(b"mine")
    write_simulation(tmp_path, seed=1, orders=60, days=30, form="csv", truth=False)
    assert [path.name for path in tmp_path.rglob("*.parquet")] == ["mine.parquet"]
    assert not (tmp_path / TRUTH / "causes.csv.gz").exists()
    assert "mine" not in (tmp_path / "SHA256SUMS").read_text("utf-8")


def test_the_sample_stays_small() -> None:
    assert sum(path.stat().st_size for path in COMMITTED.rglob("*")) < 5_000_000


def test_order_values_are_heavy_tailed() -> None:
    lines = read("order_lines")
    value = (lines["qty"] * lines["unit_price"]).groupby(lines["order_no"]).sum().sort_values()
    assert value.tail(len(value) // 10).sum() > 0.4 * value.sum()


def test_clocks_are_off_by_minutes_and_everything_else_happens_in_sequence(
    orders: pd.DataFrame,
) -> None:
    for i, earlier in enumerate(STAGES):
        for later in STAGES[i + 1 :]:
            both = orders[[earlier, later]].dropna()
            assert (both[earlier] - both[later]).max() <= pd.Timedelta(minutes=20), (earlier, later)


def test_a_cancelled_order_was_never_shipped(orders: pd.DataFrame) -> None:
    cancelled = orders[orders["CANCEL"].notna()]
    assert 0.004 < len(cancelled) / len(orders) < 0.025
    assert cancelled[["SHIP_CONF", "POD"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("name", "happened"),
    [
        ("orders", "order_ts"), ("milestones", "event_ts"), ("inventory", "counted_at"),
        ("exceptions", "raised_at"),
    ],
)  # fmt: skip
def test_nothing_is_known_before_it_happened_nor_after_the_extract(
    name: str, happened: str
) -> None:
    rows = read(name, happened, "recorded_at")
    known = rows["recorded_at"].fillna(rows[happened])
    assert (known >= rows[happened]).all()
    assert (known < END).all()


def test_systems_hear_late_twice_and_out_of_sequence() -> None:
    events = read("milestones", "event_ts", "recorded_at")
    events["known"] = events["recorded_at"].fillna(events["event_ts"])
    delivered = events[events["event_code"] == "POD"]
    assert (delivered["known"].dt.normalize() > delivered["event_ts"]).all()
    assert (delivered["known"] - delivered["event_ts"] > pd.Timedelta(days=2)).mean() > 0.01
    assert 0.005 < delivered.duplicated("order_no").mean() < 0.05
    assert events["known"].is_monotonic_increasing
    assert not events["event_ts"].is_monotonic_increasing
    invoiced = events[events["event_code"] == "INV"].set_index("order_no")["known"]
    shipped = events[events["event_code"] == "SHIP_CONF"].set_index("order_no")["known"]
    assert 0.02 < (invoiced < shipped.reindex(invoiced.index)).mean() < 0.2


def test_the_erp_hears_of_stock_in_batches() -> None:
    stock = read("inventory", "counted_at", "recorded_at")
    lag = stock["recorded_at"] - stock["counted_at"]
    assert lag.dt.total_seconds().min() > 0
    assert lag.dt.total_seconds().median() > 3 * 3600
    assert stock.groupby("whse")["recorded_at"].agg(lambda t: t.dt.time.nunique()).max() == 1


def test_allocated_stock_never_exceeds_what_is_there() -> None:
    stock = read("inventory")
    assert (stock["allocated_qty"] >= 0).all()
    assert (stock["allocated_qty"] <= stock["on_hand_qty"]).all()


def test_the_late_share_and_its_swing_are_those_of_a_real_distributor(
    judged: pd.DataFrame,
) -> None:
    assert 0.06 <= judged["late"].mean() <= 0.12
    by_month = judged.groupby(judged["promise_dt"].dt.to_period("M"))["late"]
    whole = by_month.mean()[by_month.size() > 500]
    assert len(whole) >= 12
    assert whole.max() > 2 * whole.min()


def test_there_is_work_to_rank_at_the_end(orders: pd.DataFrame) -> None:
    open_orders = orders[orders["CANCEL"].isna() & orders["POD"].isna()]
    assert 200 <= len(open_orders) <= 900


def test_the_truth_knows_every_order_and_blames_every_late_one(judged: pd.DataFrame) -> None:
    truth = pd.read_csv(COMMITTED / TRUTH / "orders.csv.gz").set_index("order_no")
    causes = pd.read_csv(COMMITTED / TRUTH / "causes.csv.gz").set_index("order_no")
    assert truth.index.is_unique
    assert set(judged.index) <= set(truth.index)
    assert (truth.loc[judged.index, "late"] == judged["late"]).mean() > 0.999
    assert set(truth.index[truth["late"] == 1]) == set(causes.index)
    minutes = causes.filter(like="minutes_").drop(columns="late_minutes", errors="ignore")
    assert np.allclose(minutes.sum(axis=1), causes["late_minutes"], atol=0.5)
    assert np.allclose(causes.filter(like="share_").sum(axis=1), 1, atol=0.001)


def test_every_late_order_that_could_be_rescued_has_a_way_that_was_in_time() -> None:
    truth = pd.read_csv(COMMITTED / TRUTH / "orders.csv.gz").set_index("order_no")
    ways = pd.read_csv(COMMITTED / TRUTH / "alternatives.csv.gz")
    late = truth.index[truth["late"] == 1]
    rescued = ways[(ways["late"] == 0) & ways["order_no"].isin(late)]
    assert set(ways["action"]) == {
        *("other_warehouse", "faster_service", "split", "substitute", "expedite_approval"),
    }
    assert 0.2 < rescued["order_no"].nunique() / len(late) < 0.9
    assert (rescued["saved"] >= 0).all()


def test_the_true_class_stands_apart_from_the_message() -> None:
    told = read("exceptions")
    truth = pd.read_csv(COMMITTED / TRUTH / "exceptions.csv.gz")
    assert set(told["exc_no"]) <= set(truth["exc_no"])
    assert {"exception_class", "cause"}.isdisjoint(told.columns)
    assert truth["exception_class"].nunique() == 13
    assert 0.05 < told["order_no"].isna().mean() < 0.3
    assert told["source_system"].nunique() >= 6


def test_the_readme_states_the_measured_facts(orders: pd.DataFrame, judged: pd.DataFrame) -> None:
    text = (COMMITTED / "README.md").read_text("utf-8")
    stated = re.findall(r"^\| (\d{4}-\d{2}) \| ([\d,]+) \| ([\d.]+) % \|$", text, re.MULTILINE)
    by_month = judged.groupby(judged["promise_dt"].dt.strftime("%Y-%m"))["late"]
    measured = [
        (str(month), f"{len(late):,}", f"{100 * late.mean():.1f}") for month, late in by_month
    ]
    assert stated == measured
    is_open = orders["CANCEL"].isna() & orders["POD"].isna()
    lines = read("order_lines")
    value = (lines["qty"] * lines["unit_price"]).groupby(lines["order_no"]).sum()
    for fact in (
        f"{len(orders):,} orders",
        f"{len(lines):,} lines",
        f"{len(read('milestones')):,} milestones",
        f"{len(read('inventory')):,} stock positions",
        f"{len(read('exceptions')):,} exceptions",
        f"{100 * judged['late'].mean():.1f} % late",
        f"{100 * orders['CANCEL'].notna().mean():.1f} % cancelled",
        f"{is_open.sum():,} open",
        f"median {value.median():,.0f} USD, mean {value.mean():,.0f}, largest {value.max():,.0f}",
    ):
        assert fact in text, fact
