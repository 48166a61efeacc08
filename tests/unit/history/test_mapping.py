"""Reading a mapping: by name or by path, and what is said when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.history.small import Small, order

from triage.errors import DeclarationError, MappingError
from triage.history.importer import import_extract
from triage.history.mapping import read_mapping


def change(small: Small, old: str, new: str, file: str = "mapping.toml") -> None:
    path = small.mapping / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"UTC"', '"Mars/Olympus"', "source.time_zone: .*'Mars/Olympus' is not an IANA time zone"),
        ('"instant"', '"week"', "source.promise: Input should be 'day' or 'instant'"),
        ('"EUR"', '"euro"', "source.currency"),
        (
            'country = "DE"',
            'country = "DE"\ncolour = "red"',
            "source.colour: there is no such entry; possible are name",
        ),
        (
            'country = "DE"',
            'country = "DE"\nworked_holidays = ["Tag der Artikel"]',
            "'Tag der Artikel' is no public holiday of DE; there is: .*New Year's Day",
        ),
        ("[records]", '[records]\nparcel = "x.sql"', "records.parcel"),
        ("[tables.orders]", "[tables.this_extract]", "this_extract is taken"),
        ('order = "order.sql"', 'order = "gone.sql"', r"no file gone\.sql in .*there is: "),
        ("[source]", "[source", r"mapping\.toml: "),
    ],
)
def test_a_wrong_entry_is_named_with_the_file(
    small: Small, old: str, new: str, message: str
) -> None:
    change(small, old, new)
    with pytest.raises(DeclarationError, match=message):
        read_mapping(small.mapping)


def test_an_unknown_name_is_answered_with_the_names_there_are() -> None:
    with pytest.raises(DeclarationError, match=r"there is: .*olist.*template"):
        read_mapping("nothing-like-it")


def test_a_path_without_mapping_says_where_to_start(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match=r"no mapping\.toml in .*data/mappings/template"):
        read_mapping(str(tmp_path / "sub"))


def test_a_mapping_is_found_in_another_workspace_by_its_name(small: Small, tmp_path: Path) -> None:
    folder = tmp_path / "workspace" / "data" / "mappings"
    folder.mkdir(parents=True)
    small.mapping.rename(folder / "ours")
    small.write(order=[order("A")])
    report = import_extract("ours", small.extract, small.home, workspace=tmp_path / "workspace")
    assert report.new == 1


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ("SELECT nonsense FROM orders", r"order\.sql: .*nonsense"),
        ("SELECT *, 1 AS weight FROM orders", r"order has no column weight; it has: order_id"),
        ("SELECT * EXCLUDE (promised_by) FROM orders", "does not give promised_by"),
        ("SELECT * EXCLUDE (_row) FROM orders", "does not give _row"),
        ("SELECT * REPLACE (event_time::INT AS event_time) FROM orders", r"order\.sql: Conv"),
    ],
)
def test_sql_that_does_not_give_the_record_is_named(small: Small, new: str, message: str) -> None:
    small.write(order=[order("A")])
    change(small, "SELECT * FROM orders", new, "order.sql")
    with pytest.raises(MappingError, match=message):
        small.load()


def test_the_mapping_may_say_when_the_extract_was_taken(small: Small) -> None:
    small.write(order=[order("A")])
    with (small.mapping / "mapping.toml").open("a") as handle:
        handle.write('\n[extracted_at]\nsql = "moment.sql"\n')
    (small.mapping / "moment.sql").write_text("SELECT '2024-03-02 00:00:00'")
    assert small.load(None).source.extracted_at == 1_709_337_600_000_000
    (small.mapping / "moment.sql").write_text("SELECT 'today'")
    with pytest.raises(MappingError, match=r"moment\.sql: should give one timestamp"):
        small.load(None)


def test_the_delimiter_can_be_declared(small: Small) -> None:
    small.write(order=[order("A")])
    path = small.extract / "orders.csv"
    path.write_text(path.read_text().replace(",", ";"))
    change(small, 'file = "orders.csv"', 'file = "orders.csv"\ndelimiter = ";"')
    assert small.load().new == 1
