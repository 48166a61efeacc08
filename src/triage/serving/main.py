"""From a home folder to a service: champion and challenger, the log, the policy, one app."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from triage.advice import policy
from triage.errors import BundleError, HistoryError
from triage.features.index_kept import KeptIndexes
from triage.history.log import Log
from triage.ledger.ledger import Ledger
from triage.models.at_risk import NAME, AtRiskModel
from triage.models.bundle import read_bundle
from triage.models.champion import bundle_folder, champion, find_champion, find_rule
from triage.serving.access.guard import Guard
from triage.serving.advisor import Advisor, NotReadyError
from triage.serving.app import create_app
from triage.serving.challenger import load_challenger
from triage.serving.decisions import Decisions
from triage.serving.event_log import EventLog
from triage.serving.exceptions.desk import exception_desk, load_exception_model
from triage.serving.exceptions.queue import ExceptionQueue
from triage.serving.exceptions.raised import RaisedExceptions
from triage.serving.follow import Follower
from triage.serving.keeping import keeping
from triage.serving.known import Known
from triage.serving.live import Live
from triage.serving.operations import Operations
from triage.serving.price_desk import PriceDesk, load_price_desk
from triage.serving.scorer import Scorer
from triage.serving.side_models import SideModels
from triage.serving.succession import Succession, scorer_of
from triage.serving.warming import Warming
from triage.serving.webhooks.receiver import receivers
from triage.serving.webhooks.telling import open_webhooks
from triage.settings import Settings

_LOG = logging.getLogger("triage.serving")


def load_scorer(settings: Settings) -> Scorer:
    """Return the champion with the state of log and events, checked, and the list ranked.

    Raises:
        BundleError: if no model was promoted, or its bytes are not those that were.
        HistoryError: if there is no log.
        DeclarationError: if the policy cannot be used.
    """
    scorer, _ = _load(settings, None)
    scorer.worklist()
    return scorer


def _load(settings: Settings, kept: KeptIndexes | None) -> tuple[Scorer, Known]:
    model, version = _model(settings)
    known = Known.of(settings.home)
    declared = policy.load(settings.workspace)
    return scorer_of(model, version, known, declared, settings, kept), known


def _model(settings: Settings) -> tuple[AtRiskModel, str]:
    """Return the champion and its version; if it is refused, who stands in for it.

    That is the model before it (see `Succession`), or the rule.

    Raises:
        BundleError: if nothing was promoted and no rule fitted, or none can be loaded.
    """
    pointers = standing(settings.home)
    if not pointers:
        champion(settings.home, NAME)
    for pointer in pointers[:-1]:
        try:
            return _bundle(settings, pointer)
        except BundleError as error:
            _LOG.warning("version %s is refused: %s", pointer.get("version"), error)
    return _bundle(settings, pointers[-1])


def standing(home: Path) -> list[dict[str, Any]]:
    """Return the pointers of who may answer, in the order in which they are tried.

    Raises:
        BundleError: if a pointer cannot be read.
    """
    named = find_champion(home, NAME)
    before = None if named is None else named.get("previous")
    return [each for each in (named, before, find_rule(home, NAME)) if each is not None]


def wants_rule(home: Path) -> bool:
    """Return whether there is nobody whose bytes are whole: then a rule should be fitted."""
    for pointer in standing(home):
        with contextlib.suppress(BundleError):
            read_bundle(bundle_folder(home, NAME, pointer["digest"]), pointer["digest"])
            return False
    return True


def _bundle(settings: Settings, pointer: dict[str, Any]) -> tuple[AtRiskModel, str]:
    digest = pointer["digest"]
    folder = bundle_folder(settings.home, NAME, digest)
    return AtRiskModel.load(folder, digest), str(pointer["version"])


def create(settings: Settings | None = None) -> FastAPI:
    """Return the app; it answers "not ready" with the next command while something is missing.

    Raises:
        SettingsError: if it would listen beyond this machine without a key in force.
    """
    configured = settings or Settings()
    guard = Guard(configured)
    loader = ThreadPoolExecutor(1)
    beside = loader.submit(load_exception_model, configured)
    loader.shutdown(wait=False)
    try:
        scorer, known = _load(configured, KeptIndexes(configured.home))
    except (BundleError, HistoryError) as error:
        problem = str(error)
        trained = find_champion(configured.home, NAME) is not None
        command = "triage import NAME DIR" if trained else "triage train at_risk"

        def not_ready() -> Advisor:
            raise NotReadyError([problem], command)

        return create_app(not_ready, configured, guard=guard)
    history, log = known.history, known.history.imported
    challenger = load_challenger(configured, scorer, history)
    prices = load_price_desk(configured, history)
    scorers = [scorer]
    if challenger is not None and isinstance(challenger.advisor, Scorer):
        scorers.append(challenger.advisor)
    desk = exception_desk(beside.result(), configured, log)
    queue = None if desk is None else ExceptionQueue(desk)
    raised = RaisedExceptions(log)
    known.recall(raised, queue, scorer)
    told = receivers(configured.workspace)
    return create_app(
        lambda: scorer, configured, challenger=challenger, prices=prices, exception_desk=desk,
        queue=queue, guard=guard,
        keep=lambda: keeping(
            lambda changes: Live(
                EventLog(configured.home, known.seen), scorers, prices,
                Follower(scorer, changes, scorer.policy.follow, desk), queue,
                raised, known.events,
            ),
            lambda: _decisions(configured, scorer, prices),
            lambda: open_webhooks(configured.home, told),
            lambda live: Warming(live, scorer, queue),
            configured.workspace,
        ),
        operations=lambda kept: Operations(
            log, lambda: scorer if kept.live.follower is None else kept.live.follower.scorer,
            queue, lambda: [] if kept.outcomes is None else kept.outcomes.record.outcomes(),
        ),
        succession=lambda service, shadowing: _following(
            Succession(configured, service, shadowing, scorer, known),
            SideModels(configured.home, service, scorer.policy.succession.look_seconds),
        ),
    )  # fmt: skip


@contextlib.asynccontextmanager
async def _following(champion: Succession, beside: SideModels) -> AsyncIterator[None]:
    """Follow every pointer until the service stops."""
    async with champion.running(), beside.running():
        yield


def _decisions(settings: Settings, scorer: Scorer, prices: PriceDesk | None) -> Decisions | None:
    if not settings.record:
        return None
    ledger = Ledger.open(settings.home, settings.ledger_url, acknowledge=settings.acknowledge)
    digest = None if prices is None else prices.model.digest
    return Decisions(ledger, scorer.policy, Log(settings.home).fingerprint, digest)
