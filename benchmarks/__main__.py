"""Print the measured figures: `make bench`, or `make bench DATA=<olist folder>`.

    python -m benchmarks [--olist DIR] [--from 2017-11 --to 2017-12] [--only STEP]

Steps: pipeline (import, train, gates: wall time and peak memory), parity (live index against
matrix, truncate and rebuild), http (one score against a constant), trees (exact contributions
against LightGBM's own), backtest (quality with its baselines).
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import parity, score_http, trees

ROOT = Path(__file__).parents[1]
STEPS = ("pipeline", "parity", "http", "trees", "backtest")


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


def main() -> None:
    """Run the steps and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--olist", type=Path, help="folder of the Olist extract")
    parser.add_argument("--from", dest="first", default=None)
    parser.add_argument("--to", dest="last", default=None)
    parser.add_argument("--only", choices=STEPS, action="append")
    options = parser.parse_args()
    source = "olist" if options.olist else "sample"
    data = options.olist or ROOT / "data" / "samples"
    first = options.first or ("2017-11" if options.olist else "2025-12")
    last = options.last or ("2017-12" if options.olist else "2026-01")
    steps = options.only or STEPS
    with tempfile.TemporaryDirectory(prefix="triage-bench-") as folder:
        home = Path(folder)
        for step in ("pipeline", *(s for s in steps if s != "pipeline")):
            print(f"\n== {step} ({source})", flush=True)
            if step == "pipeline":
                pipeline(source, data, home)
            elif step == "parity":
                parity.run(home)
            elif step == "http":
                score_http.show(score_http.run(home, 20, 200))
            elif step == "trees":
                trees.run()
            else:
                triage("backtest", "at_risk", "--from", first, "--to", last, "--home", str(home))


if __name__ == "__main__":
    main()
