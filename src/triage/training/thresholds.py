"""The gates as MLflow's metric thresholds, so that its validation gives the same verdict.

Only gates that hold one figure against one bound are thresholds; a figure that must lie above its
bound is asked to be at least the next number above it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from triage.training.verdict import Bound, GateResult

if TYPE_CHECKING:
    from mlflow.models import MetricThreshold


def metric_name(gate: GateResult) -> str:
    """Return the name under which MLflow keeps a gate's figure."""
    return "/".join(["gate", *([gate.landmark] if gate.landmark else []), gate.name])


def validate(results: Sequence[GateResult]) -> str:
    """Let MLflow judge the gates that are thresholds.

    Returns:
        What `mlflow.validate_evaluation_results` raised, in its words; empty if it passed them.
    """
    from mlflow import validate_evaluation_results  # noqa: PLC0415  heavy: only who trains pays
    from mlflow.exceptions import MlflowException  # noqa: PLC0415
    from mlflow.models import EvaluationResult  # noqa: PLC0415

    judged = [gate for gate in results if gate.bound is not None and gate.measured is not None]
    measured = {metric_name(gate): gate.measured for gate in judged}
    thresholds = {metric_name(gate): _threshold(gate) for gate in judged}
    try:
        validate_evaluation_results(thresholds, EvaluationResult(measured, artifacts={}))
    except MlflowException as error:
        return str(error.message)
    return ""


def _threshold(gate: GateResult) -> MetricThreshold:
    from mlflow.models import MetricThreshold  # noqa: PLC0415

    bound = float("nan") if gate.required is None else float(gate.required)
    if gate.bound is Bound.ABOVE:
        bound = math.nextafter(bound, math.inf)
    return MetricThreshold(threshold=bound, greater_is_better=gate.bound is not Bound.AT_MOST)
