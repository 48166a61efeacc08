"""Time: zones, clock changes, promises that name a day, when a fact was known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.unit.history.small import Row, Small, milestone, order

from triage.domain.clock import from_micros

SAO_PAULO = "America/Sao_Paulo"


def loaded(tmp_path: Path, zone: str, promise: str, rows: list[Row]) -> dict[str, list[datetime]]:
    small = Small(tmp_path, zone, promise)
    small.write(order=rows)
    small.load()
    orders = small.log.read().orders
    return {
        name: [from_micros(value) for value in orders[name]]
        for name in ("event_time", "record_time", "promised_by")
    }


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2017-10-14 23:59:59", datetime(2017, 10, 15, 2, 59, 59, tzinfo=UTC)),
        ("2017-10-15 00:00:00", datetime(2017, 10, 15, 3, tzinfo=UTC)),  # does not exist
        ("2017-10-15 00:30:00", datetime(2017, 10, 15, 3, 30, tzinfo=UTC)),  # does not exist
        ("2017-10-15 01:00:00", datetime(2017, 10, 15, 3, tzinfo=UTC)),
        ("2018-02-17 22:59:59", datetime(2018, 2, 18, 0, 59, 59, tzinfo=UTC)),
        ("2018-02-17 23:30:00", datetime(2018, 2, 18, 2, 30, tzinfo=UTC)),  # twice: the later
        ("2018-02-18 00:00:00", datetime(2018, 2, 18, 3, tzinfo=UTC)),
        ("2017-10-15", datetime(2017, 10, 15, 3, tzinfo=UTC)),
        ("2017-10-15T12:00", datetime(2017, 10, 15, 14, tzinfo=UTC)),
        ("2017-10-15T12:00:00.5Z", datetime(2017, 10, 15, 12, 0, 0, 500_000, tzinfo=UTC)),
        ("2017-10-15 12:00:00+05:30", datetime(2017, 10, 15, 6, 30, tzinfo=UTC)),
        ("2017-10-15 12:00:00 -0300", datetime(2017, 10, 15, 15, tzinfo=UTC)),
        ("2017-10-15 12:00:00+02", datetime(2017, 10, 15, 10, tzinfo=UTC)),
        ("2017-10-15 12:00:00 +02", datetime(2017, 10, 15, 10, tzinfo=UTC)),
        ("2017-10-15 12:00:00 UTC", datetime(2017, 10, 15, 12, tzinfo=UTC)),
    ],
)
def test_naive_times_are_local_and_offsets_are_respected(
    tmp_path: Path, text: str, moment: datetime
) -> None:
    assert loaded(tmp_path, SAO_PAULO, "instant", [order(event_time=text)])["event_time"] == [
        moment
    ]


@pytest.mark.parametrize(
    "text",
    ["infinity", "epoch", "1520000000", "01/03/2018", "2018-02-30", "20180301", "0000-01-01"],
)
def test_what_only_looks_like_a_time_is_not_taken_for_one(small: Small, text: str) -> None:
    small.write(order=[order("A"), order("B", event_time=text)])
    small.load()
    assert small.quarantined()[0][3] == "event_time"
    assert small.quarantined()[0][5] == text


@pytest.mark.parametrize(
    ("zone", "promised", "end"),
    [
        (SAO_PAULO, "2017-10-13 00:00:00", datetime(2017, 10, 14, 3, tzinfo=UTC)),
        # the next midnight does not exist: the day ends where the clock jumps to 01:00
        (SAO_PAULO, "2017-10-14", datetime(2017, 10, 15, 3, tzinfo=UTC)),
        (SAO_PAULO, "2017-10-15 18:00:00", datetime(2017, 10, 16, 2, tzinfo=UTC)),
        (SAO_PAULO, "2018-02-17", datetime(2018, 2, 18, 3, tzinfo=UTC)),
        ("Europe/Berlin", "2024-03-31", datetime(2024, 3, 31, 22, tzinfo=UTC)),
        # an instant that is written with an offset counts by its local date
        ("Europe/Berlin", "2024-03-30T23:30:00Z", datetime(2024, 3, 31, 22, tzinfo=UTC)),
    ],
)
def test_a_promised_day_ends_at_the_next_local_midnight(
    tmp_path: Path, zone: str, promised: str, end: datetime
) -> None:
    rows = [order(event_time="2017-01-01 00:00:00", promised_by=promised)]
    assert loaded(tmp_path, zone, "day", rows)["promised_by"] == [end]
    last = (end - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date()
    assert end.astimezone(ZoneInfo(zone)).date() == last + timedelta(days=1)


def test_a_promised_instant_is_left_alone(tmp_path: Path) -> None:
    rows = [order(promised_by="2024-03-05 18:00:00")]
    assert loaded(tmp_path, "UTC", "instant", rows)["promised_by"] == [
        datetime(2024, 3, 5, 18, tzinfo=UTC)
    ]


def test_record_time_is_event_time_where_absent_and_never_before_it(tmp_path: Path) -> None:
    rows = [
        order("A"),
        order("B", record_time="2024-03-01 09:00:00"),
        order("C", record_time="2024-03-01 11:00:00"),
    ]
    times = loaded(tmp_path, "UTC", "instant", rows)
    assert [moment.hour for moment in times["record_time"]] == [10, 10, 11]


def test_a_milestone_is_not_known_before_its_order(small: Small) -> None:
    small.write(
        order=[order("A", record_time="2024-03-02 00:00:00")],
        milestone=[milestone("A", event_time="2024-03-01 09:00:00")],
    )
    small.load()
    (row,) = small.log.read().milestones.itertuples()
    assert from_micros(row.event_time) == datetime(2024, 3, 1, 9, tzinfo=UTC)  # type: ignore[arg-type]
    assert from_micros(row.record_time) == datetime(2024, 3, 2, tzinfo=UTC)  # type: ignore[arg-type]


def test_the_first_of_two_equal_milestones_is_the_one_known_first(small: Small) -> None:
    small.write(
        order=[order("A")],
        milestone=[
            milestone("A", event_time="2024-03-03 00:00:00", record_time="2024-03-09 00:00:00"),
            milestone("A", event_time="2024-03-04 00:00:00", record_time="2024-03-05 00:00:00"),
        ],
    )
    small.load()
    (row,) = small.log.read().milestones.itertuples()
    assert from_micros(row.event_time) == datetime(2024, 3, 4, tzinfo=UTC)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("event", "record", "known"),
    [
        ("2024-03-04", "", datetime(2024, 3, 4, 23, tzinfo=UTC)),  # the day's end in Berlin
        ("2024-03-04 00:00:00", "", datetime(2024, 3, 3, 23, tzinfo=UTC)),  # a time, if midnight
        ("2024-03-04", "2024-03-06", datetime(2024, 3, 6, 23, tzinfo=UTC)),
        ("2024-03-04", "2024-03-04 07:30:00", datetime(2024, 3, 4, 6, 30, tzinfo=UTC)),
        ("2024-06-01", "", datetime(2024, 6, 1, tzinfo=UTC)),  # the extract was taken on that day
    ],
)
def test_a_milestone_that_names_only_a_day_is_known_when_the_day_has_ended(
    tmp_path: Path, event: str, record: str, known: datetime
) -> None:
    small = Small(tmp_path, "Europe/Berlin")
    small.write(order=[order()], milestone=[milestone(event_time=event, record_time=record)])
    small.load()
    assert [from_micros(t) for t in small.log.read().milestones["record_time"]] == [known]


@pytest.mark.parametrize(
    ("sql", "known"),
    [
        ("strptime(event_time, '%d.%m.%Y')", datetime(2024, 3, 5, tzinfo=UTC)),
        ("strptime(event_time, '%d.%m.%Y')::DATE", datetime(2024, 3, 5, tzinfo=UTC)),
        (
            "strptime(event_time || ' 07:30', '%d.%m.%Y %H:%M')",
            datetime(2024, 3, 4, 7, 30, tzinfo=UTC),
        ),
    ],
)
def test_a_day_that_the_mapping_parsed_is_a_day_too(
    small: Small, sql: str, known: datetime
) -> None:
    (small.mapping / "milestone.sql").write_text(
        f"-- as a stranger writes it\nSELECT * REPLACE ({sql} AS event_time) FROM milestones"
    )
    small.write(order=[order()], milestone=[milestone(event_time="04.03.2024")])
    small.load()
    assert [from_micros(t) for t in small.log.read().milestones["record_time"]] == [known]


def test_an_extract_taken_in_the_middle_of_a_day_rejects_days_after_it(small: Small) -> None:
    small.write(
        order=[order(), order("B")],
        milestone=[milestone(event_time="2024-06-01"), milestone("B", event_time="2024-06-02")],
    )
    report = small.load()
    assert report.records["milestone"].new == 1
    assert report.records["milestone"].rejected == 1
