"""The same decision again: from the log, the events and the model that it names, bit for bit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from triage.advice.assessment import Assessment
from triage.advice.policy import Policy
from triage.domain.clock import NEVER
from triage.domain.records import Record
from triage.errors import TriageError
from triage.history.log import Log
from triage.ledger.entries import Entry
from triage.ledger.reading import Reading
from triage.models.at_risk import NAME, AtRiskModel
from triage.models.champion import bundle_folder
from triage.models.prices import NAME as PRICES
from triage.models.prices import PriceModel
from triage.serving import answers
from triage.serving.answers import Stamp
from triage.serving.decisions import Basis, Decision, Intent, compared, policy_id
from triage.serving.event_log import read_events
from triage.serving.intake import ScoreRequest
from triage.serving.live import Live
from triage.serving.price_desk import PriceDesk, with_lines
from triage.serving.routes.score import assess
from triage.serving.scorer import Scorer

Made = TypeVar("Made", bound=Intent)


class ReplayError(TriageError):
    """A decision cannot be made again."""

    slug = "replay"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of making a decision again.

    Attributes:
        decision: as recorded.
        same: whether probability, exact effects, inputs and the whole answer are the same.
        differs: names of the parts of the answer that differ; "exact" for the bits beneath it.
        problem: why it could not be made again; empty if it could.
    """

    decision: Decision
    same: bool
    differs: tuple[str, ...] = ()
    problem: str = ""


def replay(home: Path, reading: Reading, entries: Iterable[Entry]) -> Iterator[Replayed]:
    """Make recorded decisions again and compare; those of one basis share one state.

    Args:
        home: the service's home, with log, events and bundles.
        reading: the ledger, which holds the policies.
        entries: decisions.
    """
    for own in by_basis([Decision.of(entry) for entry in entries]):
        try:
            maker = Maker(home, reading, own[0].basis)
        except TriageError as error:
            yield from (Replayed(each, False, problem=str(error)) for each in own)
            continue
        yield from map(maker.again, own)


def by_basis(made: Iterable[Made]) -> Iterator[list[Made]]:
    """Yield what one `Maker` makes, in the sequence of events."""
    for _, group in groupby(sorted(made, key=_state), key=lambda each: _state(each)[:-1]):
        yield list(group)


def _state(made: Intent) -> tuple[str, str, str, str, int]:
    basis = made.basis
    return basis.history, basis.model, basis.prices or "", basis.policy, basis.events


class Maker:
    """A service as it was: takes in events up to where each decision was made."""

    def __init__(self, home: Path, reading: Reading, basis: Basis) -> None:
        """Load what decisions of one basis were made from.

        Raises:
            ReplayError: if the ledger does not hold the policy.
            BundleError: if a bundle is gone.
            HistoryError: if the log is.
        """
        held = reading.get(policy_id(basis.policy))
        if held is None:
            raise ReplayError(f"the ledger does not hold the policy {basis.policy[:12]}")
        history = Log(home).read(fingerprint=basis.history)
        model = AtRiskModel.load(bundle_folder(home, NAME, basis.model), basis.model)
        self._scorer = Scorer(
            model, basis.version, history, Policy.model_validate_json(held.body),
            clock=lambda: NEVER,
        )  # fmt: skip
        self._prices = None
        if basis.prices is not None:
            folder = bundle_folder(home, PRICES, basis.prices)
            self._prices = PriceDesk(PriceModel.load(folder, basis.prices), history)
        self._live = Live(None, [self._scorer], self._prices)
        self._events: Iterator[tuple[int, Record]] = read_events(home)

    def make(self, intent: Intent) -> tuple[Assessment, dict[str, Any]]:
        """Make a decision; they come in the sequence of their events.

        Returns:
            The assessment and the answer, without a place in the list and without an id.

        Raises:
            ReplayError: if what was asked was erased, or events that it was made from are gone.
            TriageError: if this is nothing that could be answered.
        """
        if intent.asked is None:
            raise ReplayError("what was asked was erased")
        while self._live.applied < intent.basis.events:
            event = next(self._events, None)
            if event is None:
                raise ReplayError("events that it was made from are gone")
            self._live.apply([event[1]])
        self._scorer.info = replace(self._scorer.info, version=intent.basis.version)
        request = ScoreRequest.model_validate_json(json.dumps(intent.asked))
        said = assess(self._scorer, request, intent.as_of)
        answer = answers.score(said, Stamp.at(intent.at, self._scorer), None)
        return said, with_lines(answer, self._prices, request)

    def again(self, decision: Decision) -> Replayed:
        """Make one decision again and compare."""
        try:
            said, answer = self.make(decision)
        except ReplayError as error:
            return Replayed(decision, False, problem=str(error))
        made = json.loads(answers.dump(answer))
        if "stale" not in decision.answer["data_quality"]:  # of a version that did not look
            quality = made["data_quality"]
            del quality["stale"]
            quality["degraded"] = bool(quality["missing"] or quality["unknown"])
        differs = _differing(compared(decision.answer), compared(made))
        if said.exact != decision.exact:
            differs = ("exact", *differs)
        return Replayed(decision, not differs, differs)


def _differing(one: dict[str, Any], other: dict[str, Any]) -> tuple[str, ...]:
    names = dict.fromkeys([*one, *other])
    return tuple(name for name in names if one.get(name) != other.get(name))
