"""Numbers, money, dates and times as a locale writes them (Unicode CLDR, by Babel).

The module is a way to write figures in sentences, too (`advice.wording.Figures`).

Texts are English wherever the reader is; how figures in them are written is a setting. It belongs
to the request: a page says once in which locale it is made, and everything it shows follows.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from datetime import date, datetime, time
from functools import lru_cache
from typing import Final
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton, format_time
from babel.numbers import (
    format_compact_currency,
    format_currency,
    format_decimal,
    format_percent,
    get_currency_precision,
)

from triage.errors import SettingsError

_USUAL: Final = Locale("en", "GB")
MINUS: Final = "\u2212"
_MILLION: Final = 999_500
_KEPT: Final = 8_192
_CODE_BESIDE_DIGIT: Final = re.compile(r"(?<=[A-Za-z])(?=\d)")
"""Where CLDR wants a space (currencySpacing) that Babel leaves out: CHF 5,000."""
_LOCALE: ContextVar[Locale] = ContextVar("locale")


def locale_of(tag: str) -> Locale:
    """Return a locale by its tag, such as `en-GB`, `de-DE`, or `en-DE`: English, German figures.

    Raises:
        SettingsError: if there is no such locale.
    """
    try:
        return Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError) as error:
        raise SettingsError(
            f"{tag!r} is no locale: set TRIAGE_LOCALE to a language and a country, as in en-GB"
        ) from error


def known_zone(name: str | None) -> str | None:
    """Return the name of a time zone, if it is one; None stays None.

    Raises:
        SettingsError: if there is no such zone.
    """
    if name is None or name in available_timezones():
        return name
    raise SettingsError(
        f"{name!r} is no time zone: set TRIAGE_TIME_ZONE to one of IANA's, as in Europe/Berlin"
    )


def use(locale: Locale) -> None:
    """Write figures as a locale does, for the rest of this request."""
    _LOCALE.set(locale)


def _here() -> Locale:
    return _LOCALE.get(_USUAL)


def number(value: float, digits: int = 0) -> str:
    """Return a number with so many decimals, its thousands grouped."""
    return _signed(value, _number(abs(value), digits, _here()))


def signed(value: float, digits: int) -> str:
    """Return a change with its sign, also where it is a rise; nothing before what rounds to 0."""
    told = number(value, digits)
    return f"+{told}" if round(value, digits) > 0 else told


def percent(share: float, digits: int = 0) -> str:
    """Return a share in percent."""
    return _percent(share, digits, _here())


def money(amount: float, currency: str) -> str:
    """Return an amount with its currency: cents below 100, millions from a million on."""
    return _signed(amount, _money(abs(amount), currency, _here()))


def day(at: datetime, *, year: bool) -> str:
    """Return weekday, day and month, perhaps with the year."""
    return _date(at.date(), "yMMMEd" if year else "MMMEd", _here())


def whole_date(at: datetime) -> str:
    """Return day, month and year."""
    return _date(at.date(), "yMMMd", _here())


def clock(at: datetime) -> str:
    """Return the time of day."""
    return _time(at.time().replace(second=0, microsecond=0), _here())


def count(value: float) -> str:
    """Return a whole number of things."""
    return number(value)


def change(share: float) -> str:
    """Return a change in whole percent, with its sign."""
    return f"{'+' if share > 0 else MINUS if share < 0 else ''}{percent(abs(share))}"


def amount(value: float, currency: str) -> str:
    """Return an amount of money with its currency."""
    return money(value, currency)


def weekday(number: int) -> str:
    """Return a day of the week by its number, 0 for Monday."""
    return str(_here().days["stand-alone"]["wide"][number])


def hour(hour: int, minute: int, digits: int = 1) -> str:  # noqa: ARG001
    """Return a time of day; how many digits its hour has is the locale's to say."""
    return _time(time(hour, minute % 60), _here())


def moment(at: datetime) -> str:
    """Return a moment of these weeks, to the minute."""
    return f"{day(at, year=False)}, {clock(at)}"


def _signed(value: float, size: str) -> str:
    shows = any(digit in size for digit in "123456789")
    return f"{MINUS}{size}" if value < 0 and shows else size


@lru_cache(_KEPT)
def _number(size: float, digits: int, locale: Locale) -> str:
    whole = locale.decimal_formats[None].pattern.partition(".")[0]
    exact = f"{whole}.{'0' * digits}" if digits else whole
    return format_decimal(size, format=exact, locale=locale)


@lru_cache(_KEPT)
def _percent(share: float, digits: int, locale: Locale) -> str:
    pattern = locale.percent_formats[None].pattern
    if digits:
        pattern = pattern.replace("0", f"0.{'0' * digits}")
    return format_percent(share, format=pattern, locale=locale)


@lru_cache(_KEPT)
def _money(size: float, currency: str, locale: Locale) -> str:
    if size >= _MILLION:
        return format_compact_currency(max(size, 1e6), currency, locale=locale, fraction_digits=2)
    digits = get_currency_precision(currency) if 0 < size < 100 else 0
    pattern = locale.currency_formats["standard"].pattern
    pattern = pattern.replace("0.00", f"0.{'0' * digits}" if digits else "0")
    told = format_currency(
        round(size, digits), currency, pattern, locale=locale, currency_digits=False
    )
    return _CODE_BESIDE_DIGIT.sub("\u00a0", told)


@lru_cache(_KEPT)
def _date(at: date, skeleton: str, locale: Locale) -> str:
    return format_skeleton(skeleton, at, locale=locale)


@lru_cache(_KEPT)
def _time(at: time, locale: Locale) -> str:
    return format_time(at, "short", locale=locale)
