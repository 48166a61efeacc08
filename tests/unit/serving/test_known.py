from __future__ import annotations

import asyncio
import gc
import random
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from triage.advice import policy
from triage.advice.assessment import Assessment
from triage.domain.clock import MICROS_PER_DAY, to_micros
from triage.domain.records import ExceptionEvent, Order, Record
from triage.errors import RequestError
from triage.history.log import Log
from triage.history.objects import RECORDS_BESIDE_ORDERS
from triage.history.tables import History
from triage.models.at_risk import NAME, AtRiskModel
from triage.serving.event_log import EventLog
from triage.serving.exceptions.raised import RaisedExceptions
from triage.serving.feeds import Feeds
from triage.serving.known import Known
from triage.serving.live import Live
from triage.serving.scorer import Scorer
from triage.serving.stored import StoredOrders
from triage.serving.warming import Warming

_DAYS = 3


@pytest.fixture(scope="module")
def log(home: Path) -> History:
    """A log that ends three days before the newest record."""
    return Log(home).read(before=Log(home).read().extracted_at - _DAYS * MICROS_PER_DAY)


@pytest.fixture(scope="module")
def later(home: Path, log: History) -> list[Record]:
    """What came since, some of it twice, and some of it long after it became known."""
    whole = Log(home).read()
    found: list[Record] = [*whole.order_objects()]
    for read in RECORDS_BESIDE_ORDERS.values():
        found += read(whole)
    kept = [each for each in found if to_micros(each.record_time) >= log.extracted_at]
    kept += kept[::9]
    random.Random(5).shuffle(kept)  # noqa: S311 - not for secrets
    return kept


@pytest.fixture(scope="module")
def lived(
    home: Path, log: History, later: list[Record], tmp_path_factory: pytest.TempPathFactory
) -> Live:
    """A service that took in one record after another; its events stay in a folder."""
    events = EventLog(tmp_path_factory.mktemp("events"))
    live = Live(events, [scorer_of(home, log)], raised=RaisedExceptions(log))
    named = [(str(number), each) for number, each in enumerate(later)]

    async def go() -> None:
        for event in named:
            await live.take([event])

    asyncio.run(go())
    events.close()
    return live


@pytest.fixture(scope="module")
def known(lived: Live, log: History) -> Known:
    return Known.since(log, lived.events.home)


def scorer_of(home: Path, history: History) -> Scorer:
    (folder,) = (home / "models" / NAME).glob("*/")
    return Scorer(AtRiskModel.load(folder, folder.name), "7", history, policy.load())


def answers(scorer: Scorer) -> dict[str, Assessment]:
    """What is said of every open order, other ways included."""
    found = {}
    for name in scorer.engine.book.ids:
        try:
            found[name] = scorer.score_id(name, ways=True)
        except RequestError:  # closed
            continue
    return found


def test_a_start_says_of_every_order_what_was_said_before_it(
    home: Path, lived: Live, known: Known
) -> None:
    before, started = lived.scorers[0], scorer_of(home, known.history)
    assert started.now() == before.now()
    assert started.engine.book.ids == before.engine.book.ids
    said = answers(before)
    assert len(said) > 150
    assert any(each.recommendations for each in said.values())
    assert answers(started) == said


def test_a_start_knows_the_orders_feeds_and_exceptions_that_came(
    home: Path, log: History, lived: Live, known: Known
) -> None:
    started, raised = scorer_of(home, known.history), RaisedExceptions(log)
    known.recall(raised, None, started)
    assert known.events == lived.applied
    assert Feeds(known.history).newest == lived.scorers[0].feeds.newest
    names = set(lived.scorers[0].engine.book.ids[len(log.orders) :])
    assert len(names) > 50
    for name in names:
        assert started.order_of(name) == lived.scorers[0].order_of(name)
    assert lived.raised is not None
    assert any(lived.raised.of_order(name) for name in names)
    for name in started.engine.book.ids:
        assert raised.of_order(name) == lived.raised.of_order(name)


def test_an_exception_counts_only_orders_that_had_come_before_it(
    known: Known, later: list[Record], log: History
) -> None:
    held = set(log.orders["order_id"])
    before: list[int] = []
    orders = 0
    for record in later:
        orders += isinstance(record, Order)
        if isinstance(record, ExceptionEvent):
            before.append(orders)
    assert known.orders_before.tolist() == before
    assert held.isdisjoint(known.history.orders["order_id"][len(log.orders) :])


def test_the_first_list_is_ranked_beside_requests_and_is_the_list(home: Path, known: Known) -> None:
    at_once, beside = scorer_of(home, known.history), scorer_of(home, known.history)

    async def go() -> list[bool]:
        warming = Warming(Live(None, [beside]), beside)
        seen = [warming.over, beside.ranked]
        async with warming.running():
            await warming.ranked()
        return [*seen, warming.over, beside.ranked]

    assert asyncio.run(go()) == [False, False, True, True]
    assert beside.worklist() == at_once.worklist()


@pytest.mark.parametrize("count", [5, 60])
def test_orders_read_together_are_those_read_singly(log: History, count: int) -> None:
    stored, rows = StoredOrders(log), range(count)
    read = stored.reader(rows)
    assert [read(row) for row in rows] == [stored.one(row) for row in rows]
    assert [read(row).order_id for row in rows] == log.orders["order_id"][:count].tolist()


@pytest.mark.parametrize("loaded", [0, 1])
def test_what_the_first_list_made_is_set_aside_where_what_was_loaded_is(
    home: Path, log: History, monkeypatch: pytest.MonkeyPatch, loaded: int
) -> None:
    scorer, times = scorer_of(home, log), list[bool]()
    monkeypatch.setattr(gc, "get_freeze_count", lambda: loaded)
    monkeypatch.setattr(gc, "freeze", lambda: times.append(scorer.ranked))

    async def go() -> None:
        warming = Warming(Live(None, [scorer]), scorer)
        async with warming.running():
            await warming.ranked()
            await asyncio.sleep(0)

    asyncio.run(go())
    assert times == [True] * loaded


def test_an_event_during_the_ranking_is_in_the_list(
    home: Path, log: History, later: list[Record]
) -> None:
    scorer = scorer_of(home, log)
    live = Live(None, [scorer])
    placed = next(each for each in later if isinstance(each, Order))
    steps = scorer.ranking(50)
    assert next(steps) > 0
    live.apply([placed])
    assert list(steps)[-1] == 0
    names = {item.assessment.order_id for item in scorer.worklist().items}
    assert placed.order_id in names


def test_an_order_that_is_known_already_is_kept_and_said_to_change_nothing(
    home: Path, log: History, later: list[Record], tmp_path: Path
) -> None:
    placed = next(each for each in later if isinstance(each, Order))
    held = next(iter(log.orders["order_id"]))
    other = placed.model_copy(update={"promised_by": placed.promised_by + timedelta(days=9)})
    scorer = scorer_of(home, log)
    before = scorer.engine.book.row_of[held]

    async def go(live: Live) -> list[tuple[int, int]]:
        first = [("1", placed), ("2", other), ("2", other)]
        again = [("2", other), ("3", placed.model_copy(update={"order_id": held}))]
        return [
            *await asyncio.gather(live.take(first), live.take([("4", other)])),
            await live.take(again), await live.take(again),
        ]  # fmt: skip

    events = EventLog(tmp_path)
    live = Live(events, [scorer])
    assert asyncio.run(go(live)) == [(2, 1), (1, 1), (1, 1), (0, 0)]
    book = scorer.engine.book
    assert book.row_of[held] == before
    assert len(list(events.records())) == 4
    at = book.row_of[placed.order_id]
    apart = scorer_of(home, log)
    apart.engine.apply(placed)
    assert np.array_equal(book.known[at], apart.engine.book.known[at], equal_nan=True)
    assert np.array_equal(book.numbers[at], apart.engine.book.numbers[at], equal_nan=True)
    events.close()

    events = EventLog(tmp_path)
    live = Live(events, [scorer_of(home, log)])
    assert live.catch_up() == 4
    assert asyncio.run(live.take([("1", placed), ("5", placed)])) == (1, 1)
    events.close()
