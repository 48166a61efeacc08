"""The models page in words: who answers, by which gates, whether answers hold, what was before."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from triage.models import at_risk
from triage.models.held import ALL, Held, Sums
from triage.models.shadow_file import ShadowScore, shadow_scores
from triage.serving import formats, texts, wording
from triage.serving.outcomes.alarm import Looked
from triage.serving.outcomes.record import Judged, LiveRecord, People

_MOST_SCORES: Final = 200_000


def holds(
    record: LiveRecord | None, digest: str, found: Looked | None, *, held_out: bool
) -> list[str]:
    """Return whether live answers of a model hold: late orders against those expected.

    Args:
        record: answers and what came of them; None where nothing is recorded.
        digest: of the model.
        found: what the last look found of it.
        held_out: whether a share of the orders is held out.
    """
    if record is None:
        return [texts.models.LIVE_NOTHING]
    known = {people: record.sums.get((digest, people), Sums()) for people in get_args(People)}
    names = dict(texts.models.PEOPLE)
    if known["held_out"].n:
        names["left_alone"] = texts.models.OTHERS_LEFT_ALONE
    told = [
        texts.models.held(names[people], sums.n, sums.late, sums.expected)
        for people, sums in known.items()
        if sums.n
    ]
    if not told:
        return [texts.models.LIVE_NOTHING]
    if found is None:
        return [*told, texts.models.LIVE_NOT_JUDGED]
    if found.verdict.on_hold_out:
        told.append(texts.models.ON_HOLD_OUT)
    else:
        told.append(texts.models.HOLD_OUT_FEW if held_out else texts.models.ON_LEFT_ALONE)
    return [*told, texts.models.LIVE_EARLY] if found.verdict.early else told


def alarm(found: Looked | None, now: int, zone: str) -> list[str]:
    """Return that answers do not hold, and where; nothing if they do.

    Args:
        found: what the last look found.
        now: UTC micros, of the clock on the wall.
        zone: in which moments are told.
    """
    alarms = () if found is None else found.verdict.alarms
    if found is None or not alarms:
        return []
    since = None if found.since is None else wording.when(found.since, now, zone)
    return [texts.models.alarm(since), *map(_off, alarms)]


def _off(found: Held) -> str:
    name = texts.models.ALL_STAGES if found.name == ALL else wording.stage(found.name)
    return texts.models.off(name, found.n, found.late, found.expected, found.low, found.high)


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
