"""Print the measured figures: `make bench`, or `make bench DATA=<olist folder>`.

    python -m benchmarks [--olist DIR] [--from 2017-11 --to 2017-12] [--only STEP]

Steps: pipeline (import, train, gates: wall time and peak memory), parity (live index against
matrix, truncate and rebuild), http (one score against a constant), trees (exact contributions
against LightGBM's own), backtest (quality with its baselines), simulation (realism, causes,
alternatives, policies of the simulated distributor), exceptions (how far codes and texts go),
restart (a service with a million records starts again), and, only if it is asked for, size
(1,000,000 simulated orders: wall time and memory).
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks import exceptions, parity, restart, score_http, simulation, trees
from triage.simulation.sample import SAMPLE_ORDERS, SAMPLE_SEED

ROOT = Path(__file__).parents[1]
STEPS = ("pipeline", "parity", "http", "trees", "backtest", "simulation", "exceptions", "restart")
ALONE = {"trees", "simulation", "exceptions", "size"}
"""Steps that need no trained model."""


def triage(*arguments: str, quiet: bool = False) -> float:
    """Run a command of ours as a person would; return wall seconds."""
    started = time.monotonic()
    command = [sys.executable, "-m", "triage.cli", *arguments]
    output = subprocess.DEVNULL if quiet else None
    subprocess.run(command, check=True, stdout=output, stderr=subprocess.DEVNULL)
    return time.monotonic() - started


def pipeline(source: str, data: Path, home: Path) -> None:
    """Import and train with gates, in processes of their own."""
    imported = triage("import", source, str(data), "--home", str(home), quiet=True)
    trained = triage("train", "at_risk", "--home", str(home), quiet=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    print(f"import {imported:.1f} s, training + gates + promotion {trained:.1f} s,")
    print(f"together {imported + trained:.1f} s; peak memory of a process {peak:.2f} GiB")


def size(home: Path) -> None:
    """Simulate a million orders with all records and the whole truth, two runs side by side."""
    command = ("simulate", "--orders", "1000000", "--out", str(home / "million"))
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "triage.cli", *command])
    peak = 0
    while process.poll() is None:
        peak = max(peak, _memory(psutil.Process(process.pid)))
        time.sleep(0.5)
    bytes_written = sum(path.stat().st_size for path in (home / "million").rglob("*.parquet"))
    print(f"{time.monotonic() - started:.0f} s, peak memory of all processes together")
    print(f"{peak / 1024**3:.2f} GiB, {bytes_written / 1e6:.0f} MB of Parquet")


def _memory(process: psutil.Process) -> int:
    """Return what a process and its children hold; pages that they share count once."""
    total = 0
    with contextlib.suppress(psutil.Error):
        for each in (process, *process.children(recursive=True)):
            total += each.memory_full_info().pss
    return total


def main() -> None:
    """Run the steps and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--olist", type=Path, help="folder of the Olist extract")
    parser.add_argument("--from", dest="first", default=None)
    parser.add_argument("--to", dest="last", default=None)
    parser.add_argument("--only", choices=(*STEPS, "size"), action="append")
    options = parser.parse_args()
    source = "olist" if options.olist else "sample"
    data = options.olist or ROOT / "data" / "samples"
    first = options.first or ("2017-11" if options.olist else "2025-12")
    last = options.last or ("2017-12" if options.olist else "2026-01")
    steps = options.only or STEPS
    with tempfile.TemporaryDirectory(prefix="triage-bench-") as folder:
        home = Path(folder)
        first_step = () if set(steps) <= ALONE else ("pipeline",)
        for step in (*first_step, *(s for s in steps if s != "pipeline")):
            print(f"\n== {step} ({source})", flush=True)
            if step == "pipeline":
                pipeline(source, data, home)
            elif step == "parity":
                parity.run(home)
            elif step == "http":
                score_http.show(score_http.run(home, 20, 200))
            elif step == "trees":
                trees.run()
            elif step == "simulation":
                simulation.show(simulation.run(SAMPLE_ORDERS, SAMPLE_SEED, each=15))
            elif step == "exceptions":
                exceptions.show(exceptions.evaluate(exceptions.simulate(SAMPLE_SEED, 60_000)))
            elif step == "restart":
                restart.show(restart.run(home, 100_000, 0.3, home / "large"))
            elif step == "size":
                size(home)
            else:
                triage("backtest", "at_risk", "--from", first, "--to", last, "--home", str(home))


if __name__ == "__main__":
    main()
