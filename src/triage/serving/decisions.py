"""Decisions on record: what was asked, what it was answered from, what was answered.

A score is acknowledged when its decision is on the disk. A decision names everything that it
depends on (model, policy, log, number of events), so that `replay` can make it again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from pydantic_core import from_json, to_json

from triage.advice.assessment import Assessment
from triage.advice.policy import Policy
from triage.ledger.entries import Draft, Entry
from triage.ledger.ledger import Ledger
from triage.serving.advisor import ModelInfo
from triage.serving.expiry import Expiries

KIND: Final = "decision"
VOLATILE = ("decision_id", "scored_at", "stale_at")
"""What of an answer depends on the moment of asking, beside place and percentile in the list."""


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
class Decision:
    """A recorded decision, read back.

    Attributes:
        id: its id.
        at: when it was recorded, UTC micros.
        asked: the request; None if it was erased.
        as_of: the moment that it speaks of, UTC micros.
        basis: what it was made from.
        exact: digest of inputs, exact effects and probability, before anything is rounded.
        answer: what was answered.
    """

    id: str
    at: int
    asked: dict[str, Any] | None
    as_of: int
    basis: Basis
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
        self.expiries = Expiries()
        self.expiries.restore(lambda most: ledger.last(most, KIND), time.time_ns() // 1_000)

    def judge_prices_by(self, digest: str) -> None:
        """Name another bundle of prices in the decisions that follow."""
        self._prices = digest
        self._basis_of.cache_clear()

    def draft(
        self, decision_id: str, body: bytes, answer: bytes, said: Assessment, info: ModelInfo,
        events: int, *, whole: bool,
    ) -> Draft:  # fmt: skip
        """Return a decision to be recorded.

        Args:
            decision_id: its id, which the answer carries.
            body: the request. Of an order that was sent whole it can be erased later.
            answer: what is answered.
            said: the assessment behind it.
            info: the model that made it.
            events: how many events were applied.
            whole: whether the order was sent whole.
        """
        basis = self._basis_of(info.digest, info.version, events)
        head = b'{"as_of":%d,"basis":%b,"exact":%b' % (said.as_of, basis, to_json(said.exact))
        asked = b"null" if whole else body
        return Draft(
            KIND, head + b',"answer":' + answer + b',"asked":' + asked + b"}", said.order_id,
            body if whole else None, decision_id,
        )  # fmt: skip

    def _basis_as_json(self, model: str, version: str, events: int) -> bytes:
        basis = Basis(model, version, self._prices, self._policy, self._history, events)
        return to_json(basis)

    def record(self, drafts: Sequence[Draft]) -> Awaitable[None]:
        """Begin to record decisions; they are on the disk when what is returned was awaited.

        What can be done meanwhile is best done in between: the disk is already at work.

        Raises:
            StoreUnavailableError: if they cannot be; then nothing may be answered. When awaited,
                too.
        """
        return self._noted(self.ledger.record_async(*drafts), drafts)

    async def _noted(self, recorded: Awaitable[object], drafts: Sequence[Draft]) -> None:
        await recorded
        for draft in drafts:
            self.expiries.note(draft)


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
