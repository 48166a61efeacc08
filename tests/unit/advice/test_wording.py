from __future__ import annotations

import math
from datetime import datetime

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from triage import workspace
from triage.advice.wording import ENGLISH, STAGES, Sentence, days, percent, say
from triage.domain.records import MilestoneKind
from triage.features.declarations import load
from triage.serving import formats

EXAMPLES = [
    (None, "days", "unknown"),
    (math.nan, "share", "unknown"),
    (math.log1p(4.7), "log days", "4.7 days"),
    (math.log1p(1.5), "log days", "36 h"),
    (0.0, "log days", "0 h"),
    (math.log(1.34), "log share", "134 %"),
    (0.0, "log share", "100 %"),
    (0.123, "share", "12 %"),
    (0.0, "share", "0 %"),
    (1.0, "share", "100 %"),
    (0.004, "share", "under 1 %"),
    (0.01, "share", "1 %"),
    (5.0, "hours", "5 h"),
    (5.55, "hours", "5.5 h"),
    (47.0, "hours", "47 h"),
    (60.0, "hours", "2.5 days"),
    (-60.0, "hours", "-2.5 days"),
    (3.0, "days", "3 days"),
    (1.0, "days", "24 h"),
    (-0.5, "days", "-12 h"),
    (-0.001, "days", "0 h"),
    (-0.001, "hours", "0 h"),
    (-0.04, "units", "0 units"),
    (2.25, "days until", "2.2 days away"),
    (-2.25, "days until", "2.2 days past"),
    (12.0, "units left", "12 units to spare"),
    (1.0, "units left", "1 unit to spare"),
    (-1.0, "units left", "1 unit short"),
    (-30.0, "units left", "30 units short"),
    (-1.0, "working days left", "1 working day too few"),
    (2.0, "working days left", "2 working days to spare"),
    (-0.04, "working days left", "0 working days to spare"),
    (-3.0, "working days until", "3 working days past"),
    (2.5, "hours until", "2.5 h away"),
    (-3.0, "hours until", "3 h ago"),
    (1.62, "of the road", "162 %"),
    (-0.4, "of the road", "0 %"),
    (1.0, "working days until", "1 working day away"),
    (0.042, "points", "4 percentage points more"),
    (-0.31, "points", "31 percentage points less"),
    (-0.004, "points", "0 percentage points less"),
    (0.0, "weekday", "Monday"),
    (6.0, "weekday", "Sunday"),
    (13.5, "o'clock", "13:30"),
    (0.0, "o'clock", "0:00"),
    (27.25, "hour of the week", "Tuesday 3:15"),
    (-23.55, "°", "-23.6°"),
    (1.0, "orders", "1 order"),
    (1.04, "orders", "1 order"),
    (2.0, "orders", "2 orders"),
    (1234.5, "orders", "1,234 orders"),
    (1.0, "working days", "1 working day"),
    (3.0, "USD", "3 USD"),
    (3.0, "", "3"),
]


@pytest.mark.parametrize(("value", "unit", "words"), EXAMPLES)
def test_a_value_is_said_with_its_unit(value: float | None, unit: str, words: str) -> None:
    assert say(value, unit) == words


UNITS = sorted({feature.unit for family in load().families for feature in family.feature})


@pytest.mark.parametrize("unit", UNITS)
@given(value=st.floats(-170, 170) | st.sampled_from([0.0, -0.0, 1.0, -1.0]))
@example(value=-1e-9)
@example(value=0.999999)
def test_every_declared_unit_can_be_said_of_any_value(unit: str, value: float) -> None:
    words = say(value, unit)
    assert words == words.strip()
    assert words
    assert "nan" not in words
    assert "-0 " not in words + " "
    assert ".0 " not in words + " "
    assert "{" not in words
    assert say(value, unit) == words


@given(st.floats(0, 1))
def test_a_small_share_is_never_said_to_be_nothing(share: float) -> None:
    words = percent(share)
    assert (words == "0 %") == (share == 0)
    if 0 < share < 0.01:
        assert words == "under 1 %"


@given(st.floats(-1000, 1000))
def test_a_span_is_said_to_a_tenth(value: float) -> None:
    number, unit = days(value).split()
    factor = 24 if unit == "h" else 1
    assert float(number.replace(",", "")) == pytest.approx(value * factor, abs=0.51)
    assert (unit == "h") == (abs(value) < 2)


def test_every_landmark_of_a_recipe_has_a_word() -> None:
    for name in workspace.names("models", ".toml"):
        landmarks = workspace.read_toml(f"training/{name}.toml").get("landmarks", [])
        assert set(landmarks) <= set(STAGES)
    assert set(STAGES) <= {kind.value for kind in MilestoneKind}


def test_a_sentence_is_told_with_the_figures_of_who_reads_it() -> None:
    sentence = Sentence("Waits for {0}; usual: {1}", ((1234.5, "hours"), (None, "hours")))
    assert sentence.told() == "Waits for 51.4 days; usual: unknown"
    assert sentence.told(formats) == sentence.told()


def test_prices_use_no_unit_that_a_feature_declares() -> None:
    assert not {"a piece", "fold", "apart"} & set(UNITS)


@given(st.datetimes())
def test_a_moment_is_written_as_in_english_wherever_the_service_runs(at: datetime) -> None:
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    days_of_week = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    expected = f"{days_of_week[at.isoweekday() % 7]} {at.day} {months[at.month - 1]}"
    assert ENGLISH.moment(at) == f"{expected} {at.time().isoformat('minutes')}"
