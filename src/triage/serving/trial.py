"""Reads a bundle and asks it once, in a process of its own: whatever it does there, ours lives.

    python -m triage.serving.trial FOLDER DIGEST

Exit 0: every stage answers with a probability. Otherwise the reason stands in one line of stderr.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import numpy as np

from triage.errors import BundleError, TriageError
from triage.models.at_risk import AtRiskModel, Curves, Stage, predict

_SECONDS = 120.0
_PROMISE_DAYS = 7.0


async def tried(folder: Path, digest: str) -> None:
    """Try a bundle in another process.

    Raises:
        BundleError: if it is refused there, ends that process, or takes two minutes.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "triage.serving.trial", str(folder), digest,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        _, said = await asyncio.wait_for(process.communicate(), _SECONDS)
    except TimeoutError as error:
        raise BundleError(f"{folder} gave no answer in {_SECONDS:.0f} s: refused") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        lines = said.decode(errors="replace").strip().splitlines()
        last = lines[-1] if lines else f"it ended the process that tried it ({process.returncode})"
        raise BundleError(f"{folder} was tried and refused: {last}")


def check(folder: Path, digest: str) -> None:
    """Read a bundle and ask each stage about a typical order, and one of which all is unknown.

    Raises:
        BundleError: if it cannot be read, or answers with what is no probability.
    """
    model = AtRiskModel.load(folder, digest)
    for name, stage in model.stages.items():
        typical = np.array([np.nan if x is None else x for x in stage.numbers.typical])
        for x in (typical, np.full(len(typical), np.nan)):
            _ask(name, stage, x)


def _ask(name: str, stage: Stage, x: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    times = stage.numbers.usual_times.curve()
    try:
        said = predict(stage, Curves(times, times), x, _PROMISE_DAYS, 0.0)
    except (ArithmeticError, ValueError) as error:
        raise BundleError(f"the stage {name} cannot be asked: {error}") from error
    if not (0.0 <= said.p_late <= 1.0 and np.isfinite([*said.delay_days, *said.effects]).all()):
        raise BundleError(f"the stage {name} answers with what is no probability")


if __name__ == "__main__":
    try:
        check(Path(sys.argv[1]), sys.argv[2])
    except TriageError as error:
        sys.exit(" ".join(str(error).split()))
