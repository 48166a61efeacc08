"""What was agreed, as the sample's mapping joins it: valid on the day of the order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from triage import workspace
from triage.history.importer import import_extract
from triage.history.log import Log
from triage.history.tables import History

SAMPLE = workspace.folder("data/samples")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    home = tmp_path_factory.mktemp("sample")
    import_extract("sample", SAMPLE, home)
    return Log(home).read()


def _truth() -> pd.DataFrame:
    truth = pd.read_csv(SAMPLE / "truth" / "prices.csv.gz")
    return truth.rename(columns={"order_no": "order_id"}).set_index(["order_id", "line_no"])


def test_every_line_has_a_published_price_and_contracts_have_a_price_before(
    history: History,
) -> None:
    lines = history.lines
    assert lines["volume_price"].notna().all()
    assert lines["case_quantity"].notna().all()
    with_contract = lines["contract_price"].notna()
    assert 0.4 < with_contract.mean() < 0.8
    assert (lines["former_contract_price"].notna() == with_contract).all()


def test_what_was_agreed_explains_every_usual_price_of_a_contract_to_the_cent(
    history: History,
) -> None:
    lines = history.lines.set_index(["order_id", "line_no"])
    usual = lines[lines["contract_price"].notna() & ~lines.index.isin(_truth().index)]
    expected = np.fmin(usual["contract_price"], usual["promotion_price"])
    assert len(usual) > 20_000
    assert (usual["unit_price"] - expected).abs().max() < 0.011


def test_a_stale_price_is_that_of_the_contract_before(history: History) -> None:
    lines = history.lines.set_index(["order_id", "line_no"])
    truth = _truth()
    stale = lines.loc[truth.index[truth["error"] == "stale_contract"]]
    assert len(stale) > 100
    assert (stale["unit_price"] - stale["former_contract_price"]).abs().max() < 0.011


def test_a_promotion_or_clearance_is_known_on_the_day(history: History) -> None:
    lines = history.lines.set_index(["order_id", "line_no"])
    truth = _truth()
    offered = truth.index[truth["basis"].isin(["promotion", "clearance"])]
    right = truth.loc[offered, "right_price"]
    assert (lines.loc[offered, "promotion_price"] - right).abs().max() < 0.011
