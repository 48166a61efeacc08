"""What shadow scoring has shown: do both models agree, and which one was right where it is known?

Both scored the same orders at the same moments without knowing the outcome, so nothing can leak.
Each order counts once for each stage, as it was first scored there: how often a list was ranked
says nothing. Differences have a paired bootstrap by order (`compare.differences`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from triage.domain.clock import NEVER
from triage.errors import BundleError
from triage.history.tables import History
from triage.models.at_risk import MODEL_FILE, LabelContract, ModelNumbers
from triage.models.bundle import read_bundle
from triage.models.champion import bundle_folder, find_challenger, find_champion
from triage.models.shadow_file import FOLDER, ShadowScore, shadow_scores
from triage.training.compare import RESAMPLES, Difference, differences
from triage.training.rehearsal import rank_correlation

ALL = "all stages"
FIGURES = ("log_loss", "brier", "roc_auc")
DECIDES = "log_loss"
_ENOUGH = 30
"""Late orders, and orders on time, that a verdict needs."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How alike both models are at one stage.

    Attributes:
        stage: where; or all stages.
        orders: how many were scored by both before their promise had passed.
        ranks: Spearman's correlation of both probabilities.
        p_apart: mean |difference| of p(late).
        p_higher: mean of challenger minus champion.
        days_apart: mean |difference| of the median delay, days.
    """

    stage: str
    orders: int
    ranks: float
    p_apart: float
    p_higher: float
    days_apart: float


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Who was right at one stage, over orders whose promise has passed by now.

    Attributes:
        stage: where; or all stages.
        orders: how many outcomes are known.
        late: how many of them were late.
        differences: figures of both models with intervals of their difference.
    """

    stage: str
    orders: int
    late: int
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """Challenger against champion on live answers.

    Attributes:
        challenger: "version 3", or what is known of it.
        champion: the same of the model that answered.
        promotes: the challenger's version; empty if it is no longer the challenger.
        first: first answer, UTC micros.
        last: last answer, UTC micros.
        agreement: all stages, then each.
        outcomes: the same where outcomes are known; empty if none are.
        notes: what to know before reading the figures, in words.
    """

    challenger: str
    champion: str
    promotes: str
    first: int
    last: int
    agreement: tuple[Agreement, ...]
    outcomes: tuple[Outcomes, ...]
    notes: tuple[str, ...]

    def verdict(self) -> str:
        """Return in words whether live answers speak for the challenger, by log loss."""
        known = self.outcomes[0] if self.outcomes else Outcomes(ALL, 0, 0, ())
        if min(known.late, known.orders - known.late) < _ENOUGH:
            return (
                f"too early to tell: {known.orders:,} outcomes are known, {known.late:,} of them"
                f" late; from {_ENOUGH} late and {_ENOUGH} on time there is a verdict. Next: import"
                " a newer extract when promises have passed"
            )
        (deciding,) = (d for d in known.differences if d.metric == DECIDES)
        gap = f"log loss {deciding.challenger:.4f} against {deciding.champion:.4f}"
        if deciding.sure > 0:
            following = (
                f': `triage promote {self.promotes} --why "better in shadow"`'
                if self.promotes
                else ""
            )
            return f"{self.challenger} is better on live answers ({gap}){following}"
        if deciding.sure < 0:
            return f"{self.challenger} is worse on live answers ({gap}): keep {self.champion}"
        return (
            f"live answers cannot tell {self.challenger} from {self.champion} yet ({gap}): keep"
            f" {self.champion} and let both run on"
        )

    def plain(self) -> dict[str, object]:
        """Return everything as plain data."""
        return asdict(self) | {"verdict": self.verdict()}


def shadow_report(
    home: Path, name: str, history: History, *, resamples: int = RESAMPLES
) -> ShadowReport:
    """Judge the latest pair of models that scored side by side.

    Args:
        home: where scores and bundles are.
        name: the model's name.
        history: the log; says which orders were late by now.
        resamples: of the bootstrap.

    Raises:
        BundleError: if nothing was scored in the shadow, or the champion's label contract is gone.
    """
    pair, rows, others = _latest_pair(shadow_scores(home, name))
    if pair is None:
        raise BundleError(
            f"no order was scored by two models yet ({home / FOLDER} has nothing of {name}): name a"
            " challenger with `triage shadow VERSION`, start `triage serve` again, and let it"
            " answer for a while"
        )
    challenger, champion = pair
    contract = _contract(home, name, champion)
    at_risk = rows[rows["state"] == "at_risk"].sort_values("moment", kind="stable")
    once = at_risk.drop_duplicates(["order_id", "stage"])
    judged = with_outcomes(once, history, contract.tolerance_hours)
    notes = [f"late: {contract.meaning} (as {champion[:12]} defines it)"]
    if others:
        notes.append(f"{others:,} scores of other pairs of models are left out")
    unknown = len(once) - len(judged)
    if unknown:
        notes.append(
            f"{unknown:,} of {len(once):,} scores have no outcome yet: the promise has not passed,"
            " the order was cancelled, or the log does not hold it"
        )
    named = find_challenger(home, name) or {}
    return ShadowReport(
        challenger=_title(challenger, named),
        champion=_title(champion, find_champion(home, name) or {}),
        promotes=str(named.get("version", "")) if named.get("digest") == challenger else "",
        first=int(rows["moment"].min()),
        last=int(rows["moment"].max()),
        agreement=tuple(_agreement(stage, part) for stage, part in _by_stage(once)),
        outcomes=tuple(_outcomes(stage, part, resamples) for stage, part in _by_stage(judged)),
        notes=tuple(notes),
    )


def with_outcomes(scores: pd.DataFrame, history: History, tolerance_hours: float) -> pd.DataFrame:
    """Return the scores whose outcome is known by now, with `late` (0 or 1) beside them.

    By promise cohort: an order is in once promise + tolerance has passed, delivered or not; taking
    every known delivery instead would favour fast orders. Cancelled orders are out.

    Args:
        scores: rows with `order_id`.
        history: the log; its moment is now.
        tolerance_hours: hours after the promise that still count as on time.
    """
    orders = history.orders.set_index("order_id")
    steps = history.milestones
    delivered = steps[steps["milestone"] == "delivered"].set_index("order_id")["event_time"]
    cancelled = steps.loc[steps["milestone"] == "order_cancelled", "order_id"]
    ids = scores["order_id"]
    known = scores[ids.isin(orders.index) & ~ids.isin(cancelled)]
    tolerance = round(tolerance_hours * 3_600_000_000)
    late_at = orders["promised_by"].reindex(known["order_id"]).to_numpy(np.int64) + tolerance
    arrived = delivered.reindex(known["order_id"], fill_value=NEVER).to_numpy(np.int64)
    late = (arrived >= late_at).astype(np.int64)
    return known.assign(late=late)[late_at <= history.extracted_at]


def _latest_pair(
    scores: Iterable[ShadowScore],
) -> tuple[tuple[str, str] | None, pd.DataFrame, int]:
    """Return the pair of the last score (challenger, champion), its rows, and how many others."""
    rows = list(scores)
    if not rows:
        return None, pd.DataFrame(), 0
    newest = max(rows, key=lambda row: row.moment)
    pair = newest.challenger, newest.champion
    own = [row for row in rows if (row.challenger, row.champion) == pair]
    return pair, pd.DataFrame([asdict(row) for row in own]), len(rows) - len(own)


def _by_stage(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return all rows, then those of each stage; nothing if there is none."""
    if not len(rows):
        return []
    return [(ALL, rows), *((str(s), part) for s, part in rows.groupby("stage", sort=False))]


def _agreement(stage: str, rows: pd.DataFrame) -> Agreement:
    apart = rows["challenger_p"] - rows["champion_p"]
    days = rows["challenger_delay"] - rows["champion_delay"]
    ranks = rank_correlation(rows["challenger_p"].tolist(), rows["champion_p"].tolist())
    return Agreement(
        stage, int(rows["order_id"].nunique()), ranks, float(apart.abs().mean()),
        float(apart.mean()), float(days.abs().mean()),
    )  # fmt: skip


def _outcomes(stage: str, rows: pd.DataFrame, resamples: int) -> Outcomes:
    both = pd.DataFrame(
        {
            "order_id": rows["order_id"],
            "landmark": stage,
            "late": rows["late"],
            "challenger": rows["challenger_p"],
            "champion": rows["champion_p"],
        }
    )
    found = {d.metric: d for d in differences(both, resamples)}
    return Outcomes(
        stage, len(rows), int(rows["late"].sum()), tuple(found[name] for name in FIGURES)
    )


def _contract(home: Path, name: str, digest: str) -> LabelContract:
    _, files = read_bundle(bundle_folder(home, name, digest), digest)
    return ModelNumbers.model_validate_json(files[MODEL_FILE]).contract


def _title(digest: str, pointer: dict[str, object]) -> str:
    if pointer.get("digest") == digest:
        return f"version {pointer.get('version')}"
    return f"the bundle {digest[:12]}"
