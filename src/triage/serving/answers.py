"""An assessment as the API says it: plain dictionaries, dumped once to bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from triage.advice.assessment import Assessment, CauseShare, Reason, Recommendation
from triage.advice.groups import Group
from triage.domain.clock import MICROS_PER_MINUTE, from_micros
from triage.serving.advisor import Advisor, ModelInfo, WorkItem


@dataclass(frozen=True, slots=True)
class Stamp:
    """What all answers of one request share: who answers, and when (UTC micros)."""

    scored_at: int
    stale_at: int
    advisor: Advisor

    @classmethod
    def at(cls, moment: int, advisor: Advisor) -> Stamp:
        """Stamp answers given at a moment; they hold as long as the policy says."""
        holds = int(advisor.policy.freshness.stale_after_minutes * MICROS_PER_MINUTE)
        return cls(moment, moment + holds, advisor)


def dump(answer: object) -> bytes:
    """Return an answer as JSON; what is not finite becomes null."""
    return to_json(answer, inf_nan_mode="null")


def score(
    order: Assessment, stamp: Stamp, percentile: float | None, rank: int | None = None
) -> dict[str, Any]:
    """Return the answer to a score (see `schemas.ScoreAnswer` for meanings and units)."""
    advisor = stamp.advisor
    info = advisor.info
    return {
        "order_id": order.order_id,
        "as_of": from_micros(order.as_of),
        "scored_at": from_micros(stamp.scored_at),
        "stale_at": from_micros(stamp.stale_at),
        "advisory": True,
        "authority": advisor.authority,
        "stage": order.stage,
        "state": order.state,
        "model": model(info),
        "features_version": info.features_version,
        "policy_version": advisor.policy.version,
        "label_contract": info.label_contract,
        "risk": _risk(order, percentile),
        "delay": delay(order),
        "reasons": [reason(entry) for entry in order.reasons],
        "other_effect_pp": order.other_pp,
        "causes": [cause(entry) for entry in order.causes],
        "recommendations": [recommendation(entry) for entry in order.recommendations],
        "exposure": exposure(order),
        "priority": priority(order, rank),
        "data_quality": {
            "missing": order.missing,
            "unknown": order.unknown,
            "stale": order.stale,
            "degraded": order.degraded,
            "abstained": order.abstained,
            "unsure": order.unsure,
        },
    }


def work_item(
    item: WorkItem, percentile: float | None, handling: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return an entry of the worklist (see `schemas.WorklistItem`)."""
    order = item.assessment
    return {
        "rank": item.rank,
        "order_id": order.order_id,
        "state": order.state,
        "stage": order.stage,
        "stage_since": from_micros(order.stage_at),
        "promised_by": from_micros(order.promised_by),
        "customer": order.customer,
        "site": order.site,
        "destination": order.destination,
        "risk": _risk(order, percentile),
        "delay": delay(order),
        "reasons": [reason(entry) for entry in order.reasons],
        "other_effect_pp": order.other_pp,
        "causes": [cause(entry) for entry in order.causes],
        "exposure": exposure(order),
        "priority": priority(order, item.rank),
        "fits": item.fits,
        "plan": None if item.plan is None else recommendation(item.plan),
        "handling": handling,
    }


def model(info: ModelInfo) -> dict[str, str]:
    """Return which model answered."""
    return {"name": info.name, "version": info.version, "digest": info.digest}


def _risk(order: Assessment, percentile: float | None) -> dict[str, Any]:
    return {
        "p_late": order.p_late,
        "low": order.bounds[0],
        "high": order.bounds[1],
        "band": order.band,
        "typical": order.typical,
        "percentile": percentile,
    }


def delay(order: Assessment) -> dict[str, float]:
    """Return days against the promise at three quantiles."""
    low, middle, high = order.delay_days
    return {"p10": low, "p50": middle, "p90": high}


def exposure(order: Assessment) -> dict[str, Any]:
    """Return what is at stake, in the order's currency."""
    known, first = order.exposure, order.priority
    decide_by = None if first is None else first.decide_by
    return {
        "revenue": order.revenue,
        "currency": order.currency,
        "margin": None if known is None else known.margin,
        "sla_penalty": None if known is None else known.sla_penalty,
        "customer_tier": None if known is None else known.tier,
        "regulated": known is not None and known.regulated,
        "at_stake": order.at_stake,
        "expected_loss": order.expected_loss,
        "decide_by": None if decide_by is None else from_micros(decide_by),
    }


def priority(order: Assessment, rank: int | None) -> dict[str, Any] | None:
    """Return where an order stands and why; None once its promise has passed."""
    own = order.priority
    if own is None:
        return None
    return {
        "score": own.score,
        "rank": rank,
        "action": own.action,
        "minutes": own.minutes,
        "chance": own.chance,
        "why": own.why,
        "escalations": [{"to": each.to, "because": each.because} for each in own.escalations],
    }


def recommendation(entry: Recommendation) -> dict[str, Any]:
    """Return another way for an order."""
    days = entry.delta_days
    return {
        "action": entry.action,
        "detail": entry.detail,
        "site": entry.site,
        "p_late": entry.p_late,
        "delta_p": entry.delta_p,
        "delta_days": None if days is None else dict(zip(("p10", "p50", "p90"), days, strict=True)),
        "cost_delta": entry.cost,
        "saves": entry.saves,
        "feasible_until": from_micros(entry.feasible_until),
        "support": entry.support,
        "requires_approval": bool(entry.approver),
        "approver": entry.approver or None,
        "service": entry.service,
    }


def group(entry: Group) -> dict[str, Any]:
    """Return orders that wait for the same thing."""
    return {
        "cause": entry.cause,
        "text": entry.text,
        "orders": entry.order_ids,
        "expected_loss": entry.expected_loss,
        "currency": entry.currency,
    }


def cause(entry: CauseShare) -> dict[str, Any]:
    """Return one cause with its share."""
    return {"cause": entry.cause, "share": entry.share}


def reason(entry: Reason) -> dict[str, Any]:
    """Return one reason in words and numbers."""
    return {
        "code": entry.code,
        "text": entry.text,
        "feature": entry.feature,
        "value": entry.value,
        "typical": entry.typical,
        "unit": entry.unit,
        "effect_pp": entry.effect_pp,
        "direction": entry.direction,
        "owner": entry.owner,
        "actionable": entry.actionable,
    }
