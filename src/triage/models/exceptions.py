"""Which kind of business exception a message speaks of; plain numbers, no library of training.

A linear model reads words, letters (`exceptions_text`) and code, and has an opinion on each class.
Trees weigh these opinions with what was known of the order (`exceptions_context`); softmax of the
mean raw score of several fits, divided by a temperature, gives probabilities. Where there is no
text, or hardly a word of it is known, other trees answer that never saw words. Their answers
abstain always, and so do those about a source never seen: no error rate was measured for them.

An answer abstains below a threshold on its highest probability. The threshold is the lowest at
which the share of wrong answers above it is at most `most_error` with confidence, on weeks that
taught nothing (Geifman & El-Yaniv 2017, arXiv:1705.08500). The share that was wrong on these weeks
is what is stated.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from triage.domain.records import ExceptionEvent
from triage.errors import BundleError
from triage.models.bundle import read_bundle
from triage.models.exceptions_context import Facts
from triage.models.exceptions_facts import CATEGORIES, NUMBERS
from triage.models.exceptions_next import FILE, NextRates
from triage.models.exceptions_text import Vocabulary, folded, runs, words
from triage.models.trees import TreeEnsemble

NAME = "exceptions"
Floats = npt.NDArray[np.float64]
_RECIPE = "recipe.toml"
CONTEXT = (*NUMBERS, *CATEGORIES)
"""Columns that stand beside the opinions."""


class ExceptionNumbers(BaseModel):
    """What the model was told besides weights.

    Attributes:
        classes: class words; columns of every score.
        levels: values of each category that taught, by name.
        intercepts: of the opinions.
        temperature: raw scores are divided by it.
        threshold: least highest probability of an answer that does not abstain; above 1: none.
        stated_error: share of such answers that was wrong on the weeks that set the threshold.
        most_error: share that may be wrong at most; `stated_error` too where nothing was measured.
        confidence: with which this bound holds on as many weeks as set the threshold.
        least_known: share of known words below which a wording counts as never seen.
        copies: fits of the trees, of which the mean counts.
        label_rows: exceptions with a disposition that taught.
        trained_as_of: nothing that became known later taught (UTC micros).
        time_zone: in which hours are counted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: Annotated[tuple[str, ...], Field(min_length=2)]
    levels: dict[str, tuple[str, ...]]
    intercepts: tuple[float, ...]
    temperature: Annotated[float, Field(gt=0)]
    threshold: float
    stated_error: float
    most_error: float
    copies: Annotated[int, Field(ge=1)]
    confidence: float
    least_known: float
    label_rows: int
    trained_as_of: int
    time_zone: str


@dataclass(frozen=True, slots=True)
class TextModel:
    """The linear part: weights (terms, classes) of words and letters, (codes, classes) of codes."""

    words: Vocabulary
    runs: Vocabulary
    word_weights: Floats
    run_weights: Floats
    code_weights: Floats

    def opinions(self, text: str, code: int) -> Floats:
        """Return (classes,) what a folded message says for each class, without the intercept.

        Args:
            text: the message.
            code: number of its code, -1 for one never seen.
        """
        at, value = self.words.weigh(words(text))
        found: Floats = value @ self.word_weights[at]
        at, value = self.runs.weigh(runs(text))
        found = found + value @ self.run_weights[at]
        return found + self.code_weights[code] if code >= 0 else found

    def known(self, text: str) -> float:
        """Return the share of a message's words that are known; 0 for an empty one."""
        alone = text.split()
        return sum(word in self.words.column for word in alone) / len(alone) if alone else 0.0

    def by_word(self, text: str, label: int) -> dict[str, float]:
        """Return what each word says for a class; the sum is its opinion without the intercept.

        A pair belongs to both of its words by halves, a run of letters to the word it stands in.
        """
        alone = text.split()
        said = dict.fromkeys(alone, 0.0)
        at, value = self.words.weigh(words(text))
        for column, weight in zip(at.tolist(), value.tolist(), strict=True):
            parts = self.words.terms[column].split(" ")
            for word in parts:
                said[word] += weight * float(self.word_weights[column, label]) / len(parts)
        at, value = self.runs.weigh(runs(text))
        each = {
            self.runs.terms[column]: weight * float(self.run_weights[column, label])
            for column, weight in zip(at.tolist(), value.tolist(), strict=True)
        }
        holders: dict[str, list[str]] = {}
        for word in alone:
            for run in runs(word):
                if run in each:
                    holders.setdefault(run, []).append(word)
        for run, effect in each.items():
            for word in holders[run]:
                said[word] += effect / len(holders[run])
        return said


Doubt = Literal["new_source", "new_source_read", "no_message", "unread", "too_low"]
_DOUBTS: Final[dict[Doubt, str]] = {
    "new_source": "no message of this source has been seen before",
    "new_source_read": "no message of this source has been seen before: its words were read as "
    "other sources use them",
    "no_message": "there is no message: only the code and the order were looked at",
    "unread": "hardly a word of it has been seen before: its words were not used",
}


@dataclass(frozen=True, slots=True)
class Classified:
    """An answer.

    Attributes:
        probabilities: (classes,) sum to 1.
        label: number of the likeliest class.
        abstained: whether a person should say what it is.
        why: why so, in words; empty if it does not abstain.
        reads: whether the words were used.
        familiar: whether messages like it set the threshold; if not, it abstains.
        row: what the trees saw.
        text: the folded message.
        doubts: why so, as codes; "too_low" if the likeliest class is not likely enough.
    """

    probabilities: Floats
    label: int
    abstained: bool
    why: tuple[str, ...]
    reads: bool
    familiar: bool
    row: Floats
    text: str
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class ExceptionModel:
    """A bundle, read; safe to share between threads."""

    digest: str
    numbers: ExceptionNumbers
    text: TextModel
    trees: tuple[TreeEnsemble, ...]
    trees_without_words: tuple[TreeEnsemble, ...]
    next_rates: NextRates | None
    _levels: dict[str, dict[str, int]]

    @classmethod
    def load(cls, folder: Path, expected: str | None = None) -> Self:
        """Read a bundle from disk.

        Raises:
            BundleError: if it is not the one with this digest, or no model of exceptions.
        """
        digest, files = read_bundle(folder, expected)
        return cls.of(files, digest)

    @classmethod
    def of(cls, files: Mapping[str, bytes], digest: str = "") -> Self:
        """Return the model of a bundle's files.

        Raises:
            BundleError: if they are not those of a model of exceptions.
        """
        try:
            numbers = ExceptionNumbers.model_validate_json(files["model.json"])
            blocks = [
                (
                    Vocabulary.of(
                        files[f"{name}.txt"].decode().split("\n"), _read(files[f"{name}_idf.npy"])
                    ),
                    _read(files[f"{name}_weights.npy"]),
                )
                for name in ("words", "runs")
            ]
            codes = _read(files["codes_weights.npy"])
            rates = NextRates.read(files[FILE]) if FILE in files else None
            trees, without = (
                tuple(files[f"{name}_{copy}.txt"].decode() for copy in range(numbers.copies))
                for name in ("trees", "context_trees")
            )
        except (KeyError, ValueError, ValidationError) as error:
            raise BundleError(
                f"this is no model of exceptions ({error}): run `triage train {NAME}` again"
            ) from error
        (word, word_weights), (run, run_weights) = blocks
        return cls(
            digest, numbers, TextModel(word, run, word_weights, run_weights, codes),
            tuple(map(TreeEnsemble.from_model_text, trees)),
            tuple(map(TreeEnsemble.from_model_text, without)), rates,
            {name: {x: at for at, x in enumerate(found)} for name, found in numbers.levels.items()},
        )  # fmt: skip

    def classify(self, event: ExceptionEvent, facts: Facts) -> Classified:
        """Say what kind of exception a message speaks of.

        Args:
            event: the record that raised it.
            facts: what was known beside it (`LogContext.of`).
        """
        text = folded(event.text or "")
        reads = bool(text) and self.text.known(text) >= self.numbers.least_known
        doubts = self._doubts(event, text, reads=reads)
        row, trees = context_row(facts, self._levels), self.trees_without_words
        if reads:
            code = self._levels["code"].get(facts.categories["code"] or "", -1)
            opinions = self.text.opinions(text, code) + np.array(self.numbers.intercepts)
            row, trees = np.concatenate([opinions, row]), self.trees
        shares = softmax(mean_scores(trees, row) / self.numbers.temperature)
        label = int(shares.argmax())
        why = tuple(map(_DOUBTS.__getitem__, doubts))
        if not doubts and shares[label] < self.numbers.threshold:
            why = (
                f"the likeliest class has {shares[label]:.0%}; from "
                f"{min(self.numbers.threshold, 1.0):.0%} on at most "
                f"{self.numbers.most_error:.0%} of the answers are wrong",
            )
        familiar = not doubts
        doubts = doubts or (("too_low",) if why else ())
        return Classified(shares, label, bool(why), why, reads, familiar, row, text, doubts)

    def effects(self, answer: Classified) -> tuple[float, float, dict[str, float]]:
        """Return what made the raw score of the answer's class, exact Shapley values of the trees.

        Returns:
            Base, what the words added, and what each column of CONTEXT added; the sum is the score.
        """
        trees = self.trees if answer.reads else self.trees_without_words
        found = [ensemble.explain(answer.row[None, :]) for ensemble in trees]
        each = np.mean([one.contributions[0, answer.label] for one in found], axis=0)
        opinions = len(each) - len(CONTEXT)
        base = float(np.mean([np.asarray(one.base)[answer.label] for one in found]))
        said = math.fsum(each[:opinions].tolist())
        return base, said, dict(zip(CONTEXT, each[opinions:].tolist(), strict=True))

    def _doubts(self, event: ExceptionEvent, text: str, *, reads: bool) -> tuple[Doubt, ...]:
        """Return why no error rate can be stated."""
        found: list[Doubt] = []
        if event.source not in self._levels["source"]:
            found.append("new_source_read" if reads else "new_source")
        if not text:
            found.append("no_message")
        elif not reads:
            found.append("unread")
        return tuple(found)


def context_row(facts: Facts, levels: Mapping[str, Mapping[str, int]]) -> Floats:
    """Return the columns of CONTEXT; a value never seen is -1, a missing one NaN."""
    coded = [
        math.nan if value is None else float(levels[name].get(value, -1))
        for name, value in facts.categories.items()
    ]
    return np.concatenate([facts.numbers, coded])


def mean_scores(trees: Sequence[TreeEnsemble], row: Floats) -> Floats:
    """Return (classes,) the mean raw scores of several fits."""
    found: Floats = np.mean([ensemble.predict(row[None, :])[0] for ensemble in trees], axis=0)
    return found


def softmax(scores: Floats) -> Floats:
    """Return shares in proportion to the exponentials of scores, along the last axis."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def bundle_files(
    numbers: ExceptionNumbers, text: TextModel, trees: Sequence[str], without_words: Sequence[str],
    recipe: str,
) -> dict[str, bytes]:  # fmt: skip
    """Return the files of a bundle; of the trees there are as many fits as `numbers` says."""
    return {
        "model.json": (json.dumps(numbers.model_dump(mode="json"), indent=1) + "\n").encode(),
        "words.txt": "\n".join(text.words.terms).encode(),
        "runs.txt": "\n".join(text.runs.terms).encode(),
        "words_idf.npy": _written(text.words.idf),
        "runs_idf.npy": _written(text.runs.idf),
        "words_weights.npy": _written(text.word_weights),
        "runs_weights.npy": _written(text.run_weights),
        "codes_weights.npy": _written(text.code_weights),
        **{f"trees_{copy}.txt": fit.encode() for copy, fit in enumerate(trees)},
        **{f"context_trees_{copy}.txt": fit.encode() for copy, fit in enumerate(without_words)},
        _RECIPE: recipe.encode(),
    }


def rounded(weights: Floats | Sequence[float]) -> Floats:
    """Return weights as the bundle keeps them: to the precision of float32."""
    return np.asarray(weights, dtype=np.float32).astype(np.float64)


def _written(array: Floats) -> bytes:
    out = io.BytesIO()
    np.save(out, array.astype("<f4"), allow_pickle=False)
    return out.getvalue()


def _read(content: bytes) -> Floats:
    return np.load(io.BytesIO(content), allow_pickle=False).astype(np.float64)
