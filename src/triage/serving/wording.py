"""Money, dates, spans and shares as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from triage.advice.assessment import Assessment, CauseShare, Priority
from triage.advice.policy import Policy
from triage.advice.wording import anything_from, likely_lost, lost_anyway
from triage.domain.clock import MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, from_micros
from triage.serving import formats, texts

_NBSP = "\u00a0"


def total(sums: Mapping[str, float], currency: str = "") -> str:
    """Return sums by currency, largest first; `currency` is named when there is nothing to sum."""
    if not sums:
        return formats.money(0, currency) if currency else "0"
    ordered = sorted(sums.items(), key=lambda entry: -entry[1])
    return " + ".join(formats.money(amount, code) for code, amount in ordered)


def percent(share: float) -> str:
    """Return a probability in whole percent; never 0 % or 100 % for what is not certain."""
    if 0 < share < 0.005:
        return f"<{formats.percent(0.01)}"
    if 0.995 <= share < 1:
        return f">{formats.percent(0.99)}"
    return formats.percent(share)


def of_100(share: float) -> str:
    """Return how many of a hundred a probability is; never 0 or 100 for what is not certain."""
    if 0 < share < 0.005:
        return "<1"
    return ">99" if 0.995 <= share < 1 else formats.number(100 * share)


def points(tenths: int) -> str:
    """Return tenths of a percentage point with their sign."""
    return formats.signed(tenths / 10, 1)


def moment(micros: int, zone: str) -> datetime:
    """Return a moment in the zone of the promise."""
    return from_micros(micros).astimezone(ZoneInfo(zone))


def promise_day(promised_by: int, now: int, zone: str) -> str:
    """Return a promise as people wrote it: the end of a day is that day, not the next midnight."""
    at = moment(promised_by, zone)
    if (at.hour, at.minute, at.second) == (0, 0, 0):
        return _day(moment(promised_by - 1, zone), now, zone)
    return f"{_day(at, now, zone)}, {formats.clock(at)}"


def stamp(micros: int, zone: str) -> str:
    """Return a moment in full, with its zone."""
    at = moment(micros, zone)
    name = at.tzname() or ""
    if not name.isalpha():  # zones without an abbreviation are called "-03"
        name = f"UTC{name.replace('-', formats.MINUS)}"
    return f"{formats.whole_date(at)}, {formats.clock(at)} {name}"


def date(micros: int, zone: str) -> str:
    """Return the day of a moment, with its year."""
    return formats.whole_date(moment(micros, zone))


def when(micros: int, now: int, zone: str) -> str:
    """Return a moment as people say it; with its year if that is not this year."""
    at = moment(micros, zone)
    return f"{_day(at, now, zone)}, {formats.clock(at)}"


def deadline(micros: int, zone: str) -> str:
    """Return a last moment; at midnight it is the end of the day that is over then."""
    at = moment(micros, zone)
    if (at.hour, at.minute) == (0, 0):
        return texts.words.end_of(formats.day(moment(micros - 1, zone), year=False))
    return formats.moment(at)


def _day(at: datetime, now: int, zone: str) -> str:
    return formats.day(at, year=moment(now, zone).year != at.year)


def span(micros: int) -> str:
    """Return a length of time in its largest fitting unit: minutes, hours up to 48, then days."""
    size = abs(micros)
    if size < MICROS_PER_HOUR:
        return texts.words.minutes(size // MICROS_PER_MINUTE)
    if size < 48 * MICROS_PER_HOUR:
        return texts.words.hours(size // MICROS_PER_HOUR)
    return texts.words.whole_days(size // MICROS_PER_DAY)


def relative(micros: int, now: int) -> str:
    """Return where a moment lies from now."""
    if micros >= now:
        return texts.words.within(span(micros - now))
    return texts.words.ago(span(now - micros))


def ago(micros: int) -> str:
    """Return how long ago something was, from the moment itself on."""
    return texts.words.JUST_NOW if micros < MICROS_PER_MINUTE else texts.words.ago(span(micros))


def delivery_days(
    promised_by: int, low: float, high: float, now: int, zone: str
) -> tuple[str, str]:
    """Return first and last day of delivery; the past is left out of it."""
    first = max(promised_by - 1 + round(low * MICROS_PER_DAY), now)
    last = max(promised_by - 1 + round(high * MICROS_PER_DAY), now)
    return _day(moment(first, zone), now, zone), _day(moment(last, zone), now, zone)


def causes(shares: Sequence[CauseShare]) -> str:
    """Return the causes that matter with their shares: at most three, of a tenth or more each."""
    told = [each for each in shares if each.share >= 0.1][:3] or list(shares[:1])
    return ", ".join(f"{word(each.cause)}{_NBSP}{percent(each.share)}" for each in told)


def why_first(order: Assessment, own: Priority, policy: Policy, zone: str) -> str:
    """Return why an order comes first, as its priority says it.

    Args:
        order: as assessed.
        own: its priority.
        policy: has what its action does.
        zone: IANA name of the zone in which moments are told.
    """
    action = next((done for name, done in policy.work.actions.items() if name == own.action), None)
    if action is None and own.action is not None:
        return own.why
    loss = formats.money(order.expected_loss, order.currency)
    if action is None or own.decide_by is None:
        return lost_anyway(loss)
    by = deadline(own.decide_by, zone)
    return likely_lost(loss, action.does, formats.number(own.minutes), by)


def unsure(order: Assessment, policy: Policy) -> str:
    """Return why a person should judge an order, in sentences; empty if nobody has to."""
    told = list(order.unsure)
    if told and policy.abstain.too_wide(order.bounds):
        told[0] = anything_from(*map(percent, order.bounds))
    return ". ".join(told)


def stage(name: str) -> str:
    """Return a stage in words."""
    return texts.words.STAGES.get(name, name.replace("_", " ").capitalize())


def word(name: str) -> str:
    """Return a declared name as a word with a capital."""
    return texts.words.NAMES.get(name, name.replace("_", " ").capitalize())
