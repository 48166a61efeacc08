from __future__ import annotations

import gc
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer.main
from tests.conftest import SAMPLE
from tests.workspaces import copied

from triage.cli import app, main
from triage.history.log import Log
from triage.models.champion import challenge_with

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    def told(self, code: int = 1) -> str:
        """Return what was told on the error stream, after checking that it is no traceback."""
        assert self.code == code, self.err
        assert "Traceback" not in self.out + self.err
        return self.err


Run = Callable[..., Done]


@pytest.fixture
def triage(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the program in this process, without the settings of whoever runs the tests."""

    def run(*arguments: object, home: Path | None = None, **environment: str) -> Done:
        with monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("TRIAGE_")]:
                patch.delenv(name)
            own = {} if home is None else {"TRIAGE_HOME": str(home)}
            for name, value in (own | {"COLUMNS": "300", "NO_COLOR": "1"} | environment).items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["triage", *map(str, arguments)])
            code = 0
            try:
                main()
            except SystemExit as ended:
                code = int(ended.code or 0)
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return run


def test_without_a_command_the_commands_are_listed(triage: Run) -> None:
    done = triage()
    listed = done.out + done.err
    for name in ("import", "train", "backtest", "serve", "worklist", "demo"):
        assert re.search(rf"\b{name}\b", listed)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_and_its_options(triage: Run, name: str) -> None:
    done = triage(name, "--help")
    assert done.code == 0
    assert len(COMMANDS[name].help.split()) >= 4
    for parameter in COMMANDS[name].params:
        assert parameter.help, f"{name} {parameter.name} is not explained"
        if parameter.param_type_name == "option":
            assert parameter.opts[0] in done.out


def test_a_command_that_needs_a_log_names_the_command_that_makes_one(
    triage: Run, tmp_path: Path
) -> None:
    for arguments in (["features"], ["backtest", "--from", "2026-01", "--to", "2026-01"]):
        message = triage(*arguments, home=tmp_path).told()
        assert "The log of records cannot be read or written" in message
        assert "triage import NAME DIR" in message


def test_a_list_without_a_champion_names_the_command_that_trains_one(
    triage: Run, tmp_path: Path
) -> None:
    assert "triage train at_risk" in triage("worklist", home=tmp_path).told()


@pytest.mark.parametrize("arguments", [["rollback"], ["compare"], ["models"]])
def test_without_any_trained_model_the_command_that_trains_one_is_named(
    triage: Run, tmp_path: Path, arguments: list[str]
) -> None:
    assert "triage train at_risk" in triage(*arguments, home=tmp_path).told()


def test_a_promotion_wants_a_reason_and_a_version_that_there_is(
    triage: Run, sample_home: Path, tmp_path: Path
) -> None:
    assert "--why" in triage("promote", "1", home=tmp_path).told(code=2)
    home = tmp_path / "home"
    shutil.copytree(sample_home / "history", home / "history")
    message = triage("promote", "9", "--why", "newer", home=home).told()
    assert "at_risk has no version 9" in message


def test_a_challenger_is_named_ended_or_reported_on_one_at_a_time(
    triage: Run, sample_home: Path, tmp_path: Path
) -> None:
    for arguments in ([], ["1", "--off"], ["--off", "--report"]):
        told = triage("shadow", *arguments, home=tmp_path).told(code=2)
        assert "give a version, --off or --report" in told
    assert "triage train at_risk" in triage("shadow", "1", home=tmp_path).told()
    assert "nothing challenged at_risk" in triage("shadow", "--off", home=tmp_path).out
    shutil.copytree(sample_home / "history", tmp_path / "history")
    assert "triage shadow VERSION" in triage("shadow", "--report", home=tmp_path).told()


def test_a_running_service_is_said_to_follow_a_challenger(
    triage: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def challenge(home: Path, name: str, version: str, **_: object) -> dict[str, str]:
        challenge_with(home, name, {"digest": "0" * 64, "version": version})
        return {"gates": "passed"}

    monkeypatch.setattr("triage.training.registry.challenge", challenge)
    named = triage("shadow", "2", home=tmp_path).out
    assert "scores unseen, in a running service within a second" in named
    ended = triage("shadow", "--off", home=tmp_path).out
    assert "a running service stops within a second" in ended
    assert "start" not in named + ended


def test_months_to_compare_over_go_together(triage: Run, tmp_path: Path) -> None:
    done = triage("compare", "--from", "2026-01", home=tmp_path)
    assert "--from and --to go together" in done.told(code=2)


def test_an_unknown_mapping_or_recipe_is_told_with_those_there_are(
    triage: Run, tmp_path: Path
) -> None:
    assert "olist, sample, template" in triage("import", "nothing", SAMPLE, home=tmp_path).told()
    assert "at_risk.toml" in triage("train", "nothing", home=tmp_path).told()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("variable", "value"), [("TRIAGE_CLOCK", "moon"), ("TRIAGE_PORT", "eighty")]
)
def test_a_setting_that_cannot_be_used_is_told_by_name(
    triage: Run, tmp_path: Path, variable: str, value: str
) -> None:
    message = triage("worklist", home=tmp_path, **{variable: value}).told()
    assert variable in message
    assert value in message


@pytest.mark.parametrize(
    "command",
    [
        ("audit", "verify"), ("replay", "--last", "1"), ("keys", "list"), ("webhooks", "dead"),
        ("webhooks", "test", "erp"), ("report", "live"), ("rule",), ("consume", "kafka", "orders"),
        ("models",), ("train",), ("features",),
    ],
)  # fmt: skip
def test_every_command_tells_a_setting_that_cannot_be_used_by_name(
    triage: Run, tmp_path: Path, command: tuple[str, ...]
) -> None:
    assert "TRIAGE_PORT" in triage(*command, home=tmp_path, TRIAGE_PORT="many").told()


def test_an_option_that_cannot_be_used_is_told_by_name(triage: Run, tmp_path: Path) -> None:
    assert "clock" in triage("serve", "--clock", "moon", home=tmp_path).told()
    workspace = triage("train", home=tmp_path, TRIAGE_WORKSPACE=str(tmp_path / "none")).told()
    assert "TRIAGE_WORKSPACE" in workspace


def test_a_service_that_cannot_start_leaves_the_collector_on(triage: Run, tmp_path: Path) -> None:
    triage("serve", "--clock", "moon", home=tmp_path).told()
    assert gc.isenabled()


def test_a_port_that_no_machine_has_is_told(triage: Run, tmp_path: Path) -> None:
    assert "port" in triage("serve", "--port", "70000", home=tmp_path).told(code=2)


@pytest.mark.parametrize(
    ("first", "last", "word"),
    [
        ("soon", "2026-01", "soon"),
        ("2026-13", "2026-13", "2026-13"),
        ("2026-02", "2026-01", "before"),
    ],
)
def test_months_that_make_no_sense_are_told(
    triage: Run, tmp_path: Path, first: str, last: str, word: str
) -> None:
    done = triage("backtest", "--from", first, "--to", last, home=tmp_path)
    assert word in done.told(code=2)


def test_importing_again_adds_nothing(triage: Run, sample_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(sample_home / "history", home / "history")
    before = Log(home).fingerprint
    done = triage("import", "sample", SAMPLE, home=home)
    assert done.code == 0, done.err
    assert Log(home).fingerprint == before
    assert Log(home).read().orders.shape == Log(sample_home).read().orders.shape


def test_importing_twice_into_an_empty_home_gives_one_log(triage: Run, tmp_path: Path) -> None:
    small = tmp_path / "extract"
    done = triage("simulate", "--out", small, "--orders", 300, "--days", 60, "--no-truth")
    assert done.code == 0, done.err
    fingerprints = []
    for _ in range(2):
        done = triage("import", "sample", small, home=tmp_path / "home")
        assert done.code == 0, done.err
        fingerprints.append(Log(tmp_path / "home").fingerprint)
    assert fingerprints[0] == fingerprints[1]
    assert len(Log(tmp_path / "home").read().orders) == 300


def test_a_simulation_says_what_it_does_and_refuses_what_is_no_distributor(
    triage: Run, tmp_path: Path
) -> None:
    asked = ("--orders", 200, "--days", 40, "--seed", 2, "--processes", 1, "--format", "csv")
    done = triage("simulate", "--out", tmp_path / "one", *asked)
    assert done.code == 0, done.err
    assert "32 of 32 runs" in done.err
    assert (tmp_path / "one" / "truth" / "causes.csv.gz").is_file()
    message = triage("simulate", "--out", tmp_path / "two", "--orders", 5).told()
    assert "at least 50 orders" in message
    assert not (tmp_path / "two").exists()


def test_the_features_and_what_switches_them_on_are_listed(triage: Run, sample_home: Path) -> None:
    done = triage("features", home=sample_home)
    assert done.code == 0, done.err
    assert re.search(r"^on +\w+", done.out, re.MULTILINE)
    assert "promise_days" in done.out


def test_a_broken_declaration_is_told_with_its_file(
    triage: Run, sample_home: Path, tmp_path: Path
) -> None:
    workspace = copied(tmp_path)
    (workspace / "features" / "order.toml").write_text("[family")
    message = triage("features", home=sample_home, TRIAGE_WORKSPACE=str(workspace)).told()
    assert "features/order.toml" in message


@pytest.mark.parametrize("arguments", [["worklist"], ["train", "nothing"]])
def test_the_program_ends_with_1_and_no_traceback(tmp_path: Path, arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "triage.cli", *arguments, "--home", str(tmp_path)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    Done(done.returncode, done.stdout, done.stderr).told()


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    heavy = "mlflow lightgbm shap sklearn pandas duckdb numpy numba matplotlib fastapi"
    code = f"import sys, triage.cli; print(*[n for n in {heavy.split()} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
