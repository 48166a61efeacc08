"""The models page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from triage.serving.formats import number

ANSWERS_NOW: Final = "The model that answers now."
CARD: Final = "Model card"
CARD_TABLE: Final = "Table, scrolls sideways"
NO_CARD: Final = "No card of this model is here"
NO_CARD_MORE: Final = (
    "Cards are kept when a model is promoted; that of an earlier version is in MLflow."
)
OPEN_MLFLOW: Final = "Open in MLflow"
MLFLOW_NOTE: Final = (
    "Parameters, figures and the cards of other versions are in MLflow; links work where it runs "
    "beside this service, as after make demo."
)
GATES: Final = "Gates"
GATES_WHEN: Final = "as judged when it was promoted"
GATE_COLUMNS: Final = ("Gate", "Stage", "Found", "Required", "Result")
GATE_NAMES: Final = {
    "accuracy": "Right class",
    "answered": "Exceptions that are answered",
    "beats_constant": "Log loss lower than a constant's",
    "beats_lookup_accuracy": "Right class, against a look-up of the code",
    "beats_lookup_macro_f1": "Macro-F1, against a look-up of the code",
    "beats_rule": "Log loss lower than the rule's",
    "calibrated": "Calibration error",
    "evidence": "Stages with enough orders to judge",
    "expected_precision": "Flagged prices that are wrong, by the model",
    "flagged": "Lines that are flagged",
    "judged": "Lines with something to hold their price against",
    "latency": "Milliseconds an answer",
    "matches_logistic": "Log loss against a logistic model's",
    "planted_named": "Planted errors named rightly",
    "planted_recall": "Planted errors found",
    "ranks_within_month": "ROC-AUC within a month",
    "reloads": "The bundle reads back as it was written",
    "replay": "Answers that differ when replayed",
    "rows": "Exceptions held out",
    "size": "Megabytes of the bundle",
    "slices": "Slices that the promise names",
    "stability": "Same order as the champion's list",
    "stated_error": "Wrong answers, against what is stated",
    "worst_month": "Log loss of the worst month, less a constant's",
    "worst_segment": "Log loss of the worst segment, less a constant's",
}
BOUNDS: Final = {"above": "above", "at_least": "at least", "at_most": "at most"}
NOT_JUDGED: Final = "not judged"
PASSED: Final = "Passed"
FAILED: Final = "Failed"
LIVE_HOLDS: Final = "Do live answers hold?"
LIVE_NOTHING: Final = "It cannot be told yet: no recorded answer of this model has an outcome."
LIVE_EARLY: Final = "That is too few for a verdict."
LIVE_MORE: Final = "By stage, with intervals, and what to do about it:"
LIVE_NOT_JUDGED: Final = "Whether they hold is judged every few minutes."
ON_HOLD_OUT: Final = "Judged on the orders that were held out and left alone."
ON_LEFT_ALONE: Final = "Judged on the orders that nobody acted on; none are held out."
HOLD_OUT_FEW: Final = (
    "Judged on all orders that nobody acted on; of those held out too few have an outcome."
)
PEOPLE: Final = {
    "held_out": "orders that were held out and left alone",
    "left_alone": "orders that nobody acted on",
    "acted_on": "orders that somebody acted on",
}
OTHERS_LEFT_ALONE: Final = "other orders that nobody acted on"
ALL_STAGES: Final = "All stages"
DRIFT: Final = "Drift"
DRIFT_NOT_LOOKED: Final = "Nobody has looked for it yet."
DRIFT_STAYS: Final = "Nothing speaks for training again."
DRIFT_RETRAIN: Final = "Training again is advised."
DRIFT_COLUMNS: Final = (
    "Stage",
    "Inputs moved",
    "Their share of the effect",
    "Orders",
    "Late",
    "Expected",
    "Late to expected",
)
MEASURES: Final = {
    "log loss beyond what its probabilities expect": "log loss beyond what is expected",
    "share late less predicted": "the share of late orders, less the predicted one,",
}
DRIFT_MORE: Final = "Look now:"
VERSION: Final = "Version"
CHALLENGER: Final = "Challenger"
NO_CHALLENGER: Final = "No model scores beside it unseen. To name one:"
SHADOW_WORKING: Final = "The comparison is being worked out; look again in a moment."
SHADOW_NOTHING: Final = "Both have not scored an order yet."
SHADOW_NO_OUTCOME: Final = "No outcome of these is known yet, so it cannot be told which is right."
FAMILIES_OFF: Final = "What it does without"
LACKS: Final = {"few_orders": "too few orders"}
FAMILIES_ALL_ON: Final = "Every family of features is on."
NOTHING_PROMOTED: Final = "Nothing was promoted. Next:"
MODEL_NAMES: Final = {
    "at_risk": "Risk of delay", "exceptions": "Kinds of exceptions", "prices": "Expected prices",
}  # fmt: skip
CHANGES: Final = {"promote": "Promoted version", "rollback": "Went back to version"}


def refused(version: str, problem: str) -> str:
    """Return that a promoted model could not be loaded."""
    return f"Version {version} was promoted and cannot be loaded, so this one answers: {problem}"


def gates(count: int, failed: int) -> str:
    """Return how many gates passed."""
    return f"{count - failed} of {count} passed"


def held(which: str, n: int, late: int, expected: float) -> str:
    """Return late orders against those expected."""
    times = f" ({number(late / expected, 2)} times as many)" if expected else ""
    return (
        f"Of {number(n)} answers on {which}, {number(late)} came out late where "
        f"{number(expected)} were expected{times}."
    )


def alarm(since: str | None) -> str:
    """Return that answers do not hold, and since when that is on record."""
    return f"Alarm{f' since {since}' if since else ''}: live answers do not hold."


def off(stage: str, n: int, late: int, expected: float, low: float, high: float) -> str:
    """Return by how much answers of a stage do not hold."""
    return (
        f"{stage}: {number(late)} of {number(n)} late where {number(expected)} were expected; by "
        f"more than chance, between {number(low, 2)} and {number(high, 2)} times as many."
    )


def version(number: str) -> str:
    """Return a version as a link says it."""
    return f"version {number}"


def required(bound: str, figure: str) -> str:
    """Return what a gate requires; `bound` is a word of BOUNDS or empty."""
    return f"{bound} {figure}" if bound else figure


def drift(verdict: str, when: str, *, of_this: bool) -> str:
    """Return what the last look for drift found."""
    other = "" if of_this else " That was another model than the one that answers now."
    return f"{verdict} Looked on {when}.{other}"


def moved(count: int, of: int) -> str:
    """Return how many inputs moved further than is usual."""
    return f"{number(count)} of {number(of)}"


def gone(stage: str, measure: str, before: str, after: str, since: str) -> str:
    """Return that a figure changed for the worse."""
    return f"{stage}: {measure} has gone from {before} to {after} since {since}."


def since(day: str) -> str:
    """Return since when something is so."""
    return f"since {day}"


def trained_up_to(day: str) -> str:
    """Return up to when a model learned."""
    return f"learned from orders up to {day}"


def lacks(records: Sequence[str]) -> str:
    """Return what a family of features needs and does not have."""
    return ", ".join(LACKS.get(name, f"no {name.replace('_', ' ')}") for name in records)


def by(who: str) -> str:
    """Return who did something."""
    return f"by {who}"


def shadow_apart(n: int, apart: str, higher: str) -> str:
    """Return how far challenger and champion are apart."""
    return (
        f"Both scored {number(n)} orders and stages: {apart} points apart on average, the "
        f"challenger {higher} points against the champion."
    )


def shadow_outcomes(known: int, late: int, challenger: str, champion: str) -> str:
    """Return who was right where it is known."""
    return (
        f"Of {number(known)} the outcome is known ({number(late)} late): log loss {challenger} of "
        f"the challenger, {champion} of the champion; lower is better."
    )
