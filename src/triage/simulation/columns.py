"""Columns of an extract: numbers and minutes as a company's systems would write them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from triage.simulation.calendar import NEVER, START

Whole = npt.NDArray[np.integer]
Array = Any
"""An arrow array (pyarrow carries no types)."""


def moments(minute: Whole) -> Array:
    """Return minutes as naive local timestamps; null where NEVER."""
    known = minute < NEVER
    times = START.astype("datetime64[m]") + np.where(known, minute, 0).astype("timedelta64[m]")
    return pa.array(times.astype("datetime64[s]"), mask=~known)


def moments_if_other(minute: Whole, than: Whole) -> Array:
    """Return minutes as timestamps; null where they equal another column ("at once")."""
    return moments(np.where(minute == than, NEVER, minute))


def dates(day: Whole) -> Array:
    """Return day numbers as dates."""
    return pa.array(START + day.astype("timedelta64[D]"))


def names(number: Whole, of: tuple[str, ...] | list[str]) -> Array:
    """Return names by number; null where the number is negative.

    A name that several numbers share stands once in the dictionary: Parquet would write it in one
    of several ways.
    """
    words = {word: at for at, word in enumerate(dict.fromkeys(of))}
    place = np.array([words[word] for word in of], dtype=np.int32)
    gone = number < 0
    codes = pa.array(place[np.where(gone, 0, number)], mask=gone)
    return pa.DictionaryArray.from_arrays(codes, pa.array(list(words), pa.string()))


def numbered(prefix: str, number: Whole) -> Array:
    """Return document numbers: a prefix and the number; null where it is negative."""
    digits = pc.cast(pa.array(number, mask=number < 0), pa.string())
    return pc.binary_join_element_wise(pa.scalar(prefix), digits, "")


def order_no(order: Whole) -> Array:
    """Return the numbers by which the ERP knows orders; null where negative."""
    return numbered("SO", np.where(order < 0, -1, order + 400_001))


def table(**columns: Any) -> pa.Table:  # noqa: ANN401 - arrays of arrow or of numpy
    """Return a table of arrow or numpy columns; NaN becomes null."""
    return pa.table(
        {
            name: pa.array(column, from_pandas=True) if isinstance(column, np.ndarray) else column
            for name, column in columns.items()
        }
    )
