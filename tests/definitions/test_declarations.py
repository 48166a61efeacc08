"""Every declaration of the repository fits the code that reads it."""

from __future__ import annotations

from functools import cache
from typing import get_args

import pytest

from triage import workspace
from triage.advice import policy
from triage.features import declarations
from triage.features.availability import FEW_ORDERS, RETURNING_CUSTOMERS
from triage.features.compile import FeatureSet, Slot, compile_features
from triage.features.declarations import Cause
from triage.features.facts import MILESTONES
from triage.history.columns import COLUMNS
from triage.training import recipe as recipes
from triage.training.promise import load as load_promise

DECLARED = declarations.load()
SOURCES = frozenset(s for family in DECLARED.families for s in family.family.requires)
RECIPES = sorted(
    set(workspace.names("training", ".toml")) - {"drift", "tune", "prices", "exceptions"}
)
PROMISES = sorted(set(workspace.names("models", ".toml")) - {"prices", "exceptions"})
FAMILIES = [family.family.name for family in DECLARED.families]


@cache
def compiled() -> FeatureSet:
    return compile_features(DECLARED, SOURCES)


def test_every_feature_compiles_where_every_source_is_there() -> None:
    assert compiled().switched_off == {}
    assert {slot.family for slot in compiled().slots} == set(FAMILIES)
    assert len(set(compiled().names)) == len(compiled().names)


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_every_feature_that_is_on_compiles_where_one_source_is_absent(source: str) -> None:
    without = compile_features(DECLARED, SOURCES - {source})
    assert without.switched_off
    assert all(missing == (source,) for missing in without.switched_off.values())
    on = set(FAMILIES) - set(without.switched_off)
    assert {slot.family for slot in without.slots} == on


def test_the_families_are_named_as_their_files() -> None:
    assert sorted(FAMILIES) == sorted(set(workspace.names("features", ".toml")) - {"streams"})


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_every_source_that_a_family_wants_is_one_that_records_can_give(source: str) -> None:
    record, _, field = source.partition(".")
    if record == "milestone" and field in MILESTONES:
        return
    if source in {FEW_ORDERS, RETURNING_CUSTOMERS}:
        return
    assert record in COLUMNS
    assert not field or field in {column.name for column in COLUMNS[record]}


def test_every_concept_says_for_which_cause_it_stands() -> None:
    unsaid = [
        name for name, said in DECLARED.concepts.items() if "cause" not in said.model_fields_set
    ]
    assert unsaid == []
    used = {said.cause for said in DECLARED.concepts.values()}
    assert used == set(get_args(Cause))


def test_every_concept_that_is_used_is_declared_and_the_other_way_round() -> None:
    used = {slot.concept for slot in compiled().slots}
    declared = [name for family in DECLARED.families for name in family.concept]
    assert sorted(declared) == sorted(used)


def test_every_stream_that_is_declared_is_used() -> None:
    streams = {slot.feature.stream for slot in compiled().slots if slot.feature.stream}
    assert set(DECLARED.streams) == streams


def test_the_parent_of_every_key_is_a_key_and_there_is_no_circle() -> None:
    for name in DECLARED.keys:
        seen = [name]
        while (parent := DECLARED.keys[seen[-1]].parent) is not None:
            assert parent in DECLARED.keys
            assert parent not in seen
            seen.append(parent)


def sentence_faults(slot: Slot) -> list[str]:
    left = slot.phrase.replace("{value}", "").replace("{typical}", "")
    faults = {
        "begins small": not (slot.phrase[0].isupper() or slot.phrase.startswith("{value}")),
        "has a hole that nothing fills": "{" in left + slot.meaning,
        "has two blanks in a row": "  " in slot.phrase + slot.meaning,
        "ends with a full stop": slot.phrase.endswith(".") or slot.meaning.endswith("."),
        "does not say its value": slot.feature.stream is not None and "{value}" not in slot.phrase,
    }
    return [fault for fault, found in faults.items() if found]


def test_a_feature_is_said_in_a_sentence_that_names_its_value() -> None:
    faults = {slot.name: sentence_faults(slot) for slot in compiled().slots}
    assert {name: found for name, found in faults.items() if found} == {}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_names_landmarks_and_features_that_exist(name: str) -> None:
    recipe, _ = recipes.load(name)
    assert recipe.name == name
    assert set(recipe.landmarks) <= set(MILESTONES)
    assert len(set(recipe.landmarks)) == len(recipe.landmarks)
    assert recipe.baselines.rule in compiled().names
    assert set(recipe.baselines.static) <= set(compiled().names)
    recipe.inputs.check(compiled())
    assert set(recipe.inputs.families) <= set(FAMILIES)
    assert set(recipe.inputs.added) <= set(recipe.landmarks)
    for landmark in recipe.landmarks:
        assert len(recipe.inputs.of(compiled(), landmark)) >= 10


@pytest.mark.parametrize("name", RECIPES)
def test_an_input_that_a_recipe_names_is_looked_at_somewhere(name: str) -> None:
    recipe, _ = recipes.load(name)
    seen = {n for at in recipe.landmarks for n in recipe.inputs.of(compiled(), at)}
    assert set(recipe.inputs.every) <= seen
    for landmark, names in recipe.inputs.added.items():
        assert set(names) <= set(recipe.inputs.of(compiled(), landmark))
        assert not set(names) & set(recipe.inputs.every)


@pytest.mark.parametrize("name", PROMISES)
def test_a_models_promise_loads_and_speaks_of_its_recipes_landmarks(name: str) -> None:
    promise = load_promise(name)
    recipe, _ = recipes.load(name)
    assert promise.name == name
    assert set(promise.slices.landmarks) <= set(recipe.landmarks)


def test_the_policy_gives_every_probability_a_band_and_has_more_than_one() -> None:
    loaded = policy.load()
    starts = list(loaded.bands.values())
    assert starts == sorted(set(starts), reverse=True)
    assert len(starts) >= 3
    assert loaded.band(0.0) == list(loaded.bands)[-1]
    assert loaded.band(1.0) == next(iter(loaded.bands))
    assert loaded.authority
