"""Words and letters of a message as weighted numbers (TF-IDF), the same in training and service.

A message is lowered and its digits become 0, so that order numbers, dates and amounts say their
form and not their value. Words come alone and in pairs, letters in runs of two to five within a
word. Each block is weighted by (1 + log tf) x idf and brought to length 1 (Salton & Buckley 1988).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_FOLDED = str.maketrans("123456789", "0" * 9)
_LONGEST_RUN = 5


def folded(text: str) -> str:
    """Return a message as it is compared."""
    return " ".join(text.translate(_FOLDED).lower().split())


def words(text: str) -> list[str]:
    """Return the words of a folded message, alone and in pairs."""
    alone = text.split(" ") if text else []
    return alone + [f"{a} {b}" for a, b in pairwise(alone)]


def runs(text: str) -> list[str]:
    """Return the runs of letters of a folded message; a blank stands at both ends of a word."""
    found = []
    for word in text.split(" "):
        padded = f" {word} "
        for size in range(2, _LONGEST_RUN + 1):
            found += [padded[at : at + size] for at in range(len(padded) - size + 1)]
    return found


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Which terms are known, and how much each says.

    Attributes:
        terms: sorted.
        idf: (terms,) inverse document frequency.
        column: column of each term.
    """

    terms: tuple[str, ...]
    idf: Floats
    column: dict[str, int]

    @classmethod
    def of(cls, terms: Sequence[str], idf: Floats) -> Self:
        """Return a vocabulary of terms in the sequence of their columns."""
        return cls(tuple(terms), idf, {term: at for at, term in enumerate(terms)})

    @classmethod
    def fit(cls, documents: Iterable[Sequence[str]], least: int, most: int) -> Self:
        """Learn the terms that stand in at least `least` documents; the `most` frequent of them."""
        counts: Counter[str] = Counter()
        total = 0
        for document in documents:
            counts.update(set(document))
            total += 1
        kept = sorted((-n, term) for term, n in counts.items() if n >= least)[:most]
        terms = sorted(term for _, term in kept)
        idf = [math.log((1 + total) / (1 + counts[term])) + 1.0 for term in terms]
        return cls.of(terms, np.array(idf, dtype=np.float32).astype(np.float64))

    def weigh(self, document: Sequence[str]) -> tuple[Ints, Floats]:
        """Return columns (ascending) and weights of a document's known terms."""
        counts = Counter(document)
        known = sorted((self.column[term], n) for term, n in counts.items() if term in self.column)
        if not known:
            return np.empty(0, dtype=np.int64), np.empty(0)
        columns = np.array([at for at, _ in known], dtype=np.int64)
        values = np.array([1.0 + math.log(n) for _, n in known]) * self.idf[columns]
        return columns, values / math.sqrt(math.fsum((values * values).tolist()))
