"""Write the small seeded sample: gzipped CSV files as an ERP would export them."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from triage.simulation.distributor import DAY, DAYS, SITES, START
from triage.simulation.lifecycle import Distributor

END = DAYS * DAY
"""The extract is taken at this minute; whatever is recorded later is not in it."""
Row = Iterable[object]


def write_sample(folder: Path, *, seed: int = 7, orders: int = 12_000) -> None:
    """Write a small distributor's ten months as gzipped CSV files; a seed always gives the same.

    Times are naive local clock times (America/Chicago); a blank `recorded_at` says that the system
    knew at once. Rows recorded after the last day (2026-03-02 00:00) are left out, as they would be
    from a real extract.

    Args:
        folder: where the files go; created if it is absent, files of the same names are replaced.
        seed: of the random numbers.
        orders: number of orders that are drawn; capacity and stock scale with it.
    """
    business = Distributor(seed, orders)
    business.run()
    folder.mkdir(parents=True, exist_ok=True)
    tables = _tables(business)
    sums = [_write(folder / f"{name}.csv.gz", *tables[name]) for name in sorted(tables)]
    (folder / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")


def _tables(business: Distributor) -> dict[str, tuple[str, list[Row]]]:
    known = [s for s in business.sales if s.entered < END]
    return {
        "orders": (
            "order_no,cust_no,order_ts,recorded_at,promise_dt,ship_by_dt,order_channel,carrier,service_level",
            [
                (
                    *(_number(s.number), s.customer.number, _minute(s.created)),
                    *(_recorded(s.created, s.entered), _date(s.promised), _date(s.ship_by)),
                    *(s.channel, s.carrier, s.service),
                )
                for s in known
            ],
        ),
        "order_lines": (
            "order_no,line_no,item_no,qty,unit_price,ship_from",
            [
                (_number(s.number), n, business.items[i].number, quantity, f"{price:.2f}", s.site)
                for s in known
                for n, (i, quantity, price) in enumerate(s.lines, start=1)
            ],
        ),
        "milestones": (
            "order_no,event_code,event_ts,recorded_at",
            [
                (_number(s.number), code, _minute(time), _recorded(time, s.recorded[code]))
                for s in known
                for code, time in s.times.items()
                if max(time, s.recorded[code]) < END
            ],
        ),
        "inventory": (
            "item_no,whse,counted_at,recorded_at,on_hand_qty,allocated_qty",
            [
                (business.items[i].number, site, _minute(time), _minute(heard), on_hand, allocated)
                for i, site, time, heard, on_hand, allocated in business.counts
                if heard < END
            ],
        ),
        "customers": (
            "cust_no,cust_name,cust_class,ship_to_state,ship_to_zip3,ship_to_lat,ship_to_lon",
            [(c.number, c.name, c.tier, *c.town) for c in business.customers],
        ),
        "items": (
            "item_no,item_group,list_price,unit_kg,unit_litres",
            [(i.number, i.category, *i[2:5]) for i in business.items],
        ),
        "extract": ("taken_at", [(_minute(END),)]),
        "sites": ("whse,state,zip3,lat,lon", [(code, *place) for code, place in SITES.items()]),
    }


def _write(path: Path, header: str, rows: list[Row]) -> str:
    """Write one file and return its line of SHA256SUMS."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header.split(","))
    writer.writerows(rows)
    packed = gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0)
    path.write_bytes(packed)
    return f"{hashlib.sha256(packed).hexdigest()}  {path.name}\n"


def _number(order: int) -> str:
    return f"SO{400_001 + order}"


def _minute(time: int) -> str:
    return str(START.astype("datetime64[m]") + np.timedelta64(time, "m")).replace("T", " ")


def _recorded(time: int, recorded: int) -> str:
    return "" if recorded == time else _minute(recorded)


def _date(day: int) -> str:
    return str(START + np.timedelta64(day, "D"))
