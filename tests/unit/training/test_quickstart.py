"""The notebook and the MLflow project, run as a data scientist would, on one simulated log."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from tests.conftest import ROOT
from tests.workspaces import cheap

from triage.features.engine import FeatureEngine
from triage.history.importer import import_extract
from triage.history.log import Log
from triage.history.tables import History
from triage.models.at_risk import AtRiskModel
from triage.models.champion import champion
from triage.serving.candidate import Candidates
from triage.serving.scorer import Scorer
from triage.settings import Settings
from triage.simulation.sample import write_simulation
from triage.training.catalogue import listed_versions
from triage.training.pipeline import champion_bundle
from triage.training.promise import load
from triage.training.rehearsal import Bundle, rehearse, streamed_engine
from triage.training.verdict import GateResult

NOTEBOOK = ROOT / "docs" / "quickstart.ipynb"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with 2,500 simulated orders, and a workspace whose recipe trains fast."""
    folder = tmp_path_factory.mktemp("small")
    write_simulation(
        folder / "extract", seed=5, orders=2_500, days=150, form="csv", truth=False, processes=1,
        progress=lambda _: None,
    )  # fmt: skip
    import_extract("sample", folder / "extract", folder / "home")
    return Settings(home=folder / "home", workspace=cheap(folder / "workspace", months=2))


@pytest.fixture(scope="module")
def trained(small: Settings) -> Settings:
    """The same after `mlflow run training`."""
    done = mlflow_run(small)
    assert done.returncode == 0, done.stderr
    return small


def environment(settings: Settings) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TRIAGE_", "MLFLOW_"))}
    return kept | {
        "TRIAGE_HOME": str(settings.home), "TRIAGE_WORKSPACE": str(settings.workspace),
        "MLFLOW_TRACKING_URI": f"sqlite:///{settings.home}/mlflow.db",
        "MLFLOW_DISABLE_TELEMETRY": "true", "NO_COLOR": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip


def mlflow_run(settings: Settings) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable, "-m", "mlflow", "run", str(ROOT / "training"), "--env-manager", "local",
            "-P", f"home={settings.home}", "-P", "why=the first; of all",
        ],
        capture_output=True, text=True, check=False, env=environment(settings),
    )  # fmt: skip


def test_mlflow_run_trains_judges_and_promotes_into_the_home_it_is_given(
    trained: Settings,
) -> None:
    (version,) = listed_versions(trained.home, "at_risk")
    assert (version.version, version.gates, version.alias) == ("1", "passed", "champion")
    assert version.promotion is not None
    assert version.promotion["why"] == "the first; of all"
    names = {gate["name"] for gate in champion(trained.home, "at_risk")["gates"]}
    assert names >= {"worst_segment", "latency", "stability", "replay", "calibrated", "slices"}


def test_the_notebook_runs_from_the_first_cell_to_the_last(
    trained: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    shutil.copytree(trained.home / "history", home / "history")
    for name, value in environment(trained).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TRIAGE_HOME", str(home))
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert [v.version for v in listed_versions(home, "at_risk")] == ["1"]
    typical, p_late = shown_sum(notebook)
    assert typical == p_late
    (last,) = notebook.cells[-2].outputs
    assert "half the trees" in last["data"]["text/plain"]


def shown_sum(notebook: nbformat.NotebookNode) -> tuple[str, str]:
    """Return typical + reasons + other, and p(late), as the notebook shows them."""
    (text,) = (
        output["data"]["text/plain"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "typical + reasons + other" in output.get("data", {}).get("text/plain", "")
    )
    first, second = (line.split()[-1] for line in text.splitlines()[:2])
    return first, second


def test_the_notebook_is_committed_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) > 8
    assert [cell.outputs for cell in code] == [[]] * len(code)
    assert {cell.execution_count for cell in code} == {None}


@pytest.fixture
def judged(trained: Settings) -> tuple[Settings, History, Bundle]:
    bundle = champion_bundle(trained.home, "at_risk")
    assert bundle is not None
    return trained, Log(trained.home).read(), bundle


Judged = tuple[Settings, History, Bundle]


def gate(results: tuple[GateResult, ...], name: str) -> GateResult:
    return next(x for x in results if x.name == name)


def test_an_engine_fed_one_by_one_answers_as_one_built_at_once(judged: Judged) -> None:
    settings, history, bundle = judged
    serve = Candidates.of(settings)
    results = rehearse(bundle, bundle, history, serve, load())
    assert gate(results, "replay").passed
    assert not gate(results, "replay").words.startswith("0 answers")
    measured = gate(results, "latency").measured
    assert measured is not None
    assert 0 < measured < 20
    assert "very same bytes" in gate(results, "stability").words
    _, streamed = streamed_engine(history, bundle.load().features, 500)
    assert streamed >= 500


def test_an_engine_that_missed_records_is_caught_by_replay(judged: Judged) -> None:
    settings, history, bundle = judged
    candidates = Candidates.of(settings)
    early = history.before(int(history.milestones["record_time"].iloc[-3_000]))

    def forgetful(
        model: AtRiskModel, history: History, engine: FeatureEngine | None = None
    ) -> Scorer:
        return candidates(model, history if engine is None else early)

    replay = gate(rehearse(bundle, None, history, forgetful, load()), "replay")
    assert not replay.passed
    assert replay.measured is not None
    assert replay.measured > 0
    assert "differ (first: " in replay.words


def test_a_service_slower_than_promised_is_refused_by_latency(judged: Judged) -> None:
    settings, history, bundle = judged
    promise = load()
    strict = promise.model_copy(
        update={"gates": promise.gates.model_copy(update={"max_score_ms": 1e-6})}
    )
    latency = gate(rehearse(bundle, None, history, Candidates.of(settings), strict), "latency")
    assert not latency.passed
    assert "Next:" in latency.words
