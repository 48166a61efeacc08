"""Other companies' extracts come in by a mapping alone, with nothing else changed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from tests.foreign import b2b, dataco, scms, small
from tests.workspaces import cheap
from triage.domain.clock import from_micros
from triage.errors import MappingError
from triage.features.availability import available
from triage.history.importer import import_extract
from triage.history.log import Log
from triage.history.report import ImportReport
from triage.history.tables import History
from triage.training import recipe as recipes
from triage.training.prepared import prepare
from triage.training.train import evaluate_months

MAPPINGS = Path(__file__).parent / "mappings"
SETS: dict[str, tuple[ModuleType, int]] = {
    "dataco": (dataco, 9000),
    "scms": (scms, 3000),
    "b2b": (b2b, 4000),
    "small": (small, 900),
}
Loaded = tuple[Path, ImportReport, History]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Loaded]:
    """Every look-alike, written and imported by its mapping."""
    found = {}
    for name, (source, orders) in SETS.items():
        base = tmp_path_factory.mktemp(name)
        report = import_extract(
            MAPPINGS / name, source.write(base / "extract", orders), base / "home"
        )
        found[name] = (base / "home", report, Log(base / "home").read())
    return found


@pytest.mark.parametrize("name", SETS)
def test_every_row_of_a_foreign_extract_is_used(name: str, loaded: dict[str, Loaded]) -> None:
    _, report, history = loaded[name]
    assert report.rejected == 0
    assert len(history.orders) == SETS[name][1]


@pytest.mark.parametrize("name", SETS)
def test_a_generator_writes_the_same_files_for_the_same_seed(name: str, tmp_path: Path) -> None:
    source, _ = SETS[name]

    def written(folder: str, seed: int) -> dict[str, bytes]:
        files = source.write(tmp_path / folder, 300, seed).iterdir()
        return {path.name: path.read_bytes() for path in files}

    first, again, other = written("first", 1), written("again", 1), written("other", 2)
    assert first == again
    assert first != other


def test_letters_of_latin_1_arrive_as_they_are(loaded: dict[str, Loaded]) -> None:
    assert "México" in set(loaded["dataco"][2].orders["destination_area"])
    assert "Côte d'Ivoire" in set(loaded["scms"][2].orders["destination_region"])


def test_an_encoding_that_is_not_declared_is_answered_with_the_line_to_write(
    tmp_path: Path,
) -> None:
    mapping = tmp_path / "mapping"
    mapping.mkdir()
    for path in (MAPPINGS / "dataco").iterdir():
        text = path.read_text().replace('encoding = "latin-1"\n', "")
        (mapping / path.name).write_text(text)
    with pytest.raises(MappingError, match=r'no UTF-8 text.*encoding = "latin-1"'):
        import_extract(mapping, dataco.write(tmp_path / "extract", 200), tmp_path / "home")


def test_words_where_a_number_or_a_date_should_be_are_not_known(
    loaded: dict[str, Loaded],
) -> None:
    history = loaded["scms"][2]
    assert 0.2 < history.lines["weight_kg"].isna().mean() < 0.6
    assert 0.2 < history.lines["freight"].isna().mean() < 0.6
    validated = (history.milestones["milestone"] == "order_validated").sum()
    assert 0 < validated < len(history.orders)


def test_decimal_commas_and_german_dates_are_read_exactly(tmp_path: Path) -> None:
    book, positions = b2b.generate(400)
    import_extract(MAPPINGS / "b2b", b2b.write(tmp_path / "extract", 400), tmp_path / "home")
    history = Log(tmp_path / "home").read()
    prices = positions["Preis"].str.replace(",", ".").astype(float)
    assert history.lines["unit_price"].sum() == pytest.approx(prices.sum(), rel=1e-12)
    first = history.orders.iloc[0]
    local = datetime.strptime(book["Angelegt"].iloc[0], "%d.%m.%Y %H:%M").replace(tzinfo=UTC)
    moment = from_micros(int(first["event_time"]))
    assert (local - moment).total_seconds() == 3600.0  # winter in Berlin


def test_a_delivery_by_days_is_not_known_before_its_day_has_ended(
    loaded: dict[str, Loaded],
) -> None:
    for name in ("small", "scms"):
        milestones = loaded[name][2].milestones
        lag = milestones["record_time"] - milestones["event_time"]
        assert (lag >= 23 * 3_600_000_000).mean() > 0.99


def test_a_company_with_two_columns_has_only_what_it_gave(loaded: dict[str, Loaded]) -> None:
    there = available(loaded["small"][2])
    assert "milestone.delivered" in there
    assert not {"order.carrier", "order_line.site", "milestone.order_validated"} & there


@pytest.mark.parametrize(
    ("name", "month"),
    [("dataco", "2017-12"), ("scms", "2014-03"), ("b2b", "2024-04"), ("small", "2024-11")],
)
def test_a_foreign_history_is_backtested_without_a_change_of_any_declaration(
    name: str, month: str, loaded: dict[str, Loaded], tmp_path: Path
) -> None:
    workspace = cheap(tmp_path)
    recipe, _ = recipes.load("at_risk", workspace)
    prepared = prepare(loaded[name][0], recipe, workspace=workspace)
    frame = evaluate_months(prepared, recipe, [month])
    assert {"model", "constant", "rule", "logistic"} <= set(frame.columns)
    said = frame[["model", "constant", "rule", "logistic"]].to_numpy()
    assert ((said > 0) & (said < 1)).all()
    assert not frame.duplicated(["order_id", "landmark", "as_of"]).any()
