"""Services in bad days: one still ranks its list, one fails, one has no model, one asks who asks.

Two are degraded: a rule stands in for the model; the model does not know what to say of an order.
One has had no news of stock for four days, one has many orders that wait for the same thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from fastapi import FastAPI
from tests import fakes
from tests.e2e.moving import MovingAdvisor
from tests.e2e.running import served

from triage.ledger.errors import StoreUnavailableError
from triage.models.at_risk import NAME
from triage.models.champion import RULE, card_file, point_to
from triage.serving.access.guard import Guard
from triage.serving.advisor import Advisor, NotReadyError, Worklist
from triage.serving.app import create_app
from triage.settings import Settings


class _StillRanking(fakes.FakeAdvisor):
    def worklist(self) -> Worklist:
        return Worklist(fakes.NOW, (), ranked=False)


class _Failing(fakes.FakeAdvisor):
    def now(self) -> int:
        raise StoreUnavailableError("the disk is gone, as far as this picture goes")


class _StandingIn(fakes.FakeAdvisor):
    """A rule answers, as no model can."""

    info = replace(fakes.INFO, version=RULE)


class _Doubtful(fakes.FakeAdvisor):
    """The first order of its list needs a person, and the model lacked something."""

    def __init__(self) -> None:
        first, *more = fakes.worklist().items
        order = replace(
            first.assessment, unsure=("Unlike past orders in: weight",),
            missing=("inventory_position",), unknown=("carrier",),
        )  # fmt: skip
        super().__init__(Worklist(fakes.NOW, (replace(first, assessment=order), *more)))


def _nobody() -> Advisor:
    raise NotReadyError(["a promoted model"], "triage train at_risk")


def _stale(folder: Path) -> FastAPI:
    folder.mkdir(parents=True)
    return fakes.app(folder=folder, feeds=fakes.QuietStock())


CARD = """# Model card: at_risk

## What it predicts

`p_late`, 0 to 1: chance that an open order is delivered after its promise.

## How good it is

Out of time: months 2018-06, 2018-07, each predicted by a model fitted on what was known before it.

| predictor | ROC AUC | ROC AUC in month | PR AUC | log loss | Brier | ECE | recall @10% |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| model | .835 | .835 | .554 | .285 | .082 | .022 | .467 |
| constant | .529 | .500 | .140 | .395 | .116 | .028 | .112 |

## Known limits

- It has learnt association, not cause: what goes with lateness need not make orders late.
"""


def carded(folder: Path) -> FastAPI:
    """Return a service whose champion has a card.

    Args:
        folder: its home, made here.
    """
    folder.mkdir(parents=True)
    point_to(folder, NAME, {"digest": fakes.INFO.digest, "version": fakes.INFO.version})
    card_file(folder, NAME, fakes.INFO.digest).write_text(CARD, encoding="utf-8")
    return fakes.app(Settings(home=folder), folder=folder)


_DOUBTED = f"/orders/{fakes.worklist().items[0].assessment.order_id}"
OTHERS: dict[str, tuple[str, Callable[[Settings], FastAPI]]] = {
    "ranking": ("/", lambda _: fakes.app(advisor=_StillRanking())),
    "failing": ("/", lambda _: fakes.app(advisor=_Failing())),
    "not-ready": ("/", lambda settings: create_app(_nobody, settings)),
    "degraded": ("/", lambda _: fakes.app(advisor=_StandingIn())),
    "abstained": (_DOUBTED, lambda _: fakes.app(advisor=_Doubtful())),
    "groups": ("/?by=cause", lambda _: fakes.app(advisor=MovingAdvisor())),
    "stale": ("/", lambda settings: _stale(settings.home / "stale")),
    "stale-order": (_DOUBTED, lambda settings: _stale(settings.home / "stale-order")),
    "card": (f"/models/{NAME}/card", lambda settings: carded(settings.home / "card")),
    "sign-in": ("/sign-in", lambda settings: fakes.app(settings, guard=Guard(settings))),
}
"""By the name of its picture: the path that is looked at, and the service."""


@contextmanager
def others(folder: Path) -> Iterator[dict[str, str]]:
    """Serve them; gives the address of each page.

    Args:
        folder: a home without anything in it.
    """
    settings = Settings(home=folder)
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(served(make(settings))) + path
            for name, (path, make) in OTHERS.items()
        }
