"""Time as integers: microseconds since 1970-01-01 UTC, so that comparisons and sums are exact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

MICROS_PER_SECOND = 1_000_000
MICROS_PER_MINUTE = 60 * MICROS_PER_SECOND
MICROS_PER_HOUR = 60 * MICROS_PER_MINUTE
MICROS_PER_DAY = 24 * MICROS_PER_HOUR
UNKNOWN_TIME = -(2**63)
"""Stands for a moment that is not known (the smallest int64)."""
NEVER = 2**62
"""Stands for a moment after every other one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(moment: datetime) -> int:
    """Return an aware datetime as UTC microseconds.

    Raises:
        ValueError: if the datetime is naive.
    """
    if moment.tzinfo is None:
        raise ValueError("time without a zone: give an offset, e.g. 2018-03-01T00:00:00-03:00")
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * MICROS_PER_SECOND + since.microseconds


def from_micros(micros: int) -> datetime:
    """Return UTC microseconds as an aware datetime in UTC."""
    return _EPOCH + timedelta(microseconds=int(micros))
