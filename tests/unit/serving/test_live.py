from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.unit.features.test_index_kept import index_written

from triage.advice import policy
from triage.advice.assessment import Assessment
from triage.domain.clock import MICROS_PER_DAY, to_micros
from triage.domain.records import InventoryPosition, Milestone, Order, Record
from triage.errors import RequestError
from triage.features import index_kept
from triage.features.engine import FeatureEngine
from triage.features.index import AsOfIndex
from triage.features.index_kept import KeptIndexes
from triage.history.log import Log
from triage.history.objects import RECORDS_BESIDE_ORDERS, positions_of
from triage.history.tables import History
from triage.ledger.errors import StoreUnavailableError
from triage.models.at_risk import NAME, AtRiskModel
from triage.serving.event_log import EventLog
from triage.serving.known import Known
from triage.serving.live import Live
from triage.serving.scorer import Scorer
from triage.serving.warming import Warming

_DAYS = 3


@pytest.fixture(scope="module")
def whole(home: Path) -> History:
    return Log(home).read()


@pytest.fixture(scope="module")
def cut(whole: History) -> int:
    return whole.extracted_at - _DAYS * MICROS_PER_DAY


@pytest.fixture(scope="module")
def later(whole: History, cut: int) -> list[Record]:
    """Everything that became known since the cut, in sequence."""
    found: list[Record] = [*whole.order_objects()]
    for read in RECORDS_BESIDE_ORDERS.values():
        found += read(whole)
    kept = [each for each in found if to_micros(each.record_time) >= cut]
    return sorted(kept, key=lambda each: to_micros(each.record_time))


def scorer_of(home: Path, history: History, kept: KeptIndexes | None = None) -> Scorer:
    (folder,) = (home / "models" / NAME).glob("*/")
    model = AtRiskModel.load(folder, folder.name)
    engine = FeatureEngine.of(history, model.features, kept=kept)
    return Scorer(model, "7", history, policy.load(), engine=engine)


def answers(scorer: Scorer, moment: int) -> dict[str, Assessment]:
    """What is said of every order that is open at a moment."""
    found = {}
    for name in scorer.engine.book.ids:
        try:
            found[name] = scorer.score_id(name, moment)
        except RequestError:  # closed by then
            continue
    return found


def send(live: Live, records: Sequence[Record], size: int = 40) -> int:
    named = [(f"{type(each).__name__}|{each.record_id}", each) for each in records]

    async def go() -> int:
        parts = [named[at : at + size] for at in range(0, len(named), size)]
        return sum([(await live.take(part))[0] for part in parts])

    return asyncio.run(go())


@pytest.fixture(scope="module")
def expected(home: Path, whole: History, moment: int) -> dict[str, Assessment]:
    """What a service says that was started with everything."""
    return answers(scorer_of(home, whole), moment)


@pytest.fixture(scope="module")
def moment(later: list[Record]) -> int:
    return to_micros(later[-1].record_time)


@pytest.fixture
def live(home: Path, cut: int, tmp_path: Path) -> Iterator[Live]:
    events = EventLog(tmp_path)
    made = Live(events, [scorer_of(home, Log(home).read(before=cut))])
    yield made
    made.events.close()


def scores(live: Live, moment: int) -> dict[str, Assessment]:
    return answers(live.scorers[0], moment)


def test_what_comes_as_events_is_scored_like_what_was_imported(
    live: Live, later: list[Record], moment: int, expected: dict[str, Assessment]
) -> None:
    assert len({type(each) for each in later}) == 6
    assert send(live, later) == len(later) == live.applied
    assert len(expected) > 150
    assert scores(live, moment) == expected


def test_late_doubled_and_disordered_events_leave_the_same_state(
    live: Live, later: list[Record], moment: int, expected: dict[str, Assessment]
) -> None:
    shuffled = [*later, *later[::7]]
    random.Random(3).shuffle(shuffled)  # noqa: S311 - not for secrets
    assert send(live, shuffled) == len(later)
    assert scores(live, moment) == expected


def test_after_a_restart_the_state_is_that_of_before(
    live: Live,
    later: list[Record],
    moment: int,
    expected: dict[str, Assessment],
    home: Path,
    cut: int,
) -> None:  # fmt: skip
    send(live, later)
    live.events.close()
    live._events = EventLog(live.events.home)
    again = Live(live.events, [scorer_of(home, Log(home).read(before=cut))])
    assert again.catch_up() == len(later) == again.applied
    assert again.catch_up() == 0
    assert scores(again, moment) == expected


def test_a_start_from_an_index_that_was_kept_answers_like_one_that_builds_it(
    live: Live, later: list[Record], moment: int, expected: dict[str, Assessment], home: Path,
    cut: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(index_kept, "_WORTH_ENTRIES", 0)
    log, kept = Log(home).read(before=cut), KeptIndexes(tmp_path)
    scorer_of(home, log, kept)
    index_written()
    send(live, later)
    monkeypatch.delattr(AsOfIndex, "fill")
    known = Known.since(log, tmp_path)
    assert known.events == len(later)
    assert answers(scorer_of(home, known.history, kept), moment) == expected


def test_the_list_follows_events_without_scoring_everything_anew(
    live: Live, later: list[Record]
) -> None:
    (scorer,) = live.scorers
    fresh = scorer.policy.freshness.model_copy(
        update={"stale_after_minutes": 1e6, "list_seconds": 0.0}
    )
    scorer.policy = scorer.policy.model_copy(update={"freshness": fresh})
    before = {item.assessment.order_id: item.assessment for item in scorer.worklist().items}
    closed = next(
        each for each in later if isinstance(each, Milestone) and each.milestone == "delivered"
        and each.order_id in before
    )  # fmt: skip
    placed = next(each for each in later if isinstance(each, Order))
    send(live, [closed, placed])
    after = {item.assessment.order_id: item.assessment for item in scorer.worklist().items}
    assert set(before) - set(after) == {closed.order_id}
    assert set(after) - set(before) == {placed.order_id}
    assert all(after[name] is before[name] for name in set(after) & set(before))


def test_an_event_is_not_acknowledged_before_it_is_kept(
    live: Live, later: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    event = ("one", later[0])

    async def refuse(_: object) -> None:
        raise StoreUnavailableError("no room")

    monkeypatch.setattr(live.events._journal, "append_async", refuse)
    with pytest.raises(StoreUnavailableError):
        asyncio.run(live.take([event]))
    assert live.applied == 0
    monkeypatch.undo()
    assert asyncio.run(live.take([event]))[0] == 1
    assert live.applied == live.events.last == 1


def test_orders_and_positions_of_which_the_first_stands_are_told(
    live: Live, later: list[Record], cut: int, home: Path
) -> None:
    imported = next(iter(positions_of(Log(home).read(before=cut))))
    position = next(each for each in later if isinstance(each, InventoryPosition))
    placed = next(each for each in later if isinstance(each, Order))
    step = next(each for each in later if isinstance(each, Milestone))

    def take(*records: Record) -> tuple[int, int]:
        named = [(f"{live.applied}|{at}", each) for at, each in enumerate(records)]
        return asyncio.run(live.take(named))

    corrected = position.model_copy(update={"on_hand": position.on_hand + 5})
    assert take(position, placed, step) == (3, 0)
    assert take(corrected, step) == (2, 1), "of a position the first record stands"
    assert take(imported) == (1, 1), "also of one that was imported"
    twice = position.model_copy(update={"event_time": position.record_time})
    assert take(twice, twice, placed) == (3, 2)


def test_nothing_that_an_event_waits_for_is_left_once_the_list_stands(
    home: Path, cut: int, later: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = scorer_of(home, Log(home).read(before=cut))
    live = Live(None, [scorer])

    async def go() -> None:
        warming = Warming(live, scorer)
        async with warming.running():
            await warming.ranked()

    asyncio.run(go())
    monkeypatch.delattr(FeatureEngine, "_recalled")
    live.apply(later[:200])
    assert live.applied == 200
