"""A large company's day of training: seconds by phase, and memory of all processes together.

    python -m benchmarks.million [--orders 1000000] [--seed 7] [--keep FOLDER]

Simulates orders with all their records (without the truth about delays), imports them, and trains
with evaluation, gates and promotion, each as a person would: in a process of its own. With --keep,
what an earlier run left in the folder (`orders-<N>`) is used again.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

_EVERY = 0.5
_GIB = 1024**3


def watched(*arguments: str) -> tuple[float, float]:
    """Run a command of ours; return wall seconds and the peak memory of its processes in GiB."""
    started, peak = time.monotonic(), 0
    process = subprocess.Popen([sys.executable, "-m", "triage.cli", *arguments])
    while process.poll() is None:
        peak = max(peak, memory(psutil.Process(process.pid)))
        time.sleep(_EVERY)
    if process.returncode:
        sys.exit(f"triage {' '.join(arguments)} ended with {process.returncode}")
    return time.monotonic() - started, peak / _GIB


def memory(process: psutil.Process) -> int:
    """Return the bytes of a process and its children; pages that they share count once."""
    total = 0
    with contextlib.suppress(psutil.Error):
        for each in (process, *process.children(recursive=True)):
            total += each.memory_full_info().pss
    return total


def run(orders: int, seed: int, folder: Path) -> None:
    """Simulate, import and train, and print a line for each."""
    extract, home = folder / f"orders-{orders}", folder / f"home-{orders}"
    steps = {
        "simulate": (
            "simulate", "--orders", str(orders), "--seed", str(seed), "--no-truth",
            "--processes", "1", "--out", str(extract),
        ),
        "import": ("import", "sample", str(extract), "--home", str(home)),
        "train": ("train", "at_risk", "--home", str(home)),
    }  # fmt: skip
    found = []
    for name, arguments in steps.items():
        if name == "simulate" and extract.is_dir():
            continue
        found.append((name, *watched(*arguments), os.getloadavg()[0]))
    print(f"\n{orders:,} orders, {os.cpu_count()} cores")
    for name, seconds, peak, load in found:
        print(f"{name:9} {seconds:7.0f} s  {peak:6.2f} GiB  (load at the end {load:.1f})")


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--keep", type=Path, help="folder for what is simulated and trained")
    options = parser.parse_args()
    if options.keep:
        run(options.orders, options.seed, options.keep)
        return
    with tempfile.TemporaryDirectory(prefix="triage-million-") as folder:
        run(options.orders, options.seed, Path(folder))


if __name__ == "__main__":
    main()
