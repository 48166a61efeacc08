"""Decisions on record as the service writes them, made up."""

from __future__ import annotations

from typing import Any

from triage.domain.clock import from_micros
from triage.ledger.entries import Draft
from triage.serving import answers
from triage.serving.decisions import KIND


def decision(
    order_id: str,
    p_late: float,
    *,
    stage: str = "order_created",
    model: str = "m" * 64,
    as_of: int = 0,
    asked: dict[str, Any] | None = None,
    state: str = "at_risk",
    delay: tuple[float, float, float] = (-2.0, -1.0, 1.0),
    priority: dict[str, float] | None = None,
) -> Draft:
    answer = {
        "order_id": order_id,
        "stale_at": from_micros(as_of),
        "stage": stage,
        "state": state,
        "risk": {"p_late": p_late},
        "delay": dict(zip(("p10", "p50", "p90"), delay, strict=True)),
        "priority": priority or {"score": p_late, "minutes": 5.0},
    }
    basis = {"model": model, "version": "7", "prices": None, "policy": "p", "history": "h",
             "events": 0}  # fmt: skip
    body = {"as_of": as_of, "basis": basis, "exact": "", "answer": answer}
    return Draft(KIND, answers.dump(body | {"asked": asked or {"order_id": order_id}}), order_id)
