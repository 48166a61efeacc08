"""An assessment as a few lines of text."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from triage.advice.assessment import Assessment
from triage.advice.wording import STAGES
from triage.domain.clock import from_micros


def listed(rank: int, item: Assessment, time_zone: str) -> str:
    """Return one order of the list as lines: risk, loss, promise, why, reasons with effects."""
    promised = from_micros(item.promised_by - 1).astimezone(ZoneInfo(time_zone))
    lines = [
        f"{rank:>3}. {100 * item.p_late:.0f} % {item.band}  {item.order_id}  "
        f"{item.currency} {item.expected_loss:,.0f} expected loss, order of {item.revenue:,.0f}, "
        f"promised {promised:%d %b}, {STAGES.get(item.stage, item.stage)}"
    ]
    if item.priority is not None:
        lines.append(f"       {item.priority.why}")
    lines += [f"       {reason.effect_pp:+5.1f}  {reason.text}" for reason in item.reasons]
    return "\n".join(lines)
