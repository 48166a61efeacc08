"""From a log to the champion of prices: the same bundle twice, registered, promoted, served."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.unit.history.small import Row, Small, line, order

from triage import demo
from triage import workspace as carried
from triage.errors import GateError
from triage.history.log import Log
from triage.models.champion import champion, find_champion
from triage.models.prices import NAME
from triage.serving.candidate import Candidates
from triage.serving.price_desk import load_price_desk
from triage.settings import Settings
from triage.training.file_tracking import track_files
from triage.training.pipeline import promote_version
from triage.training.price_train import train_prices
from triage.training.registry import promote


def history(home: Path, count: int) -> Path:
    """Write a log of orders over 100 days; items cost the same, but for a dropped decimal point."""
    rng = np.random.default_rng(5)
    small = Small(home)
    orders: list[Row] = []
    lines: list[Row] = []
    for at in range(count):
        day = 1 + at * 100 // count
        when = np.datetime64("2024-02-01") + np.timedelta64(day, "D")
        orders.append(order(f"A{at}", event_time=f"{when} 08:00:00", record_time=""))
        wrong = rng.random() < 0.01
        lines.append(line(f"A{at}", sku=f"S{at % 20}", unit_price=round(
            (10 + at % 20) * (10 if wrong else 1), 2)))  # fmt: skip
    small.write(order=orders, order_line=lines)
    small.load()
    return small.home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return history(tmp_path_factory.mktemp("prices"), 5000)


def test_a_price_model_is_trained_twice_alike_registered_promoted_and_served(home: Path) -> None:
    run = train_prices(home)
    assert train_prices(home).digest == run.digest
    assert {gate.name: gate.passed for gate in run.gates}["expected_precision"]
    assert run.figures["judged"] == 1.0
    tracked = track_files(run, home)
    assert tracked.model_version == "1"
    promote(home, NAME, tracked.model_version, who="me", why="test", gates=run.gates)
    assert champion(home, NAME)["digest"] == run.digest
    promote_version(
        NAME, "1", home, who="you", why="again", accept_unstable=False, workspace=None,
        serve=Candidates.of(Settings(home=home)),
    )  # fmt: skip
    assert champion(home, NAME)["who"] == "you"
    assert load_price_desk(Settings(home=home), Log(home).read()) is not None


def test_a_version_whose_gates_failed_is_registered_and_refused(home: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    for folder in ("training", "models"):
        (workspace / folder).mkdir(parents=True)
        text = (carried.root() / folder / "prices.toml").read_text()
        text = text.replace("max_megabytes = 20", "max_megabytes = 0.000001")
        (workspace / folder / "prices.toml").write_text(text)
    run = train_prices(home, workspace=workspace)
    tracked = track_files(run, home)
    with pytest.raises(GateError, match=r"size: .* MB .*Next: fewer lines"):
        promote(home, NAME, tracked.model_version, who="me", why="test", gates=run.gates)


def test_a_log_with_too_little_leaves_the_demo_without_further_models(tmp_path: Path) -> None:
    small = history(tmp_path, 50)
    said: list[str] = []
    demo.train_more(Settings(home=small), said.append)
    refused = [line for line in said if line.startswith("no model of")]
    assert refused[0].startswith("no model of prices: the log holds 50 lines")
    assert refused[1].startswith("no model of exceptions: ")
    assert find_champion(small, NAME) is None
