"""Days on which nobody works: the public holidays of a country, less those that are worked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from functools import cache

import holidays

from triage.errors import DeclarationError

FIRST_YEAR, LAST_YEAR = 2000, 2060


def free_days(country: str, worked: Collection[str] = ()) -> list[date]:
    """Return the public holidays of an ISO 3166 country on which nobody works, 2000 to 2060.

    Args:
        country: the country.
        worked: English names of holidays that count as any other day; one that is moved to a
            working day ("observed") goes with its holiday, and a day with two needs both.

    Raises:
        DeclarationError: if the country or a holiday is not known.
    """
    named = _named(country)
    names = sorted({name for each in named.values() for name in each})
    unknown = [name for name in worked if name not in names]
    if unknown:
        raise DeclarationError(
            f"{unknown[0]!r} is no public holiday of {country}; there is: {', '.join(names)}"
        )
    return [day for day, each in named.items() if not each <= set(worked)]


@cache
def _named(country: str) -> dict[date, frozenset[str]]:
    years = range(FIRST_YEAR, LAST_YEAR + 1)
    try:
        found = holidays.country_holidays(country, years=years, language="en_US")
    except NotImplementedError as error:
        raise DeclarationError(f"no holidays are known for country {country!r}") from error
    return {
        day: frozenset(name.partition(" (")[0] for name in names.split("; "))
        for day, names in found.items()
    }
