"""Figures as a locale writes them, and pages that are made in one."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextvars import Context
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given
from starlette.testclient import TestClient
from tests import exception_queue_cases as queued
from tests import fakes
from tests.unit.serving.bodies import beside

from triage.advice import policy
from triage.advice.wording import ENGLISH
from triage.errors import SettingsError
from triage.history.log import Log
from triage.models.at_risk import NAME, AtRiskModel
from triage.models.champion import point_to
from triage.models.drift_file import keep_drift
from triage.serving import formats
from triage.serving.exceptions.queue import ExceptionQueue
from triage.serving.main import create
from triage.serving.scorer import Scorer
from triage.settings import Settings

AT = datetime(2018, 9, 3, 16, 5)  # noqa: DTZ001 - only written, never compared
TAGS = ("en-GB", "en-US", "en-DE", "de-CH", "fr-FR", "pt-BR", "en-IN", "ja-JP")


def told(tag: str) -> list[str]:
    """Return the same figures in a locale."""

    def write() -> list[str]:
        formats.use(formats.locale_of(tag))
        return [
            formats.number(-1_234_567.86, 1), formats.percent(0.345), formats.money(1234.5, "EUR"),
            formats.day(AT, year=False), formats.clock(AT),
        ]  # fmt: skip

    return Context().run(write)


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("en-GB", ["\u22121,234,567.9", "34%", "€1,234", "Mon 3 Sept", "16:05"]),
        ("en-US", ["\u22121,234,567.9", "34%", "€1,234", "Mon, Sep 3", "4:05\u202fPM"]),
        ("en-DE", ["\u22121.234.567,9", "34\u00a0%", "1.234\u00a0€", "Mon, 3 Sept", "16:05"]),
        ("de-DE", ["\u22121.234.567,9", "34\u00a0%", "1.234\u00a0€", "Mo., 3. Sept.", "16:05"]),
        ("fr-FR", ["\u22121\u202f234\u202f567,9", "34\u00a0%", "1\u202f234\u00a0€", "lun. 3 sept.",
                   "16:05"]),
        ("en-IN", ["\u221212,34,567.9", "34%", "€1,234", "Mon, 3 Sept", "4:05\u202fpm"]),
    ],
)  # fmt: skip
def test_figures_are_written_as_the_locale_writes_them(tag: str, said: list[str]) -> None:
    assert told(tag) == said


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        (1234.5, "USD", "US$1,234"),
        (57.4, "BRL", "R$57.40"),
        (0, "EUR", "€0"),
        (1_240_000, "EUR", "€1.24M"),
        (999_600, "USD", "US$1M"),
        (99.4, "JPY", "JP¥99"),
        (5000, "CHF", "CHF\u00a05,000"),
        (-20, "GBP", "\u2212£20.00"),
        (-0.001, "GBP", "£0.00"),
    ],
)
def test_money_reads_like_money(amount: float, currency: str, said: str) -> None:
    assert formats.money(amount, currency) == said


@given(st.integers(-(10**12), 10**12), st.sampled_from(TAGS))
def test_every_digit_of_a_number_is_written_in_every_locale(value: int, tag: str) -> None:
    def write() -> str:
        formats.use(formats.locale_of(tag))
        return formats.number(value)

    said = Context().run(write)
    assert int(re.sub(r"\D", "", said)) == abs(value)
    assert said.startswith(formats.MINUS) == (value < 0)


def test_one_request_does_not_change_how_another_writes() -> None:
    assert told("de-DE")[0] != told("en-GB")[0]
    assert formats.number(1234.5, 1) == "1,234.5"


def test_what_is_no_locale_is_refused_with_what_to_do() -> None:
    with pytest.raises(SettingsError, match="TRIAGE_LOCALE"):
        fakes.app(settings=Settings(locale="klingon"))


def test_what_is_no_time_zone_is_refused_with_what_to_do() -> None:
    with pytest.raises(SettingsError, match="TRIAGE_TIME_ZONE"):
        fakes.app(settings=Settings(time_zone="Mars/Olympus"))


@pytest.fixture
def german() -> Iterator[TestClient]:
    with TestClient(fakes.app(Settings(locale="de-DE", time_zone="Asia/Tokyo"))) as client:
        yield client


def test_a_page_is_written_in_the_locale_of_the_service(german: TestClient) -> None:
    page = german.get("/").text
    assert re.search(r"\d\.\d{3}(,\d+)?\u00a0R\$", page)
    assert not re.search(r"R\$\u00a0?\d", page)
    assert "29. Aug. 2018, 23:00 JST" in page


def test_a_promised_day_stays_that_day_wherever_it_is_looked_at(german: TestClient) -> None:
    first = fakes.worklist().items[0].assessment
    here = TestClient(fakes.app(Settings(locale="de-DE"))).get(f"/orders/{first.order_id}").text
    there = german.get(f"/orders/{first.order_id}").text
    promise = re.compile(r"<dt>Promise</dt><dd>([^<]+)<")
    assert promise.findall(here) == promise.findall(there) != []


def test_the_file_is_for_machines_whatever_the_locale(german: TestClient) -> None:
    plain = TestClient(fakes.app()).get("/export.csv").content
    assert german.get("/export.csv").content == plain


_FOREIGN = {
    "a decimal point": r"\d\.\d{1,2}(?![\d.])",
    "a comma between thousands": r"\b[1-9]\d{0,2},\d{3}\b",
    "a percent sign without its space": r"\d%",
    "a currency before its amount": r"(\$|€|£|\b(USD|EUR|GBP|BRL))[ \u00a0]?\d",
    "an English day": r"\b(Mon|Tues?|Wed(nes)?|Thu(rs)?|Fri|Sat(ur)?|Sun)(day)?\b",
    "an English month": r"\b\d{1,2} (Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)\b",
}


def foreign(page: str) -> list[str]:
    """Return what a German reader finds written the English way, beside names and versions."""
    shown = page.partition("<main")[2].partition('<section aria-labelledby="source">')[0]
    shown = re.sub(r"<option.*?</option>|<[^>]+>|\bv?\d+\.\d+\.\d+\b", " ", shown, flags=re.DOTALL)
    return [
        f"{what}: {hit[0]!r}"
        for what, is_so in _FOREIGN.items()
        for hit in re.finditer(is_so, shown)
    ]


def test_no_figure_of_list_order_and_message_is_written_the_english_way(
    home: Path, tmp_path: Path
) -> None:
    for part in ("history", "models"):
        shutil.copytree(home / part, tmp_path / part)
    app = create(Settings(home=tmp_path, locale="de-DE"))
    with beside(app) as client:
        client.cookies.set("triage_you", "Ana")
        items = client.get("/v1/worklist?page_size=40").json()["items"]
        assert any("." in reason["text"] for item in items for reason in item["reasons"])
        pages = [client.get("/").text, client.get("/?view=already_late").text]
        pages += [client.get(f"/orders/{item['order_id']}").text for item in items[::10]]
    assert all("We now expect to deliver it" in page for page in pages[2:])
    assert [found for page in pages for found in foreign(page)] == []


@pytest.mark.parametrize("path", ["/exceptions", "/exceptions/X04", "/operations", "/models"])
def test_no_figure_of_exceptions_operations_and_models_is_written_the_english_way(
    tmp_path: Path, path: str
) -> None:
    gate = {"name": "calibrated", "landmark": None, "passed": True, "measured": 0.0216,
            "required": 0.0754, "words": "ECE 0.022", "bound": "at_most"}  # fmt: skip
    point_to(tmp_path, NAME, {"digest": fakes.INFO.digest, "version": "3", "gates": [gate]})
    outcome = {"landmark": "order_created", "n": 1200, "late": 180, "expected": 1120.0,
               "ratio": 1.5, "changes": []}  # fmt: skip
    found = {"verdict": "No retraining advised: 1.50", "digest": "x", "outcomes": [outcome]}
    keep_drift(tmp_path, NAME, found)
    app = fakes.app(
        Settings(home=tmp_path, locale="de-DE"), folder=tmp_path,
        queue=ExceptionQueue(queued.desk()), advisor=queued.LaterAdvisor(),
    )  # fmt: skip
    with TestClient(app, cookies={"triage_you": "Ana"}) as client:
        page = client.get(path).text
    assert foreign(re.sub(r"<blockquote.*?</blockquote>", "", page)) == []
    assert path != "/models" or all(said in page for said in ("0,022", "1.200", "1,50"))


def test_what_is_english_would_be_found(client: TestClient) -> None:
    found = foreign(client.get("/").text)
    assert {each.partition(":")[0] for each in found} >= {
        "a percent sign without its space", "a currency before its amount", "an English day",
    }  # fmt: skip


def test_every_sentence_of_a_reason_is_the_answer_s_own_with_its_figures_apart(home: Path) -> None:
    (folder,) = (home / "models" / NAME).glob("*/")
    scorer = Scorer(AtRiskModel.load(folder, folder.name), "7", Log(home).read(), policy.load())
    reasons = [r for item in scorer.worklist().items for r in item.assessment.reasons]
    told = [reason for reason in reasons if reason.said is not None]
    assert len(told) > len(reasons) / 2
    assert [each.told(ENGLISH) for each in told] == [each.text for each in told]
    assert not [r for r in reasons if r.said is None and re.search(r"\d[.,]\d", r.text)]
    assert replace(told[0], said=None).told(formats) == told[0].text
