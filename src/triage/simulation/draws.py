"""Random numbers by name: each part of a world draws from a stream of its own.

Numbers that belong to an order are drawn before anything happens, so two runs of one world that
differ in a single respect see the same luck everywhere else (common random numbers).
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt
from numpy.random import Generator, Philox, SeedSequence

from triage.jit import kernel
from triage.simulation.calendar import Ints

Floats = npt.NDArray[np.float64]


def stream(seed: int, name: str) -> Generator:
    """Return the generator of one named part of a world."""
    return Generator(Philox(SeedSequence([seed, zlib.crc32(name.encode())])))


@kernel
def uniform(seed: int, first: int, second: int) -> float:
    """Return a number in (0, 1) that depends on three integers only (SplitMix64, Steele 2014)."""
    x = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15)
    x ^= np.uint64(first + 1) * np.uint64(0xBF58476D1CE4E5B9)
    x ^= np.uint64(second + 1) * np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return (float(x >> np.uint64(11)) + 0.5) / 9007199254740992.0


@kernel
def uniforms(seed: int, first: Ints, second: Ints) -> Floats:
    """Return `uniform` of each pair of n integers."""
    found = np.empty(len(first))
    for at in range(len(first)):
        found[at] = uniform(seed, first[at], second[at])
    return found
