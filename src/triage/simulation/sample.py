"""One command's work: draw a world, let it run, find out the truth, write the files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from triage.errors import SimulationError
from triage.simulation import demand, distributor, shocks
from triage.simulation.alternatives import alternatives
from triage.simulation.demand import Orders
from triage.simulation.dialects import messages
from triage.simulation.exceptions import occurrences
from triage.simulation.extract import extract_tables
from triage.simulation.operations import Operations
from triage.simulation.result import Result
from triage.simulation.shocks import Shocks
from triage.simulation.truth import blame
from triage.simulation.truth_tables import alternatives_table, causes_table, truth_tables
from triage.simulation.world import World
from triage.simulation.write import Format, all_or_nothing, release, remove, write, write_sums

Progress = Callable[[str], None]
DAYS = 420
SAMPLE_ORDERS, SAMPLE_SEED = 20_000, 7
LEAST_ORDERS, MOST_ORDERS = 50, 10_000_000
LEAST_DAYS, MOST_DAYS = 28, 3_650
TRUTH = "truth"
"""Subfolder for what nobody in the company knows; an import does not read it."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """A world after its days have passed, with every cause and nobody advised."""

    world: World
    shocks: Shocks
    orders: Orders
    run: Result


def simulate(seed: int, orders: int, days: int = DAYS) -> Simulated:
    """Draw a world and let its days pass.

    Args:
        seed: another one gives another distributor, other customers and other bad weeks.
        orders: how many are placed; capacity and stock go with it.
        days: how long it lasts, from 2025-01-06.

    Raises:
        SimulationError: if no distributor can be made of so many orders or days, or of the seed.
    """
    _check(seed, orders, days)
    place = distributor.build(seed, days)
    weeks = shocks.draw(place)
    placed = demand.draw(place, weeks, orders)
    return Simulated(place, weeks, placed, Operations(place, weeks, placed, watch=True).run())


def _check(seed: int, orders: int, days: int) -> None:
    if not LEAST_ORDERS <= orders <= MOST_ORDERS:
        raise SimulationError(f"at least {LEAST_ORDERS} orders are needed, at most {MOST_ORDERS:,}")
    if not LEAST_DAYS <= days <= MOST_DAYS:
        raise SimulationError(f"at least {LEAST_DAYS} days are needed, at most {MOST_DAYS:,}")
    if not 0 <= seed < 2**63:
        raise SimulationError("a seed is a whole number from 0 to 2**63 - 1")


def write_simulation(
    folder: Path, *, seed: int, orders: int, days: int = DAYS, form: Format = "parquet",
    truth: bool = True, processes: int = 1, progress: Progress = lambda _: None,
) -> Simulated:  # fmt: skip
    """Simulate and write the extract into a folder, the truth into its subfolder `truth`.

    The same arguments give the same files, whatever the number of processes. If it fails or is
    interrupted, the folder's files are as they were.

    Args:
        folder: where the files go; tables of an earlier simulation in it are replaced.
        seed: another one gives another distributor.
        orders: how many are placed.
        days: how long it lasts.
        form: `parquet`, or `csv` (gzipped).
        truth: whether causes and alternatives are worked out (32 further runs of the world).
        processes: how many runs go side by side.
        progress: told what is being done.

    Raises:
        SimulationError: if the arguments make no distributor, or the folder cannot be written to.
    """
    _check(seed, orders, days)
    try:
        with all_or_nothing(folder, TRUTH) as place:
            done = _write(place, seed, orders, days, form, truth, processes, progress)
        if not truth:
            remove(folder / TRUTH, "alternatives", "causes")
    except OSError as error:
        raise SimulationError(f"{folder} cannot be written to: {error}") from error
    return done


def _write(
    folder: Path, seed: int, orders: int, days: int, form: Format, truth: bool, processes: int,
    progress: Progress,
) -> Simulated:  # fmt: skip
    progress(f"drawing {orders:,} orders and letting {days} days pass")
    done = simulate(seed, orders, days)
    place, placed, run = done.world, done.orders, done.run
    progress("exceptions and their messages")
    found = occurrences(place, done.shocks, placed, run)
    said = messages(place, placed, run, found)
    for name, table in extract_tables(place, placed, run, found, said):
        progress(f"writing {name}")
        write(folder, name, table, form)
    del said, table
    release()
    for name, table in truth_tables(place, done.shocks, placed, run, found):
        write(folder / TRUTH, name, table, form)
    if truth:
        progress("alternatives of every order")
        ways = alternatives(place, done.shocks, placed, run)
        write(folder / TRUTH, "alternatives", alternatives_table(place, placed, ways), form)
        del ways, table
        release()
        causes = blame(place, done.shocks, placed, run, processes=processes, progress=progress)
        write(folder / TRUTH, "causes", causes_table(causes), form)
    write_sums(folder, progress)
    write_sums(folder / TRUTH, progress)
    return done


def write_sample(folder: Path, *, progress: Progress = lambda _: None) -> Simulated:
    """Write the sample that `make demo` shows and git carries."""
    return write_simulation(
        folder, seed=SAMPLE_SEED, orders=SAMPLE_ORDERS, form="csv", progress=progress
    )
