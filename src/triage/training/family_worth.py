"""What a source is worth: the same months predicted with it and as if the company had it not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from triage import workspace
from triage.domain.clock import UNKNOWN_TIME
from triage.errors import DeclarationError
from triage.features.availability import available
from triage.features.declarations import Declarations
from triage.features.engine import FeatureEngine
from triage.history.tables import History
from triage.training.backtest import backtest
from triage.training.categories import order_categories
from triage.training.landmark_data import landmark_data
from triage.training.metrics import losses, paired_gain, score
from triage.training.prepared import recipe_features
from triage.training.recipe import Recipe

FILE = "training/family_worth.json"
_RESAMPLES, _SEED = 500, 20180301
_TABLES = {"inventory_position": "positions", "staffing": "staffing"}
"""Sources that are a whole table of a history."""
GROUPS: dict[str, tuple[str, ...]] = {
    "carrier and service": ("order.carrier", "order.service"),
    "stock counts": ("inventory_position",),
    "hours at the sites": ("staffing",),
    "priority": ("order.priority",),
    "table of transit days": ("order.transit_days",),
    "validation": ("milestone.order_validated", "milestone.due_by"),
    "ship-by deadline": ("milestone.due_by",),
    "hand-over to the carrier": ("milestone.shipment_dispatched",),
    "shipping site": (
        "order_line.site", "order_line.site_region", "order_line.site_area",
        "order_line.site_latitude", "order_line.site_longitude",
    ),
    "destination": (
        "order.destination_region", "order.destination_area", "order.destination_latitude",
        "order.destination_longitude",
    ),
    "products": ("order_line.sku", "order_line.category"),
    "weight and volume": ("order_line.weight_kg", "order_line.volume_l"),
}  # fmt: skip
"""What is switched off together, by the name under which its worth is told."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What one group of sources is worth at one landmark.

    Attributes:
        group: a name of `GROUPS`.
        landmark: where it was measured.
        rows: orders on which both were measured.
        pr_auc: PR-AUC with it, and without.
        log_loss: log loss with it, and without.
        error: standard error of their difference (bootstrap, paired by order); None if it was not
            measured.
    """

    group: str
    landmark: str
    rows: int
    pr_auc: tuple[float, float]
    log_loss: tuple[float, float]
    error: float | None

    @property
    def gain(self) -> float:
        """Return how much lower the log loss is with it, as a share of that without."""
        return 1.0 - self.log_loss[0] / self.log_loss[1]

    @property
    def within_chance(self) -> bool:
        """Return whether the difference is known to be less than two standard errors."""
        if self.error is None:
            return False
        return abs(self.log_loss[1] - self.log_loss[0]) <= 2.0 * self.error


def without(history: History, sources: Sequence[str]) -> History:
    """Return a history as if the company did not have some sources.

    Args:
        history: the history.
        sources: names as `features.availability` gives them. `order_line.sku` becomes one sku for
            all lines, since a line cannot be without.
    """
    orders, lines = history.orders.copy(), history.lines.copy()
    milestones, emptied = history.milestones, {}
    for source in sources:
        record, _, name = source.partition(".")
        if source in _TABLES:
            emptied[_TABLES[source]] = getattr(history, _TABLES[source]).iloc[:0]
        elif source == "milestone.due_by":
            milestones = milestones.assign(due_by=np.int64(UNKNOWN_TIME))
            orders = orders.assign(ship_by=np.int64(UNKNOWN_TIME))
        elif record == "milestone":
            milestones = milestones[milestones["milestone"] != name].reset_index(drop=True)
        elif name == "sku":
            lines["sku"] = "any"
        else:
            table = orders if record == "order" else lines
            table[name] = pd.Series(np.nan, index=table.index, dtype=table[name].dtype)
    return replace(history, orders=orders, lines=lines, milestones=milestones, **emptied)


def measure(
    history: History, declarations: Declarations, recipe: Recipe, months: Sequence[str],
    groups: Mapping[str, Sequence[str]], progress: Callable[[str], None],
) -> tuple[Worth, ...]:  # fmt: skip
    """Return what groups of sources are worth on a history, by rolling backtests.

    Args:
        history: the history with all of its sources.
        declarations: the features.
        recipe: how models are fitted.
        months: test months, for example "2017-11".
        groups: name -> sources that are switched off together; those without data are left out.
        progress: told what is being measured.
    """
    there = available(history)
    progress("with everything")
    whole = _predictions(history, declarations, recipe, months)
    found = []
    for name, sources in groups.items():
        if not there & set(sources):
            continue
        progress(f"without {name}")
        less = _predictions(without(history, sources), declarations, recipe, months)
        both = whole.merge(less, on=["order_id", "landmark"], suffixes=("", "_less"))
        for landmark, rows in both.groupby("landmark", sort=False):
            found.append(_compared(name, str(landmark), rows))
    return tuple(found)


def _compared(group: str, landmark: str, rows: pd.DataFrame) -> Worth:
    own, other = (score(rows["late"], rows[p]) for p in ("model", "model_less"))
    difference = losses(rows["late"], rows["model_less"]) - losses(rows["late"], rows["model"])
    _, error, _, _ = paired_gain(difference, _RESAMPLES, _SEED)
    pr_auc, log_loss = (
        (round(a, 4), round(b, 4))
        for a, b in ((own.pr_auc, other.pr_auc), (own.log_loss, other.log_loss))
    )
    return Worth(group, landmark, own.n, pr_auc, log_loss, round(error, 5))


def _predictions(
    history: History, declarations: Declarations, recipe: Recipe, months: Sequence[str]
) -> pd.DataFrame:
    features = recipe_features(declarations, available(history), recipe)
    engine = FeatureEngine.of(history, features)
    categories = order_categories(history, recipe.baselines.categories)
    stages = [kind.value for kind in recipe.landmarks]
    data = [landmark_data(engine, stage, recipe, categories) for stage in stages]
    return backtest(
        [part for part in data if len(part.rows)], recipe, months,
        time_zone=history.sources[0].time_zone, known_until=history.extracted_at + 1,
        orders=engine.book.ids,
    )  # fmt: skip


def as_text(worths: Sequence[Worth], measured_on: str, command: str) -> str:
    """Return the table as it is committed."""
    rows = ",\n  ".join(json.dumps(asdict(worth)) for worth in worths)
    head = json.dumps({"measured_on": measured_on, "command": command}, indent=1)[:-2]
    return f'{head},\n "worth": [\n  {rows}\n ]\n}}\n'


def read(configured: Path | None = None) -> tuple[str, tuple[Worth, ...]]:
    """Return what was measured on the simulated distributor, and on what exactly.

    A workspace without the table says nothing.

    Raises:
        DeclarationError: if the table is not what `python -m benchmarks.family_worth` wrote.
    """
    folder, _, name = FILE.partition("/")
    if name.removesuffix(".json") not in workspace.names(folder, ".json", configured):
        return "", ()
    try:
        plain = json.loads(workspace.read_text(FILE, configured))
        worths = tuple(
            Worth(
                row["group"], row["landmark"], row["rows"], tuple(row["pr_auc"]),
                tuple(row["log_loss"]), row.get("error"),
            )
            for row in plain["worth"]
        )  # fmt: skip
        return str(plain["measured_on"]), worths
    except (ValueError, KeyError, TypeError) as error:
        raise DeclarationError(
            f"{FILE}: {error!r}; write it again: python -m benchmarks.family_worth"
        ) from error
