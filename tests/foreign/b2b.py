"""A wholesaler's order book: German dates and decimal commas, promise at a moment, real structure.

Three sites with a queue each, carriers that differ by lane and drift; an order is late when its
queue and its carrier together take longer than the promise that was read from a table.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

ORDERS, LINES = "auftraege.csv", "positionen.csv"
FIRST, DAYS = pd.Timestamp("2023-01-02"), 545
_SITES, _CARRIERS, _ZONES = ("W01", "W02", "W07"), ("DSV", "RHE", "GLS", "EIL"), 12
_SHARE = (0.42, 0.33, 0.25)
_SLACK = 1.17
"""What a site can do in a day against what it is asked for on average."""


def generate(orders: int = 30_000, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return orders and lines as the system exports them."""
    rng = np.random.default_rng(seed)
    at = _arrivals(rng, orders)
    site = rng.choice(3, orders, p=_SHARE)
    customer = np.minimum(rng.zipf(1.4, orders), 900)
    zone = (customer * 7 + rng.integers(0, 2, orders)) % _ZONES
    carrier = np.where(rng.random(orders) < 0.75, zone % 4, rng.integers(0, 4, orders))
    express = rng.random(orders) < 0.15
    lines = 1 + rng.geometric(0.35, orders)
    confirmed = (
        at
        + rng.exponential(0.06, orders)
        + (rng.random(orders) < 0.08) * rng.exponential(0.8, orders)
    )
    shipped = _queue(rng, confirmed, site, lines, express, orders)
    week = (shipped // 14).astype(int)
    base = rng.normal(0.0, 0.22, (4, _ZONES))
    drift = np.clip(rng.normal(0, 0.13, (4, 60)).cumsum(axis=1), -0.4, 0.6)
    transit = (0.7 + 0.12 * zone) * np.exp(
        base[carrier, zone] + drift[carrier, week % 60] + rng.normal(0, 0.22, orders)
    )
    transit = np.where(express, transit * 0.6, transit)
    arrived = _working_hours(shipped + transit)
    promised = _working_hours(np.floor(at + 3.0 + 0.16 * zone - 0.9 * express) + 16.0 / 24)
    promised = np.maximum(promised, np.floor(at) + 1 + 16.0 / 24)
    ends = DAYS - 1.0
    region = [f"{(z * 8 + 1) % 100:02d}" for z in zone]
    number = np.arange(500_001, 500_001 + orders)
    cancelled = rng.random(orders) < 0.02
    book = pd.DataFrame(
        {
            "Auftragsnr": number,
            "Angelegt": _german(at),
            "Bestaetigt": _iso(confirmed, ends),
            "Versendet": np.where(cancelled, "", _german(shipped, ends)),
            "Zugestellt": np.where(cancelled, "", _iso(arrived, ends)),
            "Zugesagt": _german(promised),
            "Storniert": np.where(cancelled, _german(confirmed + 0.2, ends), ""),
            "Kunde": [f"D{c:05d}" for c in customer],
            "Kundengruppe": np.array(["A", "B", "C"])[customer % 3],
            "Kanal": rng.choice(["EDI", "Shop", "Telefon"], orders, p=[0.6, 0.3, 0.1]),
            "Empf_PLZ": [r + f"{c % 1000:03d}" for r, c in zip(region, customer, strict=True)],
            "Empf_Land": np.where(zone < 10, "DE", "AT"),
            "Spediteur": np.array(_CARRIERS)[carrier],
            "Versandart": np.where(express, "Express", "Standard"),
            "Lager": np.array(_SITES)[site],
            "Zahlungsart": rng.choice(["Rechnung", "Vorkasse"], orders, p=[0.9, 0.1]),
        }
    )  # fmt: skip
    row = np.repeat(np.arange(orders), lines)
    n = len(row)
    positions = pd.DataFrame(
        {
            "Auftragsnr": number[row],
            "Pos": np.arange(n) - np.repeat(np.cumsum(lines) - lines, lines) + 1,
            "Artikel": [f"ART-{a}" for a in rng.integers(1, 800, n)],
            "Menge": _comma(rng.integers(1, 40, n).astype(float)),
            "Preis": _comma(rng.lognormal(2.5, 1, n).round(2)),
            "Gewicht_kg": _comma(rng.lognormal(0.5, 1, n).round(3)),
            "Warengruppe": rng.choice(["Sanitär", "Heizung", "Elektro", "Werkzeug"], n),
            "Lager": np.array(_SITES)[site[row]],
        }
    )
    return book, positions


def write(folder: Path, orders: int = 30_000, seed: int = 1) -> Path:
    """Write both files as the system exports them: semicolons, UTF-8 with a byte order mark."""
    folder.mkdir(parents=True, exist_ok=True)
    book, positions = generate(orders, seed)
    for table, file in ((book, ORDERS), (positions, LINES)):
        table.to_csv(folder / file, index=False, sep=";", encoding="utf-8-sig")
    return folder


def _arrivals(rng: np.random.Generator, orders: int) -> np.ndarray:
    """Return when orders come in, in days: working hours, busier on Mondays and in waves."""
    day = np.arange(DAYS - 2)
    load = np.where(day % 7 == 0, 1.25, 1.0) * (day % 7 < 5)
    load = load * (1 + 0.12 * np.sin(day / 29.0) + np.clip(rng.normal(0, 0.2, len(day)), -0.4, 0.6))
    chosen = rng.choice(day, orders, p=load / load.sum())
    return np.sort(chosen + rng.uniform(7, 17, orders) / 24)


def _queue(
    rng: np.random.Generator, ready: np.ndarray, site: np.ndarray, lines: np.ndarray,
    express: np.ndarray, orders: int,
) -> np.ndarray:  # fmt: skip
    """Return when each order leaves its site: one server a site, working days of ten hours."""
    left = np.empty(orders)
    per_day = orders / (DAYS * 5 / 7)
    for at in range(3):
        work = (0.55 + 0.15 * lines) * rng.lognormal(0, 0.3, orders)
        work = work / (work.mean() * per_day * _SHARE[at] * _SLACK)
        free = 0.0
        for row in np.flatnonzero(site == at)[np.argsort(ready[site == at], kind="stable")]:
            start = max(free, _office(ready[row]))
            free = start + work[row]
            left[row] = start + work[row] + (0.05 if express[row] else 0.25)
    return _calendar(left)


def _office(moment: float) -> float:
    """Return a moment in days as working days since the first Monday."""
    whole, part = divmod(moment, 1.0)
    week, weekday = divmod(whole, 7)
    if weekday >= 5:
        return week * 5 + 5.0
    return week * 5 + weekday + min(max((part - 7 / 24) / (10 / 24), 0.0), 0.999)


def _calendar(office: np.ndarray) -> np.ndarray:
    """Return working days since the first Monday as a moment in days."""
    week, day = np.divmod(office, 5.0)
    return week * 7 + np.floor(day) + 7 / 24 + (day % 1.0) * 10 / 24


def _working_hours(moment: np.ndarray) -> np.ndarray:
    """Move weekends to Monday at the same hour, nights to the next morning."""
    weekday = np.floor(moment) % 7
    moved = moment + np.where(weekday >= 5, 7 - weekday, 0.0)
    hour = moved % 1.0
    return np.where(hour < 7 / 24, np.floor(moved) + 7 / 24 + hour / 10, moved)


def _moments(days: np.ndarray) -> pd.DatetimeIndex:
    return (FIRST + pd.to_timedelta(days * 86_400, unit="s")).floor("s")


def _german(days: np.ndarray, ends: float = np.inf) -> np.ndarray:
    return np.where(days < ends, _moments(days).strftime("%d.%m.%Y %H:%M"), "")


def _iso(days: np.ndarray, ends: float = np.inf) -> np.ndarray:
    return np.where(days < ends, _moments(days).strftime("%Y-%m-%dT%H:%M:%S"), "")


def _comma(values: np.ndarray) -> list[str]:
    return [str(value).replace(".", ",") for value in values]
