from __future__ import annotations

import subprocess
import sys
import time

import psutil

from triage import demo

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
