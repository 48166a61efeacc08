from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.unit.training.runs import training_run

from triage.errors import BundleError, GateError, RegistryError
from triage.models.bundle import read_bundle
from triage.models.champion import (
    bundle_folder,
    card_file,
    champion,
    find_challenger,
    find_champion,
    point_to,
)
from triage.models.promotions import promotions
from triage.training import registry
from triage.training.catalogue import listed_versions, registered_gates
from triage.training.gates import GateResult, check
from triage.training.metrics import evaluate, figure
from triage.training.pipeline import train_and_judge
from triage.training.registry import challenge, promote, rollback, stop_challenge
from triage.training.run import TrainingRun
from triage.training.tracking import TrackedRun, open_catalogue, track

PASSED = (GateResult("size", None, True, 1.0, 2.0, "small enough"),)
FAILED = (GateResult("size", None, False, 3.0, 2.0, "3 MB, at most 2. Next: fewer trees"),)


@dataclass(frozen=True)
class Tracked:
    home: Path
    runs: tuple[TrainingRun, ...]
    versions: tuple[TrackedRun, ...]
    gates: tuple[GateResult, ...]


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Tracked:
    """Two good runs and one that failed a gate, in one new home."""
    home = tmp_path_factory.mktemp("home")
    folder = tmp_path_factory.mktemp("runs")
    runs = tuple(training_run(folder / str(seed), rows=400, seed=seed) for seed in (1, 2, 3))
    first = evaluate(runs[0].predictions)
    gates = check(runs[0], first)
    results = (gates, PASSED, FAILED)
    versions = tuple(
        track(run, evaluate(run.predictions), judged, home)
        for run, judged in zip(runs, results, strict=True)
    )
    return Tracked(home, runs, versions, gates)


@pytest.fixture
def empty(tracked: Tracked) -> Iterator[Tracked]:
    """The same, before anything was promoted."""
    yield tracked
    shutil.rmtree(tracked.home / "models", ignore_errors=True)


def test_a_run_has_figures_pooled_within_and_by_month(tracked: Tracked) -> None:
    run_id = tracked.versions[0].run_id
    tidy = evaluate(tracked.runs[0].predictions)
    with open_catalogue(tracked.home) as client:
        run = client.get_run(run_id)
        monthly = client.get_metric_history(run_id, "order_created/model/log_loss_by_month")
    assert run.info.status == "FINISHED"
    expected = figure(tidy, "order_created", "model", "roc_auc")
    assert run.data.metrics["order_created/model/roc_auc"] == pytest.approx(expected)
    assert "order_created/rule/roc_auc_within_month" in run.data.metrics
    assert {point.step for point in monthly} == {201711, 201712}


def test_a_run_names_its_data_parameters_and_digest(tracked: Tracked) -> None:
    with open_catalogue(tracked.home) as client:
        run = client.get_run(tracked.versions[0].run_id)
    (dataset,) = run.inputs.dataset_inputs
    fingerprint = tracked.runs[0].dataset["fingerprint"]
    assert dataset.dataset.digest == fingerprint[:36]
    assert json.loads(dataset.dataset.source)["fingerprint"] == fingerprint
    assert json.loads(dataset.dataset.profile)["orders"] == 4_321
    assert run.data.params["rounds"] == "200"
    assert run.data.params["learning rate_ start"] == "0.05"
    assert run.data.tags["digest"] == tracked.runs[0].digest


def test_a_run_carries_card_report_declarations_and_the_very_bundle(tracked: Tracked) -> None:
    place = tracked.home / "mlartifacts" / tracked.versions[0].run_id / "artifacts"
    there = {p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file()}
    assert there >= {
        "declarations.json", "dataset.json", "gates.json", "metrics.json", "model_card.md",
        "recipe.json", "report.html", "requirements.txt",
    }  # fmt: skip
    digest, _ = read_bundle(place / "bundle", tracked.runs[0].digest)
    assert digest == tracked.runs[0].digest


def test_versions_count_up_and_say_whether_their_gates_passed(tracked: Tracked) -> None:
    assert [x.model_version for x in tracked.versions] == ["1", "2", "3"]
    with open_catalogue(tracked.home) as client:
        found = [client.get_model_version("at_risk", x.model_version) for x in tracked.versions]
    assert [x.tags["gates"] for x in found] == ["passed", "passed", "failed"]
    assert [x.tags["digest"] for x in found] == [run.digest for run in tracked.runs]


def test_tracking_leaves_nothing_behind_in_the_process(tracked: Tracked, tmp_path: Path) -> None:
    import mlflow

    level, filters = logging.getLogger("mlflow").level, list(warnings.filters)
    uri = mlflow.get_tracking_uri()
    with open_catalogue(tmp_path / "other"):
        pass
    assert mlflow.get_tracking_uri() == uri
    assert str(tracked.home) not in uri
    assert mlflow.active_run() is None
    assert logging.getLogger("mlflow").level == level
    assert list(warnings.filters) == filters
    assert not [name for name in os.environ if name.startswith("MLFLOW_")]


def test_a_run_that_breaks_is_marked_as_failed(tmp_path: Path) -> None:
    run = training_run(tmp_path, rows=400)
    del run.dataset["fingerprint"]
    with pytest.raises(KeyError):
        track(run, evaluate(run.predictions), PASSED, tmp_path / "home")
    with open_catalogue(tmp_path / "home") as client:
        experiment = client.get_experiment_by_name("at_risk")
        (found,) = client.search_runs([experiment.experiment_id])
    assert found.info.status == "FAILED"


def test_promotion_copies_the_bytes_and_points_to_them(empty: Tracked) -> None:
    put(empty, 0, empty.gates)
    found = champion(empty.home, "at_risk")
    digest = empty.runs[0].digest
    assert (found["digest"], found["version"], found["who"]) == (digest, "1", "ops")
    assert found["why"] == "first one"
    assert found["previous"] is None
    assert len(found["gates"]) == len(empty.gates)
    _, files = read_bundle(bundle_folder(empty.home, "at_risk", digest), digest)
    assert files == read_bundle(empty.runs[0].bundle)[1]
    assert aliases(empty)["champion"] == "1"
    card = card_file(empty.home, "at_risk", digest).read_text(encoding="utf-8")
    assert card.startswith("# Model card: at_risk")
    assert digest in card


def test_the_former_champion_is_remembered_and_promoting_again_changes_nothing(
    empty: Tracked,
) -> None:
    put(empty, 0)
    put(empty, 1)
    put(empty, 1)
    found = champion(empty.home, "at_risk")
    assert found["version"] == "2"
    assert found["previous"] == {"digest": empty.runs[0].digest, "version": "1"}
    assert aliases(empty) == {"champion": "2", "previous": "1"}
    put(empty, 0)
    assert champion(empty.home, "at_risk")["version"] == "1"


@pytest.mark.parametrize("unknown", ["rule", "7"])
def test_a_former_champion_that_the_registry_does_not_know_has_no_alias(
    empty: Tracked, unknown: str
) -> None:
    put(empty, 0)
    put(empty, 1)
    pointer = champion(empty.home, "at_risk")
    point_to(empty.home, "at_risk", pointer | {"version": unknown, "digest": "0" * 64})
    put(empty, 0)
    assert champion(empty.home, "at_risk")["previous"]["version"] == unknown
    assert aliases(empty) == {"champion": "1"}


def test_a_failed_gate_keeps_the_old_champion(empty: Tracked) -> None:
    put(empty, 0)
    with pytest.raises(GateError, match="size: 3 MB, at most 2"):
        put(empty, 1, FAILED)
    assert champion(empty.home, "at_risk")["version"] == "1"


def test_a_version_registered_with_failed_gates_cannot_be_talked_in(empty: Tracked) -> None:
    with pytest.raises(GateError, match="registered with failed gates"):
        put(empty, 2, PASSED)
    assert find_champion(empty.home, "at_risk") is None


def test_a_version_that_does_not_exist_is_named(empty: Tracked) -> None:
    with pytest.raises(BundleError, match="at_risk has no version 99"):
        promote(empty.home, "at_risk", "99", who="ops", why="typo", gates=PASSED)


@pytest.mark.parametrize("broken", ["install", "point_to", "write_bundle"])
def test_a_crash_before_the_pointer_is_replaced_leaves_the_old_champion_in_force(
    empty: Tracked, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    put(empty, 0)
    monkeypatch.setattr(registry, broken, crash)
    with pytest.raises(KeyboardInterrupt):
        put(empty, 1)
    found = champion(empty.home, "at_risk")
    assert found["version"] == "1"
    read_bundle(bundle_folder(empty.home, "at_risk", found["digest"]), found["digest"])


def test_a_crash_before_the_aliases_leaves_a_whole_new_champion(
    empty: Tracked, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(empty, 0)
    monkeypatch.setattr(registry, "set_aliases", crash)
    with pytest.raises(KeyboardInterrupt):
        put(empty, 1)
    found = champion(empty.home, "at_risk")
    assert found["version"] == "2"
    read_bundle(bundle_folder(empty.home, "at_risk", found["digest"]), found["digest"])


def test_bytes_changed_in_the_store_are_refused_and_the_old_champion_stays(
    empty: Tracked,
) -> None:
    put(empty, 0)
    run_id = empty.versions[1].run_id
    stored = empty.home / "mlartifacts" / run_id / "artifacts" / "bundle" / "model.json"
    before = stored.read_bytes()
    stored.write_bytes(before + b" ")
    try:
        with pytest.raises(BundleError, match=r"model\.json is not the file"):
            put(empty, 1)
    finally:
        stored.write_bytes(before)
    assert champion(empty.home, "at_risk")["version"] == "1"


def test_an_installed_bundle_that_was_damaged_is_written_again(empty: Tracked) -> None:
    put(empty, 0)
    digest = empty.runs[0].digest
    folder = bundle_folder(empty.home, "at_risk", digest)
    (folder / "model.json").write_bytes(b"{}")
    put(empty, 0)
    assert read_bundle(folder, digest)[0] == digest


def test_promotions_and_rollbacks_are_kept_in_order_with_who_and_why(empty: Tracked) -> None:
    put(empty, 0)
    put(empty, 1)
    pointer, left_undone = rollback(empty.home, "at_risk", who="ann", why="complaints")
    assert left_undone == ""
    assert champion(empty.home, "at_risk") == pointer
    assert (pointer["version"], pointer["previous"]) == ("1", None)
    kept = promotions(empty.home, "at_risk")
    assert [(x["action"], x["version"], x["who"], x["why"]) for x in kept] == [
        ("promote", "1", "ops", "first one"),
        ("promote", "2", "ops", "first one"),
        ("rollback", "1", "ann", "complaints"),
    ]
    assert aliases(empty) == {"champion": "1"}
    listed = {x.version: x for x in listed_versions(empty.home, "at_risk")}
    assert [listed[v].alias for v in "321"] == ["", "", "champion"]
    assert listed["1"].promotion == pointer
    assert listed["2"].promotion == kept[1]
    assert listed["3"].gates == "failed"
    with open_catalogue(empty.home) as client:
        tags = client.get_model_version("at_risk", "1").tags
    assert (tags["promotion.who"], tags["promotion.why"]) == ("ann", "complaints")
    with pytest.raises(BundleError, match="no champion before it"):
        rollback(empty.home, "at_risk", who="ann", why="once more")


def test_going_back_works_while_mlflow_is_down(empty: Tracked, tmp_path: Path) -> None:
    put(empty, 0)
    put(empty, 1)
    home = tmp_path / "home"
    shutil.copytree(empty.home / "models", home / "models")
    (home / "mlflow.db").write_bytes(b"this is no database" * 100)
    pointer, left_undone = rollback(home, "at_risk", who="ann", why="MLflow is down")
    assert "MLflow's aliases stay as they were" in left_undone
    assert champion(home, "at_risk") == pointer
    assert pointer["digest"] == empty.runs[0].digest
    assert promotions(home, "at_risk")[-1] == pointer


def test_a_registry_that_cannot_be_read_is_named_before_anything_is_trained(
    empty: Tracked, tmp_path: Path
) -> None:
    put(empty, 0)
    shutil.copytree(empty.home / "models", tmp_path / "models")
    (tmp_path / "mlflow.db").write_bytes(b"this is no database" * 100)
    before = champion(tmp_path, "at_risk")

    def trained() -> None:  # where there is no log, so a training would tell of that
        train_and_judge("at_risk", tmp_path, workspace=None, progress=lambda _: None)

    for use in (
        trained,
        lambda: listed_versions(tmp_path, "at_risk"),
        lambda: promote(tmp_path, "at_risk", "1", who="ann", why="better", gates=PASSED),
        lambda: challenge(tmp_path, "at_risk", "1", who="ann", check=lambda *_: None),
    ):
        with pytest.raises(RegistryError, match=r"mlflow\.db: file is not a database\. The ch"):
            use()
    assert champion(tmp_path, "at_risk") == before


def test_going_back_to_damaged_bytes_is_refused_and_the_champion_stays(empty: Tracked) -> None:
    put(empty, 0)
    put(empty, 1)
    before = champion(empty.home, "at_risk")
    folder = bundle_folder(empty.home, "at_risk", empty.runs[0].digest)
    (folder / "model.json").write_bytes(b"{}")
    with pytest.raises(BundleError, match="Version 2 stays the champion") as told:
        rollback(empty.home, "at_risk", who="ann", why="complaints")
    assert "triage promote 1" in str(told.value)
    assert champion(empty.home, "at_risk") == before
    assert promotions(empty.home, "at_risk")[-1] == before


def test_a_crash_between_pointer_and_journal_loses_no_promotion(
    empty: Tracked, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(empty, 0)
    with monkeypatch.context() as patch:
        patch.setattr(registry, "point_to", crash_after(point_to))
        with pytest.raises(KeyboardInterrupt):
            put(empty, 1)
    journal = empty.home / "models" / "at_risk" / "promotions.jsonl"
    assert len(journal.read_text().splitlines()) == 1
    assert [x["version"] for x in promotions(empty.home, "at_risk")] == ["1", "2"]
    with journal.open("a") as file:
        file.write('{"torn')
    put(empty, 0)
    assert [x["version"] for x in promotions(empty.home, "at_risk")] == ["1", "2", "1"]


def test_a_reshuffled_list_is_promoted_only_by_a_person_who_accepts_it(empty: Tracked) -> None:
    moved = (*PASSED, GateResult("stability", None, False, 0.2, 0.7, "0.2, at least 0.7"))
    with pytest.raises(GateError, match=r"stability: 0\.2, at least 0\.7"):
        put(empty, 0, moved)
    promote(
        empty.home, "at_risk", "1", who="ann", why="told the desk", gates=moved,
        accept_unstable=True,
    )  # fmt: skip
    assert champion(empty.home, "at_risk")["accepted"] == ["stability"]


def test_a_version_with_failed_gates_may_challenge_and_promotion_ends_a_challenge(
    empty: Tracked,
) -> None:
    put(empty, 0)
    pointer = named(empty, "3")
    assert (pointer["gates"], pointer["who"]) == ("failed", "ann")
    assert find_challenger(empty.home, "at_risk") == pointer
    assert read_bundle(bundle_folder(empty.home, "at_risk", pointer["digest"]))
    assert aliases(empty) == {"champion": "1", "challenger": "3"}
    assert listed_versions(empty.home, "at_risk")[0].alias == "challenger"
    assert champion(empty.home, "at_risk")["version"] == "1"
    named(empty, "2")
    put(empty, 1)
    assert find_challenger(empty.home, "at_risk") is None
    assert "challenger" not in aliases(empty)


def test_a_challenge_is_ended_once_and_without_mlflow(empty: Tracked, tmp_path: Path) -> None:
    put(empty, 0)
    named(empty, "2")
    shutil.copytree(empty.home / "models", tmp_path / "models")
    assert stop_challenge(empty.home, "at_risk") == (True, "")
    assert stop_challenge(empty.home, "at_risk") == (False, "")
    assert "challenger" not in aliases(empty)
    (tmp_path / "mlflow.db").write_bytes(b"this is no database" * 100)
    was, left_undone = stop_challenge(tmp_path, "at_risk")
    assert was
    assert "MLflow's alias stays as it was" in left_undone
    assert find_challenger(tmp_path, "at_risk") is None


def test_no_challenger_is_named_that_is_damaged_unreadable_or_the_champion(
    empty: Tracked,
) -> None:
    put(empty, 0)
    with pytest.raises(BundleError, match="version 1 of at_risk is the champion"):
        named(empty, "1")

    def refuse(folder: Path, digest: str) -> None:
        raise BundleError(f"{folder} of {digest} does not fit")

    with pytest.raises(BundleError, match="does not fit"):
        challenge(empty.home, "at_risk", "2", who="ann", check=refuse)
    run_id = empty.versions[1].run_id
    stored = empty.home / "mlartifacts" / run_id / "artifacts" / "bundle" / "model.json"
    before = stored.read_bytes()
    stored.write_bytes(before + b" ")
    try:
        with pytest.raises(BundleError, match=r"model\.json is not the file"):
            named(empty, "2")
    finally:
        stored.write_bytes(before)
    assert find_challenger(empty.home, "at_risk") is None


def test_the_gates_of_a_version_are_read_back_as_they_were_judged(tracked: Tracked) -> None:
    assert registered_gates(tracked.home, "at_risk", "1") == tracked.gates
    with open_catalogue(tracked.home) as client:
        run = client.get_run(tracked.versions[2].run_id)
    assert run.data.metrics["gate/size"] == 3.0
    assert run.data.metrics["gate/size_required"] == 2.0


def test_no_champion_and_a_damaged_pointer_say_what_to_do(tmp_path: Path) -> None:
    assert find_champion(tmp_path, "at_risk") is None
    with pytest.raises(BundleError, match="run `triage train at_risk`"):
        champion(tmp_path, "at_risk")
    folder = tmp_path / "models" / "at_risk"
    folder.mkdir(parents=True)
    for text, words in (("{", "cannot be read"), ('{"who": 1}', "names no digest")):
        (folder / "champion.json").write_text(text, encoding="utf-8")
        with pytest.raises(BundleError, match=words):
            champion(tmp_path, "at_risk")


def test_reading_the_champion_loads_neither_mlflow_nor_training() -> None:
    code = (
        "import sys, triage.models.champion\n"
        "print([m for m in sys.modules if m.split('.')[0] == 'mlflow' or 'training' in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def put(tracked: Tracked, number: int, gates: tuple[GateResult, ...] = PASSED) -> None:
    version = tracked.versions[number].model_version
    promote(tracked.home, "at_risk", version, who="ops", why="first one", gates=gates)


def named(tracked: Tracked, version: str) -> dict[str, Any]:
    return challenge(tracked.home, "at_risk", version, who="ann", check=read_bundle)


def aliases(tracked: Tracked) -> dict[str, str]:
    with open_catalogue(tracked.home) as client:
        found: dict[str, Any] = client.get_registered_model("at_risk").aliases
    return {name: str(version) for name, version in found.items()}


def crash_after(done: Callable[..., None]) -> Callable[..., None]:
    def both(*arguments: object) -> None:
        done(*arguments)
        raise KeyboardInterrupt

    return both


def crash(*_: object, **__: object) -> None:
    raise KeyboardInterrupt
