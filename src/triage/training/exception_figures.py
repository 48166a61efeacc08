"""Figures of a model of exceptions on weeks that taught nothing, a code lookup beside it."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import accuracy_score, f1_score

from triage.models.exceptions import ExceptionModel
from triage.training.exception_rows import ExceptionRows, Ints

Floats = npt.NDArray[np.float64]
_BINS = 10
_TIMED = 200


@dataclass(frozen=True, slots=True)
class ExceptionFigures:
    """How well exceptions are told apart.

    Attributes:
        rows: exceptions judged.
        accuracy, macro_f1: of the likeliest class, abstentions among them.
        lookup_accuracy, lookup_macro_f1: of the most frequent class of the source's code.
        answered: share on which the model does not abstain.
        error: share of these that is wrong; NaN if there is none.
        stated_error: what it says of itself.
        error_deviation: standard error of `error`.
        accuracy_at_85: of the 85 % with the highest probability.
        ece: calibration error of the highest probability, 10 bins of equal count.
        milliseconds: median of one answer with its reasons.
    """

    rows: int
    accuracy: float
    macro_f1: float
    lookup_accuracy: float
    lookup_macro_f1: float
    answered: float
    error: float
    stated_error: float
    error_deviation: float
    accuracy_at_85: float
    ece: float
    milliseconds: float

    def words(self) -> str:
        """Return the figures in one sentence."""
        return (
            f"{self.rows:,} exceptions held out: accuracy {self.accuracy:.3f}, macro-F1"
            f" {self.macro_f1:.3f} (code lookup {self.lookup_accuracy:.3f},"
            f" {self.lookup_macro_f1:.3f}); {self.answered:.0%} answered, of which"
            f" {self.error:.1%} wrong (stated {self.stated_error:.1%});"
            f" {self.accuracy_at_85:.3f} right on the surest 85 %"
        )


def judge(
    model: ExceptionModel, rows: ExceptionRows, taught: Ints, judged: Ints
) -> ExceptionFigures:
    """Judge a model on exceptions that did not teach it.

    Args:
        model: the model.
        rows: exceptions.
        taught: those from which the lookup learns.
        judged: those that are judged; each has a label.
    """
    labels = [str(rows.labels[at]) for at in judged.tolist()]
    answers = [model.classify(rows.events[at], rows.facts[at]) for at in judged.tolist()]
    said = [model.numbers.classes[answer.label] for answer in answers]
    right = np.array([a == b for a, b in zip(said, labels, strict=True)], dtype=np.float64)
    top = np.array([answer.probabilities[answer.label] for answer in answers])
    kept = np.array([not answer.abstained for answer in answers])
    looked_up = lookup(rows, taught, judged)
    error = float(1.0 - right[kept].mean()) if kept.any() else float("nan")
    surest = np.argsort(-top, kind="stable")[: round(0.85 * len(top))]
    return ExceptionFigures(
        len(labels), accuracy_score(labels, said), _macro(labels, said),
        accuracy_score(labels, looked_up), _macro(labels, looked_up),
        float(kept.mean()), error, model.numbers.stated_error,
        float(np.sqrt(model.numbers.stated_error / max(kept.sum(), 1))),
        float(right[surest].mean()), _ece(top, right), _milliseconds(model, rows, judged),
    )  # fmt: skip


def lookup(rows: ExceptionRows, taught: Ints, judged: Ints) -> list[str]:
    """Return the most frequent class of each source's code among the exceptions that taught."""
    every = Counter(str(rows.labels[at]) for at in taught.tolist())
    seen: dict[str | None, Counter[str]] = {}
    for at in taught.tolist():
        code = rows.facts[at].categories["code"]
        seen.setdefault(code, Counter())[str(rows.labels[at])] += 1
    best, usual = {code: _most(count) for code, count in seen.items()}, _most(every)
    return [best.get(rows.facts[at].categories["code"], usual) for at in judged.tolist()]


def _most(count: Counter[str]) -> str:
    return min(count, key=lambda word: (-count[word], word))


def _macro(labels: list[str], said: list[str]) -> float:
    """Return the mean F1 of the classes that occur."""
    return float(
        f1_score(labels, said, average="macro", labels=sorted(set(labels)), zero_division=0)
    )


def _ece(top: Floats, right: Floats) -> float:
    parts = np.array_split(np.argsort(top, kind="stable"), _BINS)
    gaps = [len(part) * abs(top[part].mean() - right[part].mean()) for part in parts if len(part)]
    return float(sum(gaps) / len(top))


def _milliseconds(model: ExceptionModel, rows: ExceptionRows, judged: Ints) -> float:
    took = []
    for at in judged[:_TIMED].tolist():
        start = time.perf_counter()
        model.effects(model.classify(rows.events[at], rows.facts[at]))
        took.append(1000 * (time.perf_counter() - start))
    return float(np.median(took))
