"""A look-alike of the DataCo supply chain set: lines of orders, US dates, Latin-1, late by lookup.

Lateness depends on the shipping mode and almost on nothing else: First Class is promised in one day
and takes two; Standard and Second Class take two to six days whatever they are promised.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

FILE = "DataCoSupplyChainDataset.csv"
FIRST, DAYS = pd.Timestamp("2015-01-01"), 1127
_MODES = ("Standard Class", "Second Class", "First Class", "Same Day")
_SCHEDULED = np.array([4, 2, 1, 0])
_SHARE = (0.598, 0.195, 0.154, 0.053)
_COUNTRIES = {
    "Central America": ("LATAM", ("México", "Honduras", "El Salvador", "Nicaragua")),
    "South America": ("LATAM", ("Brasil", "Colombia", "Argentina", "Perú")),
    "Western Europe": ("Europe", ("Francia", "Alemania", "Bélgica")),
    "Northern Europe": ("Europe", ("Reino Unido", "Suecia", "Finlandia")),
    "Oceania": ("Pacific Asia", ("Australia", "Nueva Zelanda")),
    "Southeast Asia": ("Pacific Asia", ("Indonesia", "Filipinas", "Vietnam")),
    "West of USA": ("USCA", ("Estados Unidos",)),
    "East of USA": ("USCA", ("Estados Unidos",)),
    "West Africa": ("Africa", ("Nigeria", "Costa de Marfil")),
}
_CATEGORIES = (
    "Cleats", "Men's Footwear", "Women's Apparel", "Indoor/Outdoor Games", "Fishing",
    "Water Sports", "Camping & Hiking", "Cardio Equipment", "Shop By Sport", "Electronics",
)  # fmt: skip


def generate(orders: int = 65_000, seed: int = 1) -> pd.DataFrame:
    """Return the lines, one row each, with the publisher's column names."""
    rng = np.random.default_rng(seed)
    placed = np.sort(rng.uniform(0, DAYS, orders))
    at = (FIRST + pd.to_timedelta(placed * 86_400, unit="s")).floor("min")
    mode = rng.choice(len(_MODES), orders, p=_SHARE)
    real = rng.integers(2, 7, orders)
    real = np.where(mode == 2, np.where(rng.random(orders) < 0.95, 2, 1), real)
    real = np.where(mode == 3, (rng.random(orders) < 0.48).astype(int), real)
    cancelled = rng.random(orders) < 0.043
    scheduled = _SCHEDULED[mode]
    status = np.select(
        [cancelled, real > scheduled, real < scheduled],
        ["Shipping canceled", "Late delivery", "Advance shipping"],
        "Shipping on time",
    )
    region = rng.choice(len(_COUNTRIES), orders)
    places = list(_COUNTRIES.items())
    table = pd.DataFrame(
        {
            "Type": rng.choice(["DEBIT", "TRANSFER", "PAYMENT", "CASH"], orders),
            "Days for shipping (real)": real,
            "Days for shipment (scheduled)": scheduled,
            "Delivery Status": status,
            "Late_delivery_risk": (status == "Late delivery").astype(int),
            "Customer Country": rng.choice(["EE. UU.", "Puerto Rico"], orders),
            "Customer Id": rng.integers(1, 20_000, orders),
            "Customer Segment": rng.choice(
                ["Consumer", "Corporate", "Home Office"], orders, p=[0.52, 0.3, 0.18]
            ),
            "Market": [places[r][1][0] for r in region],
            "Order Country": [
                places[r][1][1][int(u * len(places[r][1][1]))]
                for r, u in zip(region, rng.random(orders), strict=True)
            ],
            "order date (DateOrders)": _us(at),
            "Order Id": np.arange(1, orders + 1),
            "Order Region": [places[r][0] for r in region],
            "Order Status": np.where(
                cancelled, rng.choice(["CANCELED", "SUSPECTED_FRAUD"], orders), "COMPLETE"
            ),
            "shipping date (DateOrders)": _us(at + pd.to_timedelta(real, unit="D")),
            "Shipping Mode": np.array(_MODES)[mode],
        }
    )  # fmt: skip
    lines = table.loc[table.index.repeat(rng.integers(1, 6, orders))].reset_index(drop=True)
    n = len(lines)
    product = rng.integers(0, 118, n)
    lines["Category Name"] = np.array(_CATEGORIES)[product % len(_CATEGORIES)]
    lines["Order Item Id"] = np.arange(1, n + 1)
    lines["Product Card Id"] = 100 + product
    lines["Order Item Quantity"] = rng.integers(1, 6, n)
    lines["Order Item Product Price"] = (10 + 3.3 * product).round(2)
    lines["Order Item Discount"] = (rng.random(n) * 20).round(2)
    return lines.sample(frac=1.0, random_state=seed)


def write(folder: Path, orders: int = 65_000, seed: int = 1) -> Path:
    """Write the file as it is published: comma, Latin-1."""
    folder.mkdir(parents=True, exist_ok=True)
    generate(orders, seed).to_csv(folder / FILE, index=False, encoding="latin-1")
    return folder


def _us(moments: pd.DatetimeIndex) -> list[str]:
    return [f"{m.month}/{m.day}/{m.year} {m.hour}:{m.minute:02d}" for m in moments]
