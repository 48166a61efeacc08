"""Fitting the classes of exceptions: words by a linear model, trees above its honest opinions.

Weeks are dealt out to folds: the trees learn from opinions of a linear model that has not read the
week. Temperature and threshold come from the newest labels, which a first fit has not seen; the
second fit, which goes into the bundle, has learnt from them too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, sparse, stats
from sklearn.svm import LinearSVC

from triage.domain.clock import MICROS_PER_DAY
from triage.errors import NotEnoughHistoryError
from triage.models.exceptions import (
    CONTEXT,
    ExceptionModel,
    ExceptionNumbers,
    TextModel,
    bundle_files,
    context_row,
    rounded,
)
from triage.models.exceptions_boosting import fit_classes
from triage.models.exceptions_facts import CATEGORIES
from triage.models.exceptions_text import Vocabulary, runs, words
from triage.training.exception_recipe import ExceptionRecipe, TextSettings
from triage.training.exception_rows import ExceptionRows, Ints

Floats = npt.NDArray[np.float64]
_WEEK = 7 * MICROS_PER_DAY
_NEVER_ANSWERS = 2.0
_LEAST_ANSWERS = 20


@dataclass(frozen=True, slots=True)
class Fit:
    """Files of a bundle, and the model that they make."""

    files: dict[str, bytes]
    model: ExceptionModel


def fit_exceptions(
    rows: ExceptionRows, moment: int, recipe: ExceptionRecipe, text: str, time_zone: str
) -> Fit:
    """Fit on what people had said before a moment, calibrated on the newest of it.

    Args:
        rows: exceptions.
        moment: what is known before it may teach (UTC micros).
        recipe: how.
        text: the recipe's text, frozen into the bundle.
        time_zone: in which hours are counted.

    Raises:
        NotEnoughHistoryError: if too few exceptions were closed with a disposition.
    """
    settings = recipe.calibration
    before = moment - settings.days * MICROS_PER_DAY
    trial = _fit(rows, before, recipe, text, time_zone)
    newest = rows.known_before(moment)
    newest = newest[rows.moment[newest] >= before]
    temperature = _temperature(trial.model, rows, newest)
    cooled = _with(trial, temperature=temperature)
    top, right = answers(cooled.model, rows, newest)
    threshold = lowest_threshold(top, right, settings.most_error, settings.confidence)
    final = _fit(rows, moment, recipe, text, time_zone)
    return _with(
        final, temperature=temperature, threshold=threshold,
        stated_error=_achieved(right[top >= threshold], settings.most_error),
    )  # fmt: skip


def answers(model: ExceptionModel, rows: ExceptionRows, which: Ints) -> tuple[Floats, Floats]:
    """Return highest probability and rightness (0 or 1) of answers to familiar messages."""
    found = [
        (answer.probabilities[answer.label], model.numbers.classes[answer.label] == rows.labels[at])
        for at in which.tolist()
        if (answer := model.classify(rows.events[at], rows.facts[at])).familiar
    ]
    table = np.array(found, dtype=np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def lowest_threshold(top: Floats, right: Floats, error: float, confidence: float) -> float:
    """Return the lowest probability above which at most `error` of the answers are wrong.

    Thresholds are tried from the highest down and the first whose Clopper-Pearson bound exceeds
    `error` ends the search (fixed-sequence testing; Angelopoulos et al. 2021, arXiv:2110.01052), so
    the statement holds with `confidence` for all of them together. A number above 1 if none holds.
    """
    in_turn = np.argsort(-top, kind="stable")
    wrong = np.cumsum(1.0 - right[in_turn])
    found = _NEVER_ANSWERS
    steps = np.unique(np.linspace(_LEAST_ANSWERS, len(top), 60).astype(int))
    for count in steps[(steps >= _LEAST_ANSWERS) & (steps <= len(top))].tolist():
        bound = stats.beta.ppf(confidence, wrong[count - 1] + 1, count - wrong[count - 1])
        if bound > error and count >= _enough(error, confidence):
            break
        if bound <= error:
            found = float(top[in_turn[count - 1]])
    return found


def _achieved(right: Floats, most: float) -> float:
    """Return the share of answers that were wrong, by Laplace's rule; the bound without any."""
    if not len(right):
        return most
    return round(float(min((len(right) - right.sum() + 1) / (len(right) + 2), most)), 4)


def _enough(error: float, confidence: float) -> float:
    """Return how many answers, all of them right, it takes to show that few are wrong."""
    return float(np.log(1 - confidence) / np.log(1 - error))


def _with(fit: Fit, **changes: float) -> Fit:
    numbers = fit.model.numbers.model_copy(update=changes)
    files = fit.files | {"model.json": (numbers.model_dump_json(indent=1) + "\n").encode()}
    return Fit(files, ExceptionModel.of(files))


def _temperature(model: ExceptionModel, rows: ExceptionRows, which: Ints) -> float:
    """Return the temperature by which the newest labels are likeliest; 1 without any."""
    number = {word: at for at, word in enumerate(model.numbers.classes)}
    shares, labels = [], []
    for at in which.tolist():
        answer = model.classify(rows.events[at], rows.facts[at])
        if answer.familiar and rows.labels[at] in number:
            shares.append(answer.probabilities)
            labels.append(number[str(rows.labels[at])])
    if len(labels) < _LEAST_ANSWERS:
        return 1.0
    scores = np.log(np.maximum(np.array(shares), 1e-300))
    each = np.arange(len(labels))

    def loss(temperature: float) -> float:
        cooled = scores / temperature
        top = cooled.max(axis=1)
        total = top + np.log(np.exp(cooled - top[:, None]).sum(axis=1))
        return float((total - cooled[each, labels]).mean())

    found = optimize.minimize_scalar(loss, bounds=(0.3, 5.0), method="bounded")
    return round(float(found.x), 4)


def _fit(
    rows: ExceptionRows, moment: int, recipe: ExceptionRecipe, text: str, time_zone: str
) -> Fit:
    taught, classes = _taught(rows, moment, recipe)
    number = {word: at for at, word in enumerate(classes)}
    label = np.array([number[str(rows.labels[at])] for at in taught.tolist()], dtype=np.int64)
    levels = _levels(rows, taught)
    coded = {name: {x: at for at, x in enumerate(found)} for name, found in levels.items()}
    documents = _Documents.of(rows, taught, recipe.text, coded["code"])
    beside = np.stack([context_row(rows.facts[at], coded) for at in taught.tolist()])
    week = rows.moment[taught] // _WEEK
    weights, intercepts, opinions = documents.by_folds(week, label, len(classes))
    shares = np.bincount(label) / len(label)
    weight = (shares * len(classes))[label] ** -recipe.trees.balance
    named = [f"says_{word}" for word in classes]
    trees, without = (
        [
            fit_classes(
                x, [name.replace(" ", "_") for name in names], label, len(classes),
                recipe.trees.parameters, recipe.trees.rounds, weight, seed,
            )
            for seed in range(1, recipe.trees.copies + 1)
        ]
        for x, names in (
            (np.hstack([opinions, beside]), [*named, *CONTEXT]),
            (beside, CONTEXT),
        )
    )  # fmt: skip
    numbers = ExceptionNumbers(
        classes=classes, levels=levels, intercepts=tuple(intercepts.tolist()), temperature=1.0,
        threshold=_NEVER_ANSWERS, stated_error=recipe.calibration.most_error,
        most_error=recipe.calibration.most_error, copies=recipe.trees.copies,
        confidence=recipe.calibration.confidence, least_known=recipe.text.least_known,
        label_rows=len(taught), trained_as_of=moment, time_zone=time_zone,
    )  # fmt: skip
    files = bundle_files(numbers, documents.model(weights), trees, without, text)
    return Fit(files, ExceptionModel.of(files))


def _taught(
    rows: ExceptionRows, moment: int, recipe: ExceptionRecipe
) -> tuple[Ints, tuple[str, ...]]:
    """Return the rows that may teach, and the classes that have enough of them."""
    known = rows.known_before(moment)
    found, count = np.unique([str(rows.labels[at]) for at in known.tolist()], return_counts=True)
    classes = tuple(str(word) for word in found[count >= recipe.labels.least_of_class])
    taught = np.array([at for at in known.tolist() if rows.labels[at] in classes], dtype=np.int64)
    if len(taught) < recipe.labels.least_rows or len(classes) < 2:
        raise NotEnoughHistoryError(
            f"{len(known)} exceptions were closed with a disposition that was known in time, of"
            f" {len(classes)} classes with {recipe.labels.least_of_class} or more; the recipe wants"
            f" {recipe.labels.least_rows}. Map `disposition` of the records that resolve"
            " exceptions, or import more history"
        )
    return taught, classes


def _levels(rows: ExceptionRows, taught: Ints) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(
            sorted(
                {
                    value
                    for at in taught.tolist()
                    if (value := rows.facts[at].categories[name]) is not None
                }
            )
        )
        for name in CATEGORIES
    }


@dataclass(frozen=True, slots=True)
class _Documents:
    """Messages and codes as a sparse matrix: words, then runs of letters, then codes."""

    x: sparse.csr_matrix
    words: Vocabulary
    runs: Vocabulary
    settings: TextSettings

    @classmethod
    def of(
        cls, rows: ExceptionRows, which: Ints, settings: TextSettings, codes: dict[str, int]
    ) -> _Documents:
        texts = [rows.texts[at] for at in which.tolist()]
        blocks, found = [], []
        for split, least in ((words, settings.least_words), (runs, settings.least_runs)):
            vocabulary = Vocabulary.fit(map(split, texts), least, settings.most_terms)
            found.append(vocabulary)
            blocks.append(_weighed(vocabulary, split, texts))
        code = np.array([codes[str(rows.facts[at].categories["code"])] for at in which.tolist()])
        filed = np.full(len(code), settings.code_weight)
        shape = (len(code), len(codes))
        blocks.append(sparse.csr_matrix((filed, (np.arange(len(code)), code)), shape=shape))
        return cls(sparse.hstack(blocks).tocsr(), found[0], found[1], settings)

    def fit(self, which: Ints, label: Ints, classes: int) -> tuple[Floats, Floats]:
        """Return weights (columns, classes) and intercepts (classes,), one class against all."""
        weights, intercepts = np.zeros((self.x.shape[1], classes)), np.full(classes, -1.0)
        x = self.x[which]
        for number in range(classes):
            mine = label[which] == number
            if mine.any() and not mine.all():
                judge = LinearSVC(C=self.settings.regularisation, dual=True, random_state=0)
                judge.fit(x, mine)
                weights[:, number], intercepts[number] = judge.coef_[0], judge.intercept_[0]
        return rounded(weights), rounded(intercepts)

    def by_folds(self, week: Ints, label: Ints, classes: int) -> tuple[Floats, Floats, Floats]:
        """Return mean weights and intercepts of models that each left a fold of weeks out.

        And the opinion on every row of the model that has not read the row's week: the trees learn
        from it what the mean of such models is worth.
        """
        fold = np.unique(week, return_inverse=True)[1] % self.settings.folds
        found, fits = np.zeros((len(label), classes)), []
        for left_out in range(self.settings.folds):
            rest = np.flatnonzero(fold == left_out)
            weights, intercepts = self.fit(np.flatnonzero(fold != left_out), label, classes)
            found[rest] = self.x[rest] @ weights + intercepts
            fits.append((weights, intercepts))
        weights, intercepts = (np.mean(each, axis=0) for each in zip(*fits, strict=True))
        return rounded(weights), rounded(intercepts), found

    def model(self, weights: Floats) -> TextModel:
        """Return the linear part as the bundle keeps it."""
        ends = np.cumsum([len(self.words.terms), len(self.runs.terms)])
        of_words, of_runs, of_codes = np.split(weights, ends)
        return TextModel(
            self.words, self.runs, of_words, of_runs, rounded(of_codes * self.settings.code_weight)
        )


def _weighed(
    vocabulary: Vocabulary, split: Callable[[str], list[str]], texts: Sequence[str]
) -> sparse.csr_matrix:
    weighed = [vocabulary.weigh(split(text)) for text in texts]
    start = np.concatenate([[0], np.cumsum([len(at) for at, _ in weighed])])
    at, value = (np.concatenate(parts) for parts in zip(*weighed, strict=True))
    return sparse.csr_matrix((value, at, start), shape=(len(texts), len(vocabulary.terms)))
