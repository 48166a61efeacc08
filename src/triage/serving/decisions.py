"""Decisions on record: what was asked, what it was answered from, what was answered.

A decision names everything that it depends on (model, policy, log, number of events), so that
`replay` can make it again. Hence a score can be acknowledged when that, the intent, is on the disk
and the operating system has the decision; where many are made at once, when the decision itself is
on the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Final, Self

from pydantic import Field, TypeAdapter
from pydantic_core import from_json, to_json

from triage.advice.assessment import Assessment
from triage.advice.policy import Policy
from triage.ledger.entries import Draft, Entry, new_id
from triage.ledger.errors import StoreUnavailableError
from triage.ledger.ledger import Ledger
from triage.serving.advisor import ModelInfo
from triage.serving.expiry import REMEMBERED, Expiries, stale_at

KIND: Final = "decision"
VOLATILE = ("decision_id", "scored_at", "stale_at")
"""What of an answer depends on the moment of asking, beside place and percentile in the list."""
_PATIENCE_SECONDS = 1.0
_PAGE = 1_000
_LOG = logging.getLogger("triage.serving")


@dataclass(frozen=True, slots=True)
class Basis:
    """What answers are made from; the same for many decisions.

    Attributes:
        model: digest of the at-risk bundle.
        version: its version in the registry.
        prices: digest of the bundle of prices; None without one.
        policy: digest of the policy, under which the ledger holds it.
        history: fingerprint of the log of extracts.
        events: how many events were applied.
    """

    model: str
    version: str
    prices: str | None
    policy: str
    history: str
    events: int


@dataclass(frozen=True, slots=True)
class Intent:
    """A decision that was about to be made: all that it takes to make it (again).

    Attributes:
        id: its id.
        at: when it was asked for, UTC micros.
        asked: the request; None if it was erased.
        as_of: the moment that it speaks of, UTC micros.
        basis: what it is made from.
    """

    id: str
    at: Annotated[int, Field(ge=-(2**63), lt=2**63)]
    asked: dict[str, Any] | None
    as_of: int
    basis: Basis

    @classmethod
    def from_json(cls, kept: bytes) -> Intent:
        """Read what was kept of it.

        Raises:
            ValidationError: if it is none, or of a version that wrote others.
        """
        return _INTENTS.validate_json(kept)


_INTENTS = TypeAdapter(Intent)


@dataclass(frozen=True, slots=True)
class Decision(Intent):
    """A recorded decision, read back; `at` is when it was recorded.

    Attributes:
        exact: digest of inputs, exact effects and probability, before anything is rounded.
        answer: what was answered.
    """

    exact: str
    answer: dict[str, Any]

    @classmethod
    def of(cls, entry: Entry) -> Decision:
        """Read an entry of the ledger."""
        body = from_json(entry.body)
        asked = body["asked"]
        if asked is None and entry.personal is not None:
            asked = from_json(entry.personal)
        return cls(
            entry.id, entry.at, asked, body["as_of"], Basis(**body["basis"]), body["exact"],
            body["answer"],
        )  # fmt: skip


class Decisions:
    """Records decisions in the ledger.

    Args:
        ledger: where to.
        policy: the policy in force; it is recorded once, so that old decisions can be made again.
        history: fingerprint of the log of extracts.
        prices: digest of the bundle of prices, if there is one.

    Attributes:
        expiries: answers that callers hold, until they go stale.
    """

    def __init__(self, ledger: Ledger, policy: Policy, history: str, prices: str | None) -> None:
        self.ledger = ledger
        self._history, self._prices = history, prices
        self._policy = record_policy(ledger, policy)
        self._basis_of = lru_cache(maxsize=4)(self._basis_as_json)
        self._waiting = 0
        self._landing: set[asyncio.Future[Any]] = set()
        self.expiries = Expiries()

    def remember(self, since: int) -> Expiries:
        """Remember recorded answers that went stale after a moment (UTC micros), or hold still.

        Decisions are read backwards until many of them in a row held no longer.
        """
        found: list[Entry] = []
        while len(found) < REMEMBERED:
            before = found[-1].seq if found else None
            page = self.ledger.last(_PAGE, KIND, before=before)
            found += page
            if all(stale_at(decision.body) <= since for decision in page):
                break
        self.expiries.restore(reversed(found), since)
        return self.expiries

    def judge_prices_by(self, digest: str) -> None:
        """Name another bundle of prices in the decisions that follow."""
        self._prices = digest
        self._basis_of.cache_clear()

    def basis(self, info: ModelInfo, events: int) -> bytes:
        """Return, as JSON, what a model answers from when so many events were applied."""
        return self._basis_of(info.digest, info.version, events)

    def _basis_as_json(self, model: str, version: str, events: int) -> bytes:
        basis = Basis(model, version, self._prices, self._policy, self._history, events)
        return to_json(basis)

    def making(self, basis: bytes, body: bytes, at: int, as_of: int) -> Making:
        """Begin to make a decision: what it is made from goes to the disk meanwhile.

        Only where nobody else waits for the disk: else one flush carries many decisions anyway.

        Args:
            basis: what it is made from (see `basis`).
            body: the request, as JSON.
            at: now, UTC micros.
            as_of: the moment that it speaks of, UTC micros.
        """
        made = Making(self, new_id(), basis, body)
        if self.ledger.attended and not self._waiting:
            kept = intent(made.id, at, as_of, basis, body)
            with contextlib.suppress(StoreUnavailableError):  # the ledger itself may have room
                made.kept = self.ledger.intents.keep(made.id, kept)
        return made

    def record(self, drafts: Sequence[Draft]) -> Awaitable[None]:
        """Begin to record decisions; they are on the disk when what is returned was awaited.

        What can be done meanwhile is best done in between: the disk is already at work.

        Raises:
            StoreUnavailableError: if they cannot be; then nothing may be answered. When awaited,
                too.
        """
        return self._noted(self.ledger.record_async(*drafts), drafts)

    async def _noted(self, recorded: Awaitable[object], drafts: Sequence[Draft]) -> None:
        self._waiting += 1
        try:
            await recorded
        finally:
            self._waiting -= 1
        for draft in drafts:
            self.expiries.note(draft)

    def follow(self, draft: Draft, kept: asyncio.Future[Any]) -> Awaitable[None]:
        """Record a decision behind its intent; it may be answered once this was awaited.

        Written on the event loop, so only once the disk has the intent and thus does not hang. If
        the disk does not take the intent, the decision is recorded like others.

        Raises:
            StoreUnavailableError: as `record`; when awaited, too.
        """
        self.ledger.intents.look()
        is_kept = kept.done() and kept.exception() is None
        return self._followed(draft, kept, self._behind(draft, kept) if is_kept else None)

    async def _followed(
        self, draft: Draft, kept: asyncio.Future[Any], written: asyncio.Future[Any] | None
    ) -> None:
        self._waiting += 1
        try:
            await (written or await self._once_kept(draft, kept))
        finally:
            self._waiting -= 1

    async def _once_kept(self, draft: Draft, kept: asyncio.Future[Any]) -> Awaitable[object]:
        try:
            await kept
            return self._behind(draft, kept)
        except BaseException as error:
            self.ledger.intents.take_back(draft.id, kept)
            if not isinstance(error, StoreUnavailableError):
                raise
        return self.record([draft])

    def _behind(self, draft: Draft, kept: asyncio.Future[Any]) -> asyncio.Future[Any]:
        written, landed = self.ledger.record_behind(draft)
        self._landing.add(landed)
        landed.add_done_callback(lambda _: self._landed(draft, kept, written, landed))
        return written

    def _landed(
        self, draft: Draft, kept: asyncio.Future[Any], written: asyncio.Future[Any],
        landed: asyncio.Future[Any],
    ) -> None:  # fmt: skip
        self._landing.discard(landed)
        if (problem := landed.exception()) is None:
            self.ledger.intents.over(kept)
            self.expiries.note(draft)
        elif written.cancelled() or written.exception() is None:
            _LOG.error(
                "decision %s was answered, but is not on the disk: at the next start it is made "
                "again from its intent (%s)", draft.id, problem,
            )  # fmt: skip
        else:
            self.ledger.intents.take_back(draft.id, kept)

    async def landed(self) -> None:
        """Wait until readers see the decisions that were answered; not long if the disk hangs."""
        if self._landing:
            self.ledger.hurry()
            await asyncio.wait(set(self._landing), timeout=_PATIENCE_SECONDS)


@dataclass(slots=True)
class Making:
    """A decision that is being made. Left with an error it is none, and its intent is over.

    Attributes:
        id: its id, which the answer carries.
        kept: its intent, if there is one.
    """

    _decisions: Decisions
    id: str
    _basis: bytes
    _body: bytes
    kept: asyncio.Future[Any] | None = None

    def __enter__(self) -> Self:
        """Go on."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Forget the intent if there is no decision."""
        if kind is not None and self.kept is not None:
            self._decisions.ledger.intents.take_back(self.id, self.kept)

    def record(self, answer: bytes, said: Assessment, *, whole: bool) -> Awaitable[None]:
        """Begin to record it; it may be answered once what is returned was awaited.

        What can be done meanwhile is best done in between: the disk is already at work.

        Args:
            answer: what is answered.
            said: the assessment behind it.
            whole: whether the order was sent whole.

        Raises:
            StoreUnavailableError: if it cannot be; then nothing may be answered. When awaited, too.
        """
        draft = decided(self.id, self._basis, self._body, answer, said, whole=whole)
        if self.kept is None:
            return self._decisions.record([draft])
        return self._decisions.follow(draft, self.kept)


def decided(
    decision_id: str, basis: bytes, body: bytes, answer: bytes, said: Assessment, *, whole: bool,
    at: int | None = None,
) -> Draft:  # fmt: skip
    """Return a decision to be recorded.

    Args:
        decision_id: its id, which the answer carries.
        basis: what it was made from, as JSON.
        body: the request. Of an order that was sent whole it can be erased later.
        answer: what is answered.
        said: the assessment behind it.
        whole: whether the order was sent whole.
        at: when it was made, UTC micros; None means the moment of recording.
    """
    head = b'{"as_of":%d,"basis":%b,"exact":%b' % (said.as_of, basis, to_json(said.exact))
    asked = b"null" if whole else body
    return Draft(
        KIND, head + b',"answer":' + answer + b',"asked":' + asked + b"}", said.order_id,
        body if whole else None, decision_id, at,
    )  # fmt: skip


def intent(decision_id: str, at: int, as_of: int, basis: bytes, body: bytes) -> bytes:
    """Return what a decision can be made again from, as JSON; see `Intent`."""
    head = b'{"id":"%b","at":%d,"as_of":%d' % (decision_id.encode(), at, as_of)
    return head + b',"basis":' + basis + b',"asked":' + body + b"}"


def record_policy(ledger: Ledger, policy: Policy) -> str:
    """Record a policy if the ledger does not hold it; return its digest."""
    text = policy.model_dump_json().encode()
    digest = hashlib.sha256(text).hexdigest()
    if ledger.get(policy_id(digest)) is None:
        ledger.record(Draft("setting", text, id=policy_id(digest)))
    return digest


def policy_id(digest: str) -> str:
    """Return the id under which the ledger holds a policy."""
    return f"policy:{digest}"


def compared(answer: dict[str, Any]) -> dict[str, Any]:
    """Return of an answer, as JSON has it, what another moment of asking would not change.

    Answers of before a faster service could be booked as well name none: that is no difference.
    """
    plain = {name: value for name, value in answer.items() if name not in VOLATILE}
    plain["risk"] = {k: v for k, v in answer["risk"].items() if k != "percentile"}
    if answer["priority"] is not None:
        plain["priority"] = {k: v for k, v in answer["priority"].items() if k != "rank"}
    plain["recommendations"] = [
        {"service": None} | each for each in answer.get("recommendations", [])
    ]
    return plain
