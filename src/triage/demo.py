"""`make demo`: from an extract to a running list, API and MLflow, in one process and a helper."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from rich.panel import Panel

from triage import workspace
from triage.errors import GateError, NotEnoughHistoryError
from triage.history.importer import import_extract
from triage.history.log import Log
from triage.models.at_risk import NAME
from triage.models.champion import find_champion
from triage.models.exceptions import NAME as EXCEPTIONS
from triage.models.prices import NAME as PRICES
from triage.serving.candidate import Candidates
from triage.serving.main import create
from triage.serving.server import serve
from triage.settings import Settings, user
from triage.simulation.sample import write_sample
from triage.training.exception_train import train_exceptions
from triage.training.file_tracking import track_files
from triage.training.pipeline import promote_judged, train_and_judge
from triage.training.price_train import train_prices
from triage.training.registry import promote

Progress = Callable[[str], None]
_FINGERPRINT = "trained-on.txt"
_MLFLOW_LOG, _MLFLOW_SECONDS = "mlflow-server.log", 60.0


@dataclass(frozen=True, slots=True)
class Ready:
    """A demo that only needs to be served."""

    app: FastAPI
    settings: Settings

    def serve(self, show: Callable[[Panel], None]) -> None:
        """Serve until interrupted; the MLflow pages go when the service goes.

        Args:
            show: is given the banner once everything that it names answers.
        """
        mlflow = _start_mlflow(self.settings)
        try:
            serve(self.app, self.settings, lambda: self._announce(mlflow, show))
        finally:
            _stop(mlflow)

    def _announce(self, mlflow: subprocess.Popen[bytes], show: Callable[[Panel], None]) -> None:
        def wait() -> None:
            show(_banner(self.settings, answers=_answers(mlflow, self.settings)))

        threading.Thread(target=wait, name="banner", daemon=True).start()


def run(source: str, data: Path | None, settings: Settings, progress: Progress) -> Ready:
    """Import, train, gate, promote and load; what is there already is not done again.

    Raises:
        TriageError: if a step cannot be done, with what to do next.
    """
    prepare(source, data, settings, progress)
    progress("loading the service, starting MLflow")
    return Ready(create(settings), settings)


def prepare(source: str, data: Path | None, settings: Settings, progress: Progress) -> None:
    """Import, train, gate and promote; what is there already is not done again.

    Raises:
        TriageError: if a step cannot be done, with what to do next.
    """
    extract = _sample(settings, progress) if data is None else data
    progress(f"importing {extract}")
    import_extract(source, extract, settings.home, workspace=settings.workspace, progress=progress)
    fingerprint = Log(settings.home).fingerprint
    mark = settings.home / _FINGERPRINT
    trained = mark.is_file() and mark.read_text(encoding="utf-8") == fingerprint
    if not trained or find_champion(settings.home, NAME) is None:
        judged = train_and_judge(
            NAME, settings.home, workspace=settings.workspace, progress=progress,
            serve=Candidates.of(settings),
        )  # fmt: skip
        promote_judged(judged, settings.home, who=user(), why="demo")
        train_more(settings, progress)
        mark.write_text(fingerprint, encoding="utf-8")


def train_more(settings: Settings, progress: Progress) -> None:
    """Train and promote models of prices and exceptions where the log allows it.

    Without one of them the demo goes on, and says why.
    """
    for name, train in ((PRICES, train_prices), (EXCEPTIONS, train_exceptions)):
        try:
            run = train(settings.home, workspace=settings.workspace, progress=progress)
            version = track_files(run, settings.home).model_version
            promote(settings.home, name, version, who=user(), why="demo", gates=run.gates)
        except (GateError, NotEnoughHistoryError) as error:
            progress(f"no model of {name}: {str(error).splitlines()[0]}")


def _sample(settings: Settings, progress: Progress) -> Path:
    carried = workspace.root(settings.workspace) / "data" / "samples"
    if (carried / "orders.csv.gz").is_file():
        return carried
    folder = settings.home / "extract"
    if not (folder / "orders.csv.gz").is_file():
        progress("simulating the sample distributor")
        write_sample(folder, progress=progress)
    return folder


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Stop a server and the workers that it started, at the latest after ten seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(timeout=10)


def _start_mlflow(settings: Settings) -> subprocess.Popen[bytes]:
    store = (settings.home / "mlflow.db").resolve()
    environment = {
        **os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }  # fmt: skip
    with (settings.home / _MLFLOW_LOG).open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - our own interpreter, our own arguments
            [
                sys.executable, "-m", "mlflow", "server", "--backend-store-uri",
                f"sqlite:///{store}", "--host", settings.host, "--port",
                str(settings.mlflow_port), "--workers", "1",
            ],
            stdout=log, stderr=subprocess.STDOUT, env=environment, start_new_session=True,
        )  # fmt: skip


def _answers(server: subprocess.Popen[bytes], settings: Settings) -> bool:
    """Wait until MLflow answers, if it ever does."""
    address = f"http://{settings.host}:{settings.mlflow_port}/health"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + _MLFLOW_SECONDS
    while server.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError), direct.open(address, timeout=5):
            return True
        time.sleep(0.2)
    return False


def _banner(settings: Settings, *, answers: bool) -> Panel:
    base = f"http://{settings.host}:{settings.port}"
    mlflow = f"http://{settings.host}:{settings.mlflow_port}/"
    if not answers:
        mlflow = f"does not answer: see {settings.home / _MLFLOW_LOG}"
    lines = [
        f"The list     {base}/",
        f"The API      {base}/openapi.json",
        f"MLflow       {mlflow}",
        "",
        "Advice only: the ERP stays in charge. Stop with Ctrl-C.",
    ]
    return Panel("\n".join(lines), title="Triage is ready", expand=False)
