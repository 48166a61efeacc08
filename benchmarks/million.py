"""A large company's day of training: seconds by phase, and memory of all processes together.

    python -m benchmarks.million [--orders 1000000] [--seed 7] [--keep FOLDER]
    python -m benchmarks.million --home HOME      # training alone, on a log imported before

Simulates orders with all their records (without the truth about delays), imports them, and trains
with evaluation, gates and promotion, each as a person would: in a process of its own. With --keep,
what an earlier run left in the folder (`orders-<N>`) is used again. Training is to take at most 15
minutes and 8 GB. CPU seconds are those of all processes: on a machine that does other things too,
they say more than the wall.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

_EVERY = 0.5
_GB = 1e9


def watched(*arguments: str) -> tuple[float, float, float]:
    """Run a command of ours; return wall and CPU seconds, and its processes' peak memory in GB."""
    started, before, peak = time.monotonic(), _cpu_seconds(), 0
    process = subprocess.Popen([sys.executable, "-m", "triage.cli", *arguments])
    while process.poll() is None:
        peak = max(peak, memory(psutil.Process(process.pid)))
        time.sleep(_EVERY)
    if process.returncode:
        sys.exit(f"triage {' '.join(arguments)} ended with {process.returncode}")
    return time.monotonic() - started, _cpu_seconds() - before, peak / _GB


def _cpu_seconds() -> float:
    """Return the CPU seconds of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def memory(process: psutil.Process) -> int:
    """Return the bytes of a process and its children; pages that they share count once."""
    total = 0
    with contextlib.suppress(psutil.Error):
        for each in (process, *process.children(recursive=True)):
            total += each.memory_full_info().pss
    return total


def steps(orders: int, seed: int, folder: Path) -> dict[str, tuple[str, ...]]:
    """Return the commands of a whole day by name; what was simulated already is left out."""
    extract, home = folder / f"orders-{orders}", folder / f"home-{orders}"
    found = {
        "simulate": (
            "simulate", "--orders", str(orders), "--seed", str(seed), "--no-truth",
            "--processes", "1", "--out", str(extract),
        ),
        "import": ("import", "sample", str(extract), "--home", str(home)),
        **training(home),
    }  # fmt: skip
    return {name: found[name] for name in found if name != "simulate" or not extract.is_dir()}


def training(home: Path) -> dict[str, tuple[str, ...]]:
    """Return the command that trains on a home."""
    return {"train": ("train", "at_risk", "--home", str(home))}


def run(commands: dict[str, tuple[str, ...]]) -> None:
    """Run commands one after another and print a line for each."""
    found = [(name, *watched(*each), os.getloadavg()[0]) for name, each in commands.items()]
    print(f"\n{os.cpu_count()} cores")
    for name, seconds, cpu, peak, load in found:
        print(f"{name:9} {seconds:6.0f} s  {cpu:6.0f} s of CPU  {peak:5.2f} GB  (load {load:.1f})")


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--keep", type=Path, help="folder for what is simulated and trained")
    parser.add_argument("--home", type=Path, help="a home with its log imported: training alone")
    options = parser.parse_args()
    if options.home:
        run(training(options.home))
        return
    if options.keep:
        run(steps(options.orders, options.seed, options.keep))
        return
    with tempfile.TemporaryDirectory(prefix="triage-million-") as folder:
        run(steps(options.orders, options.seed, Path(folder)))


if __name__ == "__main__":
    main()
