"""Whatever is sent to whatever takes a body (the long version: `python -m benchmarks.hostile`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from tests import exception_cases, fakes
from tests.hostile import KNOWN, MARK, Judge, Sent, judging, posts, requests, variants

from triage.serving.access.guard import Guard
from triage.settings import Settings

SIZE = int(os.environ.get("TRIAGE_HOSTILE", "1200"))


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    home: Path = tmp_path_factory.mktemp("hostile")
    chosen = Settings(home=home, log_requests="all", max_batch=20)
    app = fakes.app(chosen, exception_cases.desk(), home, guard=Guard(chosen))
    with judging(app) as made:
        yield made


def test_no_request_breaks_it_is_echoed_or_forges_a_line(judge: Judge) -> None:
    addresses = posts(judge.app)
    for address in addresses:

        @settings(
            max_examples=SIZE // 3 // len(addresses), deadline=None, database=None,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(sent=requests([address]))
        def ask(sent: Sent) -> None:
            for each in variants(sent, 2):
                assert judge.ask(each) == [], each

        ask()
    assert set(judge.reached) == set(addresses)
    assert judge.statuses["4xx"] > SIZE / 2


def test_the_judge_sees_what_is_wrong(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"order_id": "%s"}' % KNOWN.encode()
    sent = Sent("/v1/score", "/v1/score", "application/json", body)
    assert judge.ask(sent) == []

    def broken(*_: object) -> None:
        raise ValueError(MARK)

    monkeypatch.setattr("triage.serving.routes.score.assess", broken)
    assert judge.ask(sent) == ["ValueError was raised"]
    judge.log.write("forged\n")
    monkeypatch.undo()
    assert judge.ask(sent) == ["a line of the log was forged"]
