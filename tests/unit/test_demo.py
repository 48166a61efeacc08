from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

from triage import demo
from triage.settings import Settings

_SERVER = (
    "import subprocess, time; worker = subprocess.Popen(['sleep', '600']);"
    "print(worker.pid, flush=True); time.sleep(600)"
)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_server_goes_together_with_the_workers_that_it_started() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, start_new_session=True
    ) as server:
        assert server.stdout is not None
        worker = int(server.stdout.readline())
        assert not gone(worker)
        demo._stop(server)
        assert server.returncode is not None
    deadline = time.monotonic() + 5
    while not gone(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gone(worker)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_the_banner_waits_until_mlflow_answers_and_says_where_to_look_if_it_never_does(
    tmp_path: Path,
) -> None:
    settings = Settings(home=tmp_path, mlflow_port=_free_port())
    (tmp_path / "health").write_text("OK")
    late = f"import time, runpy, sys; time.sleep(1); sys.argv[1:] = ['{settings.mlflow_port}']; "
    late += "runpy.run_module('http.server', run_name='__main__')"
    with subprocess.Popen(
        [sys.executable, "-c", late], cwd=tmp_path, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    ) as server:  # fmt: skip
        begun = time.monotonic()
        assert demo._answers(server, settings)
        assert time.monotonic() - begun > 1
        demo._stop(server)
    assert not demo._answers(server, settings)
    assert f"127.0.0.1:{settings.mlflow_port}/" in str(
        demo._banner(settings, answers=True).renderable
    )
    assert "mlflow-server.log" in str(demo._banner(settings, answers=False).renderable)
