"""Python on a disk of 400 kB: a file system in memory that only the child sees."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

OWN_MOUNTS = ("unshare", "--user", "--map-root-user", "--mount")
SMALL = 'mount -t tmpfs -o size=400k tmpfs "$2" && exec "$0" -c "$1" "$2"'


def on_a_small_disk(code: str, folder: Path) -> str:
    """Run code with the small disk's folder as its argument; returns what it printed."""
    if subprocess.run([*OWN_MOUNTS, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a small disk: run as root")
    done = subprocess.run(
        [*OWN_MOUNTS, "sh", "-c", SMALL, sys.executable, code, str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
