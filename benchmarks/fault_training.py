"""Trainings and promotions that are killed: for the sheet of faults.

python -m benchmarks.fault_training HOME VERSION   # promotes and goes back until it is killed
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from triage.errors import BundleError
from triage.models.at_risk import NAME
from triage.models.bundle import read_bundle
from triage.models.champion import bundle_folder, champion

_BETWEEN = (0.0, 1.5)
"""Seconds of promoting before the kill: a promotion and a rollback take less."""


def trained(home: Path, workspace: Path) -> tuple[str, float]:
    """Train and promote once; return the version and the seconds it took."""
    started = time.monotonic()
    if _training(home, workspace).wait() != 0:
        raise SystemExit(f"the training in {home} failed: see `triage train {NAME}`")
    return str(champion(home, NAME)["version"]), time.monotonic() - started


def training_killed(home: Path, workspace: Path, seconds: float) -> None:
    """Start a training with promotion and end it with SIGKILL after some seconds."""
    process = _training(home, workspace)
    time.sleep(seconds)
    _end(process)


def promoting_killed(home: Path, version: str, luck: random.Random) -> None:
    """Let a process promote a version and go back, and kill it at a random moment."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.fault_training", str(home), version],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with process.stdout or contextlib.nullcontext(io.BytesIO()) as said:
        if not said.readline():
            raise SystemExit(f"version {version} could not be promoted in {home}")
        time.sleep(luck.uniform(*_BETWEEN))
        _end(process)


def pointer_is_whole(home: Path) -> bool:
    """Return whether the pointer can be read and names a bundle that has its digest."""
    try:
        pointer = champion(home, NAME)
        read_bundle(bundle_folder(home, NAME, pointer["digest"]), pointer["digest"])
    except BundleError:
        return False
    return True


def _training(home: Path, workspace: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "triage.cli", "train", NAME, "--who", "faults", "--why", "faults"],
        env=os.environ | {"TRIAGE_HOME": str(home), "TRIAGE_WORKSPACE": str(workspace)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def main() -> None:
    """Promote a version and go back, over and over."""
    from triage.training.catalogue import registered_gates
    from triage.training.registry import promote, rollback

    parser = argparse.ArgumentParser(description="Promote and go back until killed.")
    parser.add_argument("home", type=Path)
    parser.add_argument("version")
    options = parser.parse_args()
    gates = registered_gates(options.home, NAME, options.version)
    while True:
        promote(options.home, NAME, options.version, who="faults", why="faults", gates=gates)
        print("promoted", flush=True)
        rollback(options.home, NAME, who="faults", why="faults")


if __name__ == "__main__":
    main()
