"""The model that scores the same orders unseen: loaded beside the champion, or why it could not be.

Nothing that is wrong with a challenger may reach an answer, so loading one never raises.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from triage.errors import BundleError
from triage.features.compile import FeatureSet
from triage.history.tables import History
from triage.models.at_risk import NAME, AtRiskModel
from triage.models.champion import bundle_folder, find_challenger
from triage.serving.advisor import Advisor
from triage.serving.scorer import Scorer
from triage.settings import Settings

_LOG = logging.getLogger("triage.serving")


@dataclass(frozen=True, slots=True)
class Challenger:
    """Who challenges whom since when.

    Attributes:
        version: its version in the registry.
        digest: of its bundle.
        since: when it was named.
        against: digest of the champion that answers.
        advisor: scores; None if it could not be loaded.
        problem: why it could not be loaded, in words; empty if it was.
        shares_state: whether it looks at the champion's own index, so that it takes hardly any
            memory; only if both were trained with the same features.
    """

    version: str
    digest: str
    since: datetime
    against: str
    advisor: Advisor | None = None
    problem: str = ""
    shares_state: bool = False


def load_challenger(settings: Settings, champion: Scorer, history: History) -> Challenger | None:
    """Return the challenger with the log's state; None if there is none, or it is the champion.

    Args:
        settings: where it is kept.
        champion: the scorer that answers; its policy, clock and, if possible, state are shared.
        history: the log that the champion reads.
    """
    try:
        pointer = find_challenger(settings.home, NAME)
    except BundleError as error:
        _LOG.warning("nothing challenges the champion: %s", error)
        return None
    if pointer is None or pointer["digest"] == champion.info.digest:
        return None
    named = named_challenger(pointer, champion.info.digest)
    try:
        scorer, shared = _scorer(settings, named, champion, history)
    except Exception as error:  # noqa: BLE001  whatever ails a challenger, the champion answers
        return without(named, error)
    return replace(named, advisor=scorer, shares_state=shared)


def named_challenger(pointer: dict[str, Any], against: str) -> Challenger:
    """Return who is named by a pointer, not loaded, against the champion of a digest."""
    version, since = str(pointer.get("version", "")), _since(pointer.get("since"))
    return Challenger(version, pointer["digest"], since, against)


def without(named: Challenger, error: Exception) -> Challenger:
    """Return a challenger that scores nothing, and say why."""
    problem = problem_of(error)
    _LOG.warning("version %s of %s scores nothing: %s", named.version, NAME, problem)
    return replace(named, problem=problem)


def problem_of(error: Exception) -> str:
    """Return in one line why a model could not be loaded."""
    return (str(error) or type(error).__name__).splitlines()[0]


def same_features(one: FeatureSet, other: FeatureSet) -> bool:
    """Return whether two models compute the very same rows, so that one index serves both."""
    return (
        one.names == other.names
        and one.available == other.available
        and one.program.tolerance == other.program.tolerance
        and one.declarations == other.declarations
    )


def _scorer(
    settings: Settings, named: Challenger, champion: Scorer, history: History
) -> tuple[Scorer, bool]:
    model = AtRiskModel.load(bundle_folder(settings.home, NAME, named.digest), named.digest)
    shared = same_features(model.features, champion.model.features)
    scorer = Scorer(
        model, named.version, history, champion.policy, clock=champion.now,
        engine=champion.engine if shared else None,
    )  # fmt: skip
    scorer.worklist()
    return scorer, shared


def _since(text: object) -> datetime:
    """Return when it was named; a time that a person has edited away counts as long ago."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        moment = datetime.fromtimestamp(0, UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
