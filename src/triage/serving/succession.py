"""The champion of a running service: whoever is promoted takes over between two answers.

A file names the champion. When it names another, that one is tried by another process, reads the
log and every event beside the one that answers, and takes its place: no request waits or fails, and
each decision names the model that made it. What cannot be loaded is refused, and said; the model
that answered goes on. The predecessor is kept up for a while, so that a rollback takes effect at
once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from triage.advice.policy import Policy
from triage.errors import BundleError
from triage.features.engine import FeatureEngine
from triage.features.index_kept import KeptIndexes
from triage.models.at_risk import NAME, AtRiskModel
from triage.models.bundle import read_bundle
from triage.models.champion import bundle_folder, find_challenger, find_champion
from triage.serving.app import wall_clock
from triage.serving.background import background
from triage.serving.challenger import Challenger, named_challenger, problem_of, without
from triage.serving.event_log import read_events
from triage.serving.known import Known
from triage.serving.live import Live
from triage.serving.scorer import Scorer
from triage.serving.service import Refused, Service
from triage.serving.shadowing import Shadowing
from triage.serving.trial import tried
from triage.settings import Settings

_MINUTE = 60.0
_FEW = 200
"""Events that may be left for the moment of taking over."""
_PASSES = 5
_LOG = logging.getLogger("triage.serving")


class Succession:
    """Follows the pointers of champion and challenger.

    Args:
        settings: where they are kept.
        service: what answers; its provider, challenger and shadow are replaced.
        shadowing: the shadow that runs.
        scorer: the champion that answers.
        known: the log that it reads, with the events that came before the start.
    """

    def __init__(
        self, settings: Settings, service: Service, shadowing: Shadowing, scorer: Scorer,
        known: Known,
    ) -> None:  # fmt: skip
        assert service.live is not None, "only a service that keeps events can follow"  # noqa: S101
        self._settings, self._service, self._shadowing = settings, service, shadowing
        self._live: Live = service.live
        self._scorer, self._known = scorer, known
        self._policy = scorer.policy.succession
        self._predecessor: Scorer | None = None
        self._kept_until = 0.0
        self._refused: dict[str, Any] | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look once, then follow until the service stops."""
        await self._try()
        async with background(self._follow()):
            yield

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._policy.look_seconds)
            await self._try()

    async def _try(self) -> None:
        try:
            await self.look()
        except Exception:  # noqa: BLE001  whatever ails a pointer, the champion answers
            _LOG.exception("the pointers of the models cannot be followed; looking again")

    async def look(self) -> None:
        """Put in force what the pointers name now; return when it answers, or was refused."""
        try:
            pointer = find_champion(self._settings.home, NAME)
        except BundleError as error:
            self._refuse({"digest": "", "version": ""}, error)
            return
        if pointer is not None and pointer != self._refused:
            if pointer["digest"] != self._scorer.info.digest:
                await self._succeed(pointer)
            else:
                self._name(pointer)
        await self._challenge()
        self._keep_up()

    async def _succeed(self, pointer: dict[str, Any]) -> None:
        digest, version = pointer["digest"], str(pointer.get("version", ""))
        try:
            heir = await self._ready(digest, version)
        except Exception as error:  # noqa: BLE001  whatever ails a model, the old one answers
            self._refuse(pointer, error)
            return
        former, self._scorer = self._scorer, heir
        if self._live.follower is not None:
            self._live.follower.scorer = heir
        self._service.provider = lambda: heir
        self._predecessor = former
        self._kept_until = time.monotonic() + self._policy.predecessor_minutes * _MINUTE
        self._name(pointer)
        self._service.metrics.successions.labels("succeeded").inc()
        _LOG.warning("version %s of %s (%s) answers now", version, NAME, digest[:12])

    async def _ready(self, digest: str, version: str) -> Scorer:
        """Return a scorer of a bundle that has seen every event and is kept up."""
        for known in (self._predecessor, self._challenging()):
            if known is not None and known.info.digest == digest:
                return known
        folder = bundle_folder(self._settings.home, NAME, digest)
        await asyncio.to_thread(read_bundle, folder, digest)
        await tried(folder, digest)
        own = await asyncio.to_thread(self._prepared, folder, digest, version)
        (scorer,) = own.scorers
        await self._live.join(scorer, own.applied)
        return scorer

    def _prepared(self, folder: Path, digest: str, version: str) -> Live:
        """Return, in another thread, a scorer with a state of its own and nearly all events."""
        model = AtRiskModel.load(folder, digest)
        known, kept = self._known, KeptIndexes(self._settings.home)
        scorer = scorer_of(model, version, known, self._scorer.policy, self._settings, kept)
        own = Live(None, [scorer], applied=known.events)
        for _ in range(_PASSES):
            before = own.applied
            own.apply_until(read_events(self._settings.home, before + 1), self._live.applied)
            scorer.worklist()
            if own.applied - before <= _FEW:
                break
        return own

    async def _challenge(self) -> None:
        """Let the challenger that is named now score unseen, against whom answers now."""
        answers = self._scorer.info.digest
        with contextlib.suppress(BundleError):  # one that cannot be read changes nothing
            found = find_challenger(self._settings.home, NAME)
            if found is None or found["digest"] == answers:
                named = None
            else:
                named = named_challenger(found, answers)
            if _who(named) != _who(self._service.challenger):
                if named is not None:
                    named = await self._loaded(named)
                await self._shadowing.begin(named)

    async def _loaded(self, named: Challenger) -> Challenger:
        try:
            return replace(named, advisor=await self._ready(named.digest, named.version))
        except Exception as error:  # noqa: BLE001  whatever ails it, the champion answers
            return without(named, error)

    def _challenging(self) -> Scorer | None:
        named = self._service.challenger
        return named.advisor if named is not None and isinstance(named.advisor, Scorer) else None

    def _keep_up(self) -> None:
        """Let events go to those only that may still answer or score."""
        if time.monotonic() > self._kept_until:
            self._predecessor = None
        known = (self._scorer, self._predecessor, self._challenging())
        self._live.keep_up([each for each in known if each is not None])

    def _name(self, pointer: dict[str, Any]) -> None:
        """Note that the pointer and the model that answers are the same."""
        self._refused = self._service.refused = None
        version = str(pointer.get("version", ""))
        if version != self._scorer.info.version:
            self._scorer.info = replace(self._scorer.info, version=version)

    def _refuse(self, pointer: dict[str, Any], error: Exception) -> None:
        if self._service.refused is not None and self._refused == pointer:
            return
        problem = problem_of(error)
        self._refused = pointer
        self._service.refused = Refused(
            str(pointer.get("version", "")), str(pointer["digest"]), problem
        )
        self._service.metrics.successions.labels("refused").inc()
        _LOG.warning(
            "the model that was promoted is refused, the one before it answers: %s", problem
        )


def scorer_of(
    model: AtRiskModel, version: str, known: Known, policy: Policy, settings: Settings,
    kept: KeptIndexes | None,
) -> Scorer:  # fmt: skip
    """Return a scorer of what is known, by the clock that is set; its index may be kept."""
    clock = wall_clock if settings.clock == "wall" else None
    engine = FeatureEngine.of(known.history, model.features, kept=kept)
    return Scorer(model, version, known.history, policy, clock=clock, engine=engine)


def _who(named: Challenger | None) -> tuple[str, str] | None:
    return None if named is None else (named.digest, named.against)
