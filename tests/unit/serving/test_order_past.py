from __future__ import annotations

from typing import Any

from triage.domain.clock import MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, from_micros
from triage.serving.feeds import Feeds
from triage.serving.handling.view import Line
from triage.serving.pages import order_past
from triage.serving.pages.order_past import Entry
from triage.serving.similar import Alike, PastOrder

NOW = 1_535_551_200_000_000
ZONE = "America/Sao_Paulo"
LINE = Line("A1", "Ana", "noted", "carrier calls at 3", "today", "2018", undone=False)


def entry(kind: str, what: str, known: int, lag: int = 0, **more: object) -> dict[str, Any]:
    times = {"event_time": from_micros(known - lag), "record_time": from_micros(known)}
    return {"kind": kind, "what": what, **times, **more}


def shown(*entries: dict[str, Any]) -> list[Entry]:
    return order_past.timeline(entries, {"A1": LINE}, NOW, ZONE)


def test_the_newest_comes_first() -> None:
    found = shown(
        entry("milestone", "order_created", NOW - MICROS_PER_DAY),
        entry("milestone", "order_validated", NOW - MICROS_PER_HOUR),
    )
    assert [each.what for each in found] == ["Validated", "Ordered"]


def test_what_became_known_later_is_told_with_both_times() -> None:
    at_once, soon, late = (
        shown(entry("milestone", "delivered", NOW, lag))[0]
        for lag in (0, 20 * MICROS_PER_MINUTE, 3 * MICROS_PER_DAY)
    )
    assert at_once.happened == ""
    assert soon.happened == "happened Wed 29 Aug, 10:40, known 20\u00a0min later"
    assert not soon.late
    assert late.happened == "happened Sun 26 Aug, 11:00, known 3\u00a0days later"
    assert late.late


def test_the_same_score_asked_again_is_told_once_with_the_newest_time() -> None:
    asked = [entry("decision", "40% late, high", NOW - n * MICROS_PER_HOUR) for n in (3, 2, 1)]
    other = entry("decision", "50% late, high", NOW)
    found = shown(*asked, other)
    assert [each.what for each in found] == ["50% late, high", "40% late, high (asked 3 times)"]
    assert found[1].at == "Wed 29 Aug, 10:00"


def test_scores_on_both_sides_of_something_else_are_told_apart() -> None:
    same = "40% late, high"
    found = shown(
        entry("decision", same, NOW - 3), entry("milestone", "order_created", NOW - 2),
        entry("decision", same, NOW - 1),
    )  # fmt: skip
    assert [each.what for each in found] == [same, "Ordered", same]


def test_what_people_did_is_told_with_their_name() -> None:
    (found,) = shown(entry("action", "note", NOW, act_id="A1"))
    assert found.what == "Ana noted: carrier calls at 3"


def test_a_message_stays_as_it_is_and_a_class_becomes_words() -> None:
    raised, closed = shown(
        entry("exception", "resolved: credit_hold", NOW - 1, exception_id="EX1"),
        entry("exception", "raised: so_1 on HOLD", NOW, exception_id="EX1"),
    )
    assert (raised.kind, raised.what) == ("Exception", "EX1: so_1 on HOLD")
    assert (closed.kind, closed.what) == ("Exception closed", "EX1: Credit hold")


def alike(count: int, late: int) -> str:
    return order_past.alike_says(Alike(("site", "destination", "service"), count, late, ()))


def test_it_is_said_how_many_were_late_and_that_few_say_little() -> None:
    assert alike(50, 3) == (
        "Of 50 past orders like this one (same site, destination and service), 3 were late."
    )
    assert alike(5, 0).endswith("none was late.")
    assert alike(3, 1).endswith("1 was late. Only 3 of them: that says little.")
    assert alike(1, 1).endswith("it was late. One says little.")
    assert alike(0, 0) == "No past order went this way: there is nothing to compare with."


def test_past_orders_say_how_late_they_were() -> None:
    promised = NOW - 9 * MICROS_PER_DAY
    nearest = tuple(
        PastOrder(name, promised, None if days is None else promised + days * MICROS_PER_DAY, late)
        for name, days, late in (("A", -2, False), ("B", 3, True), ("C", None, True))
    )
    rows = order_past.past_rows(Alike(("site",), 3, 2, nearest), NOW, NOW, ZONE)
    assert [row.became for row in rows] == [
        "2\u00a0days early", "3\u00a0days late", "late, 9\u00a0days so far",
    ]  # fmt: skip
    assert [row.delivered for row in rows][2] == "not yet"


def test_only_feeds_older_than_allowed_are_named() -> None:
    feeds = Feeds()
    feeds.newest = {"positions": NOW - 80 * MICROS_PER_HOUR, "orders": NOW - 71 * MICROS_PER_HOUR}
    assert order_past.stale_feeds(feeds, NOW, lambda _: 72.0) == [
        "no news of stock for 3\u00a0days"
    ]
