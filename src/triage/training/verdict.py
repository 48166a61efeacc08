"""What one gate found, and what all of them together allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from triage.errors import GateError

STABILITY = "stability"


class Bound(StrEnum):
    """How a figure is held against its bound."""

    ABOVE = "above"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"


class Standing(StrEnum):
    """What the gates of a version allow; UNSTABLE needs a person who accepts it."""

    PASSED = "passed"
    UNSTABLE = "unstable"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate, judged.

    Attributes:
        name: the gate.
        landmark: where it was judged; None for the whole run.
        passed: whether the model may pass.
        measured: the figure; None if there was nothing to measure.
        required: the bound it was held against, with the allowance.
        words: what was found and, if it failed, what to do next.
        bound: how the two are compared; None where the figure alone does not decide.
    """

    name: str
    landmark: str | None
    passed: bool
    measured: float | None
    required: float | None
    words: str
    bound: Bound | None = None


def standing(results: Sequence[GateResult]) -> Standing:
    """Return what the gates allow: a model that only reshuffles the list can be accepted."""
    failed = {gate.name for gate in results if not gate.passed}
    if not failed:
        return Standing.PASSED
    return Standing.UNSTABLE if failed == {STABILITY} else Standing.FAILED


def refusal(results: Sequence[GateResult]) -> str:
    """Return why a model was refused: one line a gate that failed; empty if all passed."""
    return "\n".join(
        f"{gate.name}{f' at {gate.landmark}' if gate.landmark else ''}: {gate.words}"
        for gate in results
        if not gate.passed
    )


def require(results: Sequence[GateResult], *, accept_unstable: bool = False) -> None:
    """Refuse unless every gate passed.

    Args:
        results: the gates.
        accept_unstable: a person accepts that the list is reshuffled; excuses no other gate.

    Raises:
        GateError: naming each gate that failed, its figures and what to do next.
    """
    if not results:
        raise GateError("no gate was checked: run `triage train at_risk`, which checks them")
    found = standing(results)
    if found is Standing.PASSED or (found is Standing.UNSTABLE and accept_unstable):
        return
    count = sum(not gate.passed for gate in results)
    raise GateError(
        f"{count} of {len(results)} gates failed; the champion stays.\n{refusal(results)}"
    )
