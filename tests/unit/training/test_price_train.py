"""Training prices: earlier lines only, no labels, gates on planted errors."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.unit.history.small import Small, line, order

from triage.domain.clock import MICROS_PER_DAY
from triage.errors import DeclarationError, NotEnoughHistoryError
from triage.models.price_lines import PriceLines, price_lines
from triage.models.priced_line import EVERYWHERE, PricedLine
from triage.models.prices import PriceModel
from triage.training.price_fit import learn
from triage.training.price_planted import plant
from triage.training.price_recipe import PriceRecipe, load_price_promise, load_recipe
from triage.training.price_train import at_threshold, fit_prices, judged

RECIPE, _ = load_recipe()
COUNT = 6000
END = COUNT * MICROS_PER_DAY // 60


def simulated(count: int = COUNT) -> tuple[PriceLines, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Return lines over 100 days and which are wrong: 1 % unit errors, 3 % concessions in Sales."""
    rng = np.random.default_rng(3)
    lines, wrong = [], []
    for _ in range(count):
        channel = "Sales" if rng.random() < 0.4 else "EDI"
        listed = round(float(rng.uniform(5, 80)), 2)
        own = rng.random() < 0.5
        right = round(listed * (0.8 if own else 0.9), 2)
        price, bad = right, False
        if rng.random() < 0.01:
            price, bad = round(right * (12 if rng.random() < 0.5 else 1 / 12), 2), True
        elif channel == "Sales" and rng.random() < 0.08:
            price = round(right * float(rng.uniform(0.7, 0.92)), 2)
        lines.append(
            PricedLine(
                price=price, quantity=4.0, sku=f"S{rng.integers(40)}", category="Tools",
                customer=f"C{rng.integers(30)}", tier="Key", channel=channel, list_price=listed,
                volume_price=listed, contract_price=right if own else None, case_quantity=12.0,
            )
        )  # fmt: skip
        wrong.append(bad)
    known = np.arange(count, dtype=np.int64) * (END // count)
    ids = [f"O{at}" for at in range(count)]
    return PriceLines(lines, known, ids, [1] * count), np.array(wrong)


LINES, WRONG = simulated()


@pytest.fixture(scope="module")
def model() -> PriceModel:
    return fit_prices(LINES, RECIPE, END).tried


def test_usual_discounts_are_found_and_shrunken_towards_the_group_above() -> None:
    numbers = learn(LINES.lines, RECIPE, as_of=END)
    assert numbers.usual[EVERYWHERE] == pytest.approx(math.log(0.9), abs=1e-3)
    assert numbers.usual["customer|C3"] == pytest.approx(math.log(0.9), abs=1e-3)
    few = learn([*LINES.lines, *LINES.lines[:3]], RECIPE, as_of=END)
    assert set(few.usual) >= set(numbers.usual)


def test_errors_are_told_from_concessions_without_labels(model: PriceModel) -> None:
    newest = LINES.between(model.numbers.trained_as_of, END).lines
    flagged = np.array([bool(v and v.anomalous) for v in map(model.judge, newest)])
    wrong = WRONG[-len(newest) :]
    assert wrong.sum() >= 20
    assert WRONG.mean() < 0.02
    assert wrong[flagged].mean() >= 0.9
    assert flagged[wrong].mean() >= 0.9


def test_what_is_learned_before_the_cut_does_not_change_with_what_comes_after_it() -> None:
    tried = fit_prices(LINES, RECIPE, END).tried.numbers
    assert tried.trained_as_of == END - RECIPE.history.held_out_days * MICROS_PER_DAY
    seen = len(LINES.between(0, tried.trained_as_of).lines)
    assert tried.lines == seen
    later = [replace(x, price=7 * x.price) for x in LINES.lines[seen:]]
    changed = replace(LINES, lines=[*LINES.lines[:seen], *later])
    again = fit_prices(changed, RECIPE, END).tried.numbers
    assert again.model_dump(exclude={"threshold"}) == tried.model_dump(exclude={"threshold"})


def test_the_threshold_rises_until_the_expected_precision_is_kept(model: PriceModel) -> None:
    newest = LINES.between(model.numbers.trained_as_of, END).lines
    strict = RECIPE.model_copy(
        update={"threshold": RECIPE.threshold.model_copy(update={"precision": 0.9999})}
    )
    stricter = at_threshold(model.numbers, newest, strict)
    assert stricter.numbers.threshold >= model.numbers.threshold
    assert judged(stricter, newest)["flagged"] <= judged(model, newest)["flagged"]
    few = RECIPE.model_copy(
        update={"threshold": RECIPE.threshold.model_copy(update={"most_flagged": 0.0})}
    )
    assert at_threshold(model.numbers, newest, few).numbers.threshold == 0.99


def test_planted_errors_are_counted_by_kind_and_only_where_they_can_happen(
    model: PriceModel,
) -> None:
    planted = {x.kind: x for x in plant(LINES.lines[-500:], model, most=100, seed=1)}
    assert planted["unit"].lines == 100
    assert planted["unit"].found == planted["unit"].named == 100
    assert planted["stale_contract"].lines == 0
    assert planted == {x.kind: x for x in plant(LINES.lines[-500:], model, most=100, seed=1)}


def test_too_few_lines_are_refused_with_what_to_do() -> None:
    few, _ = simulated(100)
    with pytest.raises(NotEnoughHistoryError, match="2000 are needed"):
        fit_prices(few, RECIPE, END)


def test_lines_of_the_log_come_in_the_sequence_of_their_orders(tmp_path: Path) -> None:
    small = Small(tmp_path)
    small.write(
        order=[order("B", event_time="2024-03-02 08:00:00"), order("A")],
        order_line=[line("B", unit_price=3), line("A", unit_price=2), line("A", line_no=2)],
    )
    small.load()
    found = price_lines(small.log.read())
    assert found.order_id[0] == "A"
    assert found.order_id[-1] == "B"
    assert found.lines[0].price == 2.0
    assert found.lines[-1].contract_price is None
    assert (np.diff(found.known) >= 0).all()
    assert price_lines(small.log.read(), 1).order_id == ["B"]


def test_the_recipe_and_the_gates_of_the_workspace_read_and_agree() -> None:
    promise = load_price_promise()
    assert promise.name == RECIPE.name == "prices"
    assert RECIPE.threshold.most_flagged <= promise.gates.max_flagged
    assert RECIPE.threshold.precision >= promise.gates.min_expected_precision


def test_an_entry_that_is_wrong_is_named(tmp_path: Path) -> None:
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "prices.toml").write_text('name = "prices"\nversion = "1"\n')
    with pytest.raises(DeclarationError, match=r"training/prices\.toml: history"):
        load_recipe(tmp_path)
    assert isinstance(RECIPE, PriceRecipe)
