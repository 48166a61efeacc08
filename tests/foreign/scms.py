"""A look-alike of the SCMS delivery history: health commodities, months of lead time, thin months.

One row a line of a shipment; dates without times in two forms; words where a date, a weight or a
freight should be; about half of the rows ship from a regional distribution centre. Late: about
11 %, by vendor, country, mode and season, with drift; most others are delivered on the very day.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

FILE = "SCMS_Delivery_History_Dataset.csv"
FIRST, DAYS = pd.Timestamp("2006-05-01"), 3400
_COUNTRIES = (
    "South Africa", "Nigeria", "Côte d'Ivoire", "Uganda", "Vietnam", "Zambia", "Haiti",
    "Mozambique", "Zimbabwe", "Tanzania", "Rwanda", "Congo, DRC", "Guyana", "Ethiopia", "Kenya",
)  # fmt: skip
_RDC = "SCMS from RDC"
_VENDORS = (
    "Orgenics, Ltd", "S. BUYS WHOLESALER", "Aurobindo Pharma Limited", "Trinity Biotech, Plc",
    "ABBVIE LOGISTICS (FORMERLY ABBOTT LOGISTICS BV)", "PHARMACY DIRECT", "MYLAN LABORATORIES LTD",
    "HETERO LABS LIMITED", "CIPLA LIMITED", "STRIDES ARCOLAB LIMITED", "Merck Sharp & Dohme",
    "Standard Diagnostics, Inc.", "INVERNESS JAPAN", "Chembio Diagnostics Systems, Inc.",
)  # fmt: skip
_PLANTS = (
    "Mylan (formerly Matrix) Nashik", "Aurobindo Unit III, India", "ABBVIE GmbH & Co.KG Wiesbaden",
    "Inverness Japan",
)  # fmt: skip
_MODES = ("Air", "Truck", "Air Charter", "Ocean", "N/A")
_MODE_SHARE = (0.59, 0.27, 0.065, 0.04, 0.035)
_MODE_RISK = np.array([0.1, -0.2, -0.3, 0.9, -0.4])
_LEAD = np.array([90.0, 80.0, 110.0, 170.0, 75.0])


def generate(rows: int = 10_300, seed: int = 1) -> pd.DataFrame:
    """Return the lines, one row each, with the publisher's column names."""
    rng = np.random.default_rng(seed)
    at = np.sort(rng.beta(2.0, 1.6, rows)) * DAYS
    ordered = FIRST + pd.to_timedelta(np.floor(at), unit="D")
    from_rdc = rng.random(rows) < np.interp(at, [0, DAYS], [0.2, 0.75])
    vendor = rng.zipf(1.5, rows * 3)
    vendor = vendor[vendor <= len(_VENDORS)][:rows] - 1
    country = np.minimum(rng.geometric(0.16, rows), len(_COUNTRIES)) - 1
    mode = rng.choice(len(_MODES), rows, p=_MODE_SHARE)
    lead = _LEAD[mode] * rng.lognormal(0.0, 0.45, rows)
    promised = ordered + pd.to_timedelta(np.ceil(lead), unit="D")
    base = rng.normal(0, 0.8, (len(_VENDORS) + 1, 11)).cumsum(axis=1) * 0.35
    by_vendor = rng.normal(0, 0.9, len(_VENDORS) + 1)[:, None] + base
    by_country = rng.normal(0, 0.8, len(_COUNTRIES))
    source = np.where(from_rdc, len(_VENDORS), vendor)
    year = (at // 365).astype(int)
    season = 0.5 * np.cos(2 * np.pi * (promised.day_of_year.to_numpy() - 10) / 365)
    score = by_vendor[source, year] + by_country[country] + _MODE_RISK[mode] + season
    score = score + 0.6 * (np.log(60) - np.log(lead))
    late = rng.random(rows) < _share(score, 0.115)
    early = ~late & (rng.random(rows) < 0.3)
    shift = np.where(late, np.ceil(rng.lognormal(2.3, 1.0, rows)), 0)
    shift = np.where(early, -np.minimum(np.ceil(rng.lognormal(2.0, 1.0, rows)), lead - 1), shift)
    delivered = promised + pd.to_timedelta(np.floor(shift), unit="D")
    recorded = delivered + pd.to_timedelta(
        np.where(rng.random(rows) < 0.55, 0, rng.geometric(0.15, rows)), unit="D"
    )
    po = np.where(from_rdc, "N/A - From RDC", _us(ordered + pd.Timedelta(days=5)))
    po = np.where(~from_rdc & (rng.random(rows) < 0.06), "Date Not Captured", po)
    pq = np.array(_us(ordered), dtype=object)
    pq[rng.random(rows) < 0.24] = "Pre-PQ Process"
    pq[rng.random(rows) < 0.02] = "Date Not Captured"
    weight = rng.lognormal(5.5, 1.8, rows).round().astype(int)
    words = rng.random(rows)
    ids = np.arange(1, rows + 1)
    return pd.DataFrame(
        {
            "ID": ids,
            "Project Code": [f"{100 + c}-{_COUNTRIES[c][:2].upper()}-T01" for c in country],
            "Country": np.array(_COUNTRIES)[country],
            "Managed By": "PMO - US",
            "Fulfill Via": np.where(from_rdc, "From RDC", "Direct Drop"),
            "Vendor INCO Term": np.where(
                from_rdc, "N/A - From RDC", rng.choice(["EXW", "DDP", "FCA", "CIP"], rows)
            ),
            "Shipment Mode": np.array(_MODES)[mode],
            "PQ First Sent to Client Date": pq,
            "PO Sent to Vendor Date": po,
            "Scheduled Delivery Date": _words(promised),
            "Delivered to Client Date": _words(delivered),
            "Delivery Recorded Date": _words(recorded),
            "Product Group": rng.choice(
                ["ARV", "HRDT", "ANTM", "ACT"], rows, p=[0.82, 0.16, 0.01, 0.01]
            ),
            "Sub Classification": rng.choice(["Adult", "Pediatric", "HIV test"], rows),
            "Vendor": np.where(from_rdc, _RDC, np.array(_VENDORS)[vendor]),
            "Item Description": [f"Item {i}, 60 Tabs" for i in rng.integers(0, 184, rows)],
            "Line Item Quantity": rng.lognormal(7.5, 1.5, rows).round().astype(int) + 1,
            "Line Item Value": rng.lognormal(10, 2, rows).round(2),
            "Unit Price": rng.lognormal(-1.5, 1, rows).round(2),
            "Manufacturing Site": np.array(_PLANTS)[vendor % 4],
            "Weight (Kilograms)": np.select(
                [words < 0.15, words < 0.38],
                ["Weight Captured Separately", "See ASN-93 (ID#:1281)"],
                weight.astype(str),
            ),
            "Freight Cost (USD)": np.select(
                [words > 0.86, words > 0.62],
                ["Freight Included in Commodity Cost", "See DN-304 (ID#:10589)"],
                (weight * 3.1).round(2).astype(str),
            ),
            "Line Item Insurance (USD)": rng.lognormal(3, 1, rows).round(2),
        }
    )  # fmt: skip


def write(folder: Path, rows: int = 10_300, seed: int = 1) -> Path:
    """Write the file as it is published: comma, Latin-1."""
    folder.mkdir(parents=True, exist_ok=True)
    generate(rows, seed).to_csv(folder / FILE, index=False, encoding="latin-1")
    return folder


def _share(score: np.ndarray, wanted: float) -> np.ndarray:
    """Return probabilities by a logistic curve that is shifted until their mean is `wanted`."""
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        if (1 / (1 + np.exp(-(score + middle)))).mean() > wanted:
            high = middle
        else:
            low = middle
    return 1 / (1 + np.exp(-(score + low)))


def _us(days: pd.DatetimeIndex) -> list[str]:
    return [f"{d.month}/{d.day}/{d:%y}" for d in days]


def _words(days: pd.DatetimeIndex) -> list[str]:
    return [f"{d.day}-{d:%b-%y}" for d in days]
