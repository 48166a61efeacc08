"""A trained model that is plain files: what is recorded of it and what it showed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from triage.training.verdict import GateResult


@dataclass(frozen=True, slots=True)
class FileRun:
    """A trained model with what it was judged by on what it had not seen.

    Attributes:
        name: of the model, as it is registered.
        bundle: folder of its files.
        digest: hex sha256 that identifies it.
        recipe: as frozen.
        dataset: fingerprint of the log, rows that taught, times (ISO).
        figures: name -> figure.
        details: further figures that are no single numbers.
        words: the figures in a sentence.
        gates: every gate, judged.
    """

    name: str
    bundle: Path
    digest: str
    recipe: dict[str, Any]
    dataset: dict[str, Any]
    figures: dict[str, float]
    gates: tuple[GateResult, ...]
    details: dict[str, Any]
    words: str = ""

    def documents(self) -> dict[str, str]:
        """Return what is kept beside the run: file name -> JSON text."""
        kept: dict[str, Any] = {
            "figures.json": self.figures | self.details,
            "gates.json": [asdict(gate) for gate in self.gates],
            "recipe.json": self.recipe,
            "dataset.json": self.dataset,
        }
        return {name: json.dumps(x, indent=1, default=str) + "\n" for name, x in kept.items()}
