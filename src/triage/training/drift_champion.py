"""What the champion sees: its inputs at every landmark, and its probabilities day by day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from triage.domain.clock import MICROS_PER_DAY
from triage.features.compile import Floats, Ints
from triage.features.engine import FeatureEngine
from triage.history.tables import History
from triage.models.at_risk import AtRiskModel, Stage
from triage.models.calibration import recent_curve, residuals
from triage.models.landmarks import Rows, landmark_rows, stage_of


@dataclass(frozen=True, slots=True)
class Seen:
    """The rows of one landmark with the inputs of the champion's model.

    Attributes:
        stage: the champion's part.
        rows: n rows, sorted by moment.
        x: (n, inputs) features as of each row's moment.
    """

    stage: Stage
    rows: Rows
    x: Floats

    def probabilities(self, chosen: Ints) -> Floats:
        """Return p(late) of some rows, each by the curve as of the start of its day (UTC)."""
        numbers = self.stage.numbers
        past = residuals(self.rows, self.stage.trees, self.x, numbers.offset)
        z = past.promise_z()
        days = self.rows.as_of[chosen] // MICROS_PER_DAY
        p = np.empty(len(chosen), dtype=np.float64)
        for day in np.unique(days):
            today = days == day
            curve = recent_curve(
                past, int(day) * MICROS_PER_DAY, numbers.logistic, numbers.calibration
            )
            p[today] = curve.many(z[chosen[today]])
        return p


def seen_by(model: AtRiskModel, history: History) -> tuple[Seen, ...]:
    """Return rows and inputs of each landmark that a history has, as the champion declares them."""
    engine = FeatureEngine.of(history, model.features)
    tolerance = model.features.program.tolerance
    stages = {stage_of(landmark) for landmark in model.stages}
    place = {name: at for at, name in enumerate(engine.names)}
    found = []
    for landmark, stage in model.stages.items():
        rows = landmark_rows(engine.book, landmark, tolerance, stages)
        if len(rows):
            matrix = engine.matrix(rows.order, rows.as_of)
            columns = [place[name] for name in stage.numbers.inputs]
            found.append(Seen(stage, rows, matrix[:, columns]))
    return tuple(found)
