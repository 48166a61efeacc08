"""What raises the risk is put down to causes; time that goes by, to the steps that took it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from triage.advice.causes import CAUSES, Causes
from triage.advice.steps import Delays
from triage.features.compile import FeatureSet, Floats, compile_features
from triage.features.declarations import Family, parse

laws = settings(max_examples=200, deadline=None)
CONCEPTS = {
    "promise": "promise", "stock": "inventory", "site": "warehouse", "way": "carrier",
}  # fmt: skip
FEATURES = {
    "promise_days": ("days_until", "promised_by", "promise"),
    "workdays": ("workdays_until", "promised_by", "promise"),
    "weight": ("number", "weight_kg", "stock"),
    "volume": ("number", "volume_l", "site"),
    "distance": ("number", "distance_km", "way"),
}
NONE = Delays({}, 2.0, "inventory")


def features(**changed: tuple[str, str, str]) -> FeatureSet:
    declared: list[dict[str, Any]] = [
        {"name": name, "row": row, "of": [of], "concept": concept, "unit": "",
         "meaning": "Some meaning", "phrase": "It is {value}"}
        for name, (row, of, concept) in (FEATURES | changed).items()
    ]  # fmt: skip
    concepts = {
        name: {"title": f"The {name}", "owner": "Someone", "cause": cause}
        for name, cause in CONCEPTS.items()
    }
    family = {"family": {"name": "test", "title": "Test", "owner": "tests"}, "concept": concepts,
              "feature": declared}  # fmt: skip
    declarations = parse({"keys": {}, "streams": {}}, (Family.model_validate(family),))
    return compile_features(declarations, ())


FRESH = Causes("order_created", tuple(FEATURES), features())
WAITING = Causes("order_validated:waiting", tuple(FEATURES), features())


class Made(NamedTuple):
    """What a model said: effects of the inputs, of the promise, of waiting."""

    effects: Floats
    promise: float
    waiting: float


def made(effects: list[float], promise: float = 0.0, waiting: float = 0.0) -> Made:
    return Made(np.array(effects), promise, waiting)


def told(causes: Causes, said: Made, delays: Delays = NONE) -> dict[str, float]:
    return {each.cause: each.share for each in causes.shares(*said, delays)}


effects = st.floats(-0.5, 0.5)


@laws
@given(
    st.lists(effects, min_size=5, max_size=5), effects, effects,
    st.dictionaries(st.sampled_from(CAUSES), st.floats(0.01, 9), max_size=4),
    st.floats(-3, 9), st.sampled_from([FRESH, WAITING]),
)  # fmt: skip
def test_shares_sum_to_one_largest_first_or_there_are_none(
    each: list[float], promise: float, waiting: float, beyond: dict[Any, float], buffer: float,
    causes: Causes,
) -> None:  # fmt: skip
    found = causes.shares(*made(each, promise, waiting), Delays(beyond, buffer, "inventory"))
    shares = [share.share for share in found]
    assert shares == sorted(shares, reverse=True)
    assert len({share.cause for share in found}) == len(found)
    raised = max(each[2:]) > 1e-9 or sum(each[:2]) + promise + waiting > 1e-9
    if raised:
        assert sum(round(1000 * share) for share in shares) == 1000
        assert all(share > 0 for share in shares)
    elif max(each[2:]) <= 0 and sum(each[:2]) + promise + waiting <= 0:
        assert found == ()


def test_effects_of_a_cause_count_together_and_what_lowers_has_no_share() -> None:
    prediction = made([0.0, 0.0, 0.03, -0.2, 0.01])
    assert told(FRESH, prediction) == {"inventory": 0.75, "carrier": 0.25}


def test_a_short_promise_is_put_down_to_the_promise_while_no_step_took_long() -> None:
    assert told(FRESH, made([0.1, 0.1, 0.0, 0.0, 0.0])) == {"promise": 1.0}


def test_time_that_is_gone_is_put_down_to_the_steps_that_took_it() -> None:
    late = Delays({"approval": 3.0, "warehouse": 1.0}, 2.0, "carrier")
    prediction = made([0.2, 0.0, 0.0, 0.0, 0.0], promise=0.2)
    assert told(FRESH, prediction, late) == {"approval": 0.75, "warehouse": 0.25}


def test_days_beyond_the_usual_count_as_far_as_they_use_up_what_the_promise_leaves() -> None:
    little = Delays({"approval": 0.5}, 2.0, "inventory")
    prediction = made([0.4, 0.0, 0.0, 0.0, 0.0])
    assert told(FRESH, prediction, little) == {"promise": 0.75, "approval": 0.25}
    assert told(WAITING, prediction, little) == {"inventory": 0.75, "approval": 0.25}


def test_waiting_is_put_down_to_the_step_that_the_order_is_in() -> None:
    assert told(FRESH, made([0.0] * 5, waiting=0.3)) == {"inventory": 1.0}
    both = made([0.1, 0.0, 0.0, 0.0, 0.0], waiting=0.3)
    assert told(FRESH, both) == {"inventory": 0.75, "promise": 0.25}


def test_time_since_a_milestone_names_no_cause_by_itself() -> None:
    since = features(weight=("hours_since", "order_created", "stock"))
    causes = Causes("order_validated:waiting", tuple(FEATURES), since)
    late = Delays({"warehouse": 5.0}, 2.0, "warehouse")
    assert told(causes, made([0.0, 0.0, 0.3, 0.0, 0.0]), late) == {"warehouse": 1.0}


def test_nothing_is_put_down_to_causes_where_nothing_raises_the_probability() -> None:
    assert told(FRESH, made([-0.1, 0.0, 0.0, -0.2, 0.0])) == {}


@pytest.mark.parametrize("parts", [(1, 1, 1), (1, 5, 1), (2, 3, 7)])
def test_rounding_loses_no_share(parts: tuple[int, int, int]) -> None:
    shares = told(FRESH, made([0.0, 0.0, *(0.01 * part for part in parts)]))
    assert math.isclose(sum(shares.values()), 1.0)
    whole = sum(parts)
    for cause, part in zip(("inventory", "warehouse", "carrier"), parts, strict=True):
        assert abs(shares[cause] - part / whole) <= 0.001
