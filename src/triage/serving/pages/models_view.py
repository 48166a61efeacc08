"""The models page in words: who answers, by which gates, whether answers hold, what was before."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from triage.models import at_risk
from triage.models.shadow_file import ShadowScore, shadow_scores
from triage.serving import formats, texts
from triage.serving.outcomes.record import Judged, LiveRecord, Sums

LEAST_EXPECTED: Final = 30
_MOST_SCORES = 200_000


def holds(record: LiveRecord | None, digest: str) -> list[str]:
    """Return whether live answers of a model hold: late orders against those expected."""
    if record is None:
        return [texts.models.LIVE_NOTHING]
    told = []
    for acted, says in ((False, texts.models.LEFT_ALONE), (True, texts.models.ACTED_ON)):
        sums = record.sums.get((digest, acted), Sums())
        if sums.n:
            told.append(texts.models.held(says, sums.n, sums.late, sums.expected))
    if not told:
        return [texts.models.LIVE_NOTHING]
    alone = record.sums.get((digest, False), Sums())
    return [*told, texts.models.LIVE_EARLY] if alone.expected < LEAST_EXPECTED else told


@dataclass(frozen=True, slots=True)
class Beside:
    """Champion and challenger on the same orders, each once a stage.

    Attributes:
        n: orders and stages that both scored before the promise had passed.
        apart: mean |difference| of the probabilities.
        higher: mean of challenger minus champion.
        known: how many have an outcome.
        late: how many of these were late.
        champion_loss: log loss of the champion on these; NaN without any.
        challenger_loss: the same of the challenger.
    """

    n: int
    apart: float
    higher: float
    known: int
    late: int
    champion_loss: float
    challenger_loss: float


def beside(
    scores: Iterable[ShadowScore], champion: str, challenger: str, judged: dict[str, Judged]
) -> Beside:
    """Compare a challenger with the champion; the first score of an order and stage counts.

    Args:
        scores: what both said, oldest first.
        champion: digest.
        challenger: digest.
        judged: order -> what came of it.
    """
    first: dict[tuple[str, str], ShadowScore] = {}
    for each in scores:
        if (each.champion, each.challenger, each.state) == (champion, challenger, "at_risk"):
            first.setdefault((each.order_id, each.stage), each)
    gaps = [each.challenger_p - each.champion_p for each in first.values()]
    known = [
        (each, found.outcome.late)
        for each in first.values()
        if (found := judged.get(each.order_id)) is not None and not found.outcome.cancelled
    ]
    n = len(gaps)
    return Beside(
        n, sum(map(abs, gaps)) / n if n else math.nan, sum(gaps) / n if n else math.nan,
        len(known), sum(late for _, late in known),
        _loss([(each.champion_p, late) for each, late in known]),
        _loss([(each.challenger_p, late) for each, late in known]),
    )  # fmt: skip


def _loss(told: list[tuple[float, bool]]) -> float:
    if not told:
        return math.nan
    near = 1e-6
    clipped = [(min(max(p, near), 1 - near), late) for p, late in told]
    return -sum(math.log(p if late else 1 - p) for p, late in clipped) / len(clipped)


def read_beside(home: Path, champion: str, challenger: str, judged: dict[str, Judged]) -> Beside:
    """Read what both said from the home and compare it; takes a while, not for a request."""
    return beside(shadow_scores(home, at_risk.NAME), champion, challenger, judged)


def beside_words(found: Beside | None) -> list[str]:
    """Return the comparison in words; None while it is being worked out."""
    if found is None:
        return [texts.models.SHADOW_WORKING]
    if not found.n:
        return [texts.models.SHADOW_NOTHING]
    told = [
        texts.models.shadow_apart(
            found.n, formats.number(100 * found.apart, 1), formats.signed(100 * found.higher, 1)
        )
    ]
    if not found.known:
        return [*told, texts.models.SHADOW_NO_OUTCOME]
    losses = (
        formats.number(loss, 4) for loss in (found.challenger_loss, found.champion_loss)
    )  # fmt: skip
    return [*told, texts.models.shadow_outcomes(found.known, found.late, *losses)]
