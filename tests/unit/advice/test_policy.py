from __future__ import annotations

from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given
from pydantic import ValidationError

from triage.advice.policy import Policy, load
from triage.errors import DeclarationError

BANDS = {"medium": 0.15, "low": 0.0, "high": 0.5}
POLICY = Policy(version="t", bands=BANDS)


def test_a_band_begins_at_its_own_probability() -> None:
    said = [POLICY.band(p) for p in (0.0, 0.1499, 0.15, 0.4999, 0.5, 1.0)]
    assert said == ["low", "low", "medium", "medium", "high", "high"]


@given(st.floats(0, 1), st.floats(0, 1))
def test_every_probability_has_a_band_and_a_higher_one_has_no_lower_band(
    a: float, b: float
) -> None:
    low, high = BANDS[POLICY.band(min(a, b))], BANDS[POLICY.band(max(a, b))]
    assert low <= high
    assert low <= min(a, b)


def test_bands_that_leave_some_orders_out_are_refused() -> None:
    with pytest.raises(ValidationError, match="start at 0"):
        Policy(version="t", bands={"high": 0.5})


def written(folder: Path, text: str) -> Path:
    (folder / "serving").mkdir()
    (folder / "serving" / "policy.toml").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('version = "1"\n[bands]\nlow = 0.1\n', "bands"),
        ('version = "1"\n[bands]\nlow = 0.0\nhigh = 1.5\n', r"bands\.high"),
        ('version = "1"\nautority = "erp"\n[bands]\nlow = 0.0\n', "autority"),
        ('version = "1"\n[bands]\nlow = 0.0\n[reasons]\ntop = 0\n', r"reasons\.top"),
        ("[bands]\nlow = 0.0\n", "version"),
        ("version = ", r"policy\.toml"),
    ],
)
def test_a_policy_that_does_not_fit_names_file_and_field(
    tmp_path: Path, text: str, named: str
) -> None:
    with pytest.raises(DeclarationError, match=named) as told:
        load(written(tmp_path, text))
    assert "serving/policy.toml" in str(told.value)


def test_a_policy_is_read_from_the_workspace_that_was_named(tmp_path: Path) -> None:
    policy = load(written(tmp_path, 'version = "mine"\n[bands]\nlow = 0.0\n'))
    assert (policy.version, policy.authority) == ("mine", "erp")


def test_a_probability_that_could_be_anything_is_left_to_a_person() -> None:
    rule = POLICY.abstain
    assert rule.unsure((0.2, 0.2 + rule.widest - 0.01), ()) == ()
    assert rule.unsure((0.1, 0.9), ()) == ("Past outcomes allow anything from 10% to 90%",)


def test_an_order_unlike_past_ones_is_left_to_a_person_unless_the_policy_says_otherwise() -> None:
    rule = POLICY.abstain
    assert rule.unsure((0.2, 0.3), ["Distance", "Weight"]) == (
        "Unlike past orders in: Distance, Weight",
    )
    assert rule.model_copy(update={"unfamiliar": False}).unsure((0.2, 0.3), ["Distance"]) == ()


def test_a_link_holds_the_escaped_id_and_there_is_none_by_default() -> None:
    assert POLICY.links.of_order("SO 1") is None
    linked = Policy(
        version="t", bands=BANDS, links={"order": "https://erp.example/o/{order_id}?v=1"}
    )
    assert linked.links.of_order("a/b c?#<x>") == "https://erp.example/o/a%2Fb%20c%3F%23%3Cx%3E?v=1"


@pytest.mark.parametrize("address", ["javascript:alert({order_id})", "https://erp.example/orders"])
def test_a_link_that_leads_nowhere_or_to_a_script_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="must begin with https"):
        Policy(version="t", bands=BANDS, links={"order": address})


def test_by_default_no_order_is_held_out_and_a_share_of_them_if_one_is_set() -> None:
    names = [f"SO-{number}" for number in range(2_000)]
    assert not any(map(POLICY.hold_out.holds, names))
    some = Policy(version="t", bands=BANDS, hold_out={"share": 0.1}).hold_out
    assert 150 < sum(map(some.holds, names)) < 250
