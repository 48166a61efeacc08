"""The list as a file: what is filtered, all of it, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given
from starlette.testclient import TestClient
from tests import fakes

from triage.serving.advisor import WorkItem
from triage.serving.pages.export import HEADER, lines, safe

NUMBERS = {"rank", "risk", "expected_loss", "order_value"}
ITEMS = fakes.worklist().items


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(fakes.app(folder=tmp_path)) as made:
        yield made


def read(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@given(text=st.text(max_size=40) | st.sampled_from(["=1+1", "+x", "-2", "@SUM(A1)", "\tx", "\r="]))
def test_no_text_is_taken_for_a_formula_and_none_is_lost(text: str) -> None:
    cell = safe(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert cell in (text, f"'{text}")


@given(name=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30))
def test_whatever_a_customer_is_called_the_lines_stay_lines(name: str) -> None:
    order = replace(ITEMS[0].assessment, customer=name, site=f"={name}", destination=name[::-1])
    rows = read(b"".join(lines([WorkItem(1, order), *ITEMS[1:3]], None, fakes.NOW)))
    assert [row["order"] for row in rows] == [i.assessment.order_id for i in ITEMS[:3]]
    assert rows[0]["customer"] == safe(name)
    assert rows[0]["site"] == f"'={name}"
    for row in rows:
        assert set(row) == set(HEADER)
        for column, cell in row.items():
            assert column in NUMBERS or not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_it_holds_all_that_is_filtered_in_the_order_of_the_list(client: TestClient) -> None:
    answer = client.get("/export.csv?sort=promise&q=lane")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="triage-2018-08-29.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbforder,")
    rows = read(answer.content)
    assert len(rows) > 50
    promised = [row["promised_by"] for row in rows]
    assert promised == sorted(promised)
    assert len({row["order"] for row in rows}) == len(rows)


def test_numbers_are_numbers_and_times_are_utc(client: TestClient) -> None:
    first = ITEMS[0].assessment
    row = read(client.get("/export.csv").content)[0]
    assert float(row["risk"]) == pytest.approx(first.p_late, abs=1e-4)
    assert float(row["expected_loss"]) == pytest.approx(first.expected_loss, abs=0.01)
    assert row["promised_by"].endswith("Z")
    assert row["work"] == "Open"


def test_it_comes_in_pieces(client: TestClient) -> None:
    pieces = list(lines(ITEMS * 4, None, fakes.NOW))
    assert len(pieces) > 4
    assert len(read(b"".join(pieces))) == 4 * len(ITEMS)
    assert client.get("/export.csv?q=zzzz").content.count(b"\r\n") == 1
