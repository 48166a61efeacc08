from __future__ import annotations

import json
import logging
import shutil
from copy import copy
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import anyio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter
from starlette.testclient import TestClient
from tests import fakes
from tests.workspaces import cheap

from triage.advice import policy
from triage.advice.assessment import Assessment
from triage.advice.policy import ShadowPolicy
from triage.domain.clock import MICROS_PER_DAY, to_micros
from triage.domain.records import Order
from triage.history.log import Log
from triage.history.tables import History
from triage.models.at_risk import NAME, AtRiskModel
from triage.models.bundle import read_bundle, write_bundle
from triage.models.champion import bundle_folder, challenge_with, end_challenge, point_to
from triage.models.shadow_file import ShadowFile, ShadowScore, day_file, shadow_scores
from triage.serving.app import create_app
from triage.serving.challenger import Challenger, load_challenger
from triage.serving.intake import ScoreRequest
from triage.serving.routes.score import EXAMPLE
from triage.serving.scorer import Scorer
from triage.serving.shadow import Shadow
from triage.settings import Settings
from triage.training.shadow_report import ALL, shadow_report, with_outcomes
from triage.training.shadow_table import as_text
from triage.training.train import train

CHAMPION, CHALLENGER = fakes.INFO.digest, "ab" * 32
SINCE = datetime(2018, 8, 1, tzinfo=UTC)


class Second(fakes.FakeAdvisor):
    """A challenger that is ten points higher and a day later than the champion."""

    info = replace(fakes.INFO, digest=CHALLENGER, version="4")

    def score_id(
        self, order_id: str, as_of: int | None = None, *, ways: bool = False
    ) -> Assessment:
        return _moved(super().score_id(order_id, as_of, ways=ways))

    def score_order(
        self, order: Order, milestones: Any = (), as_of: int | None = None, *, ways: bool = False
    ) -> Assessment:
        return _moved(super().score_order(order, milestones, as_of, ways=ways))


class Broken(Second):
    """A challenger that fails in a way that nobody foresaw."""

    def score_id(
        self, order_id: str, as_of: int | None = None, *, ways: bool = False
    ) -> Assessment:
        raise ZeroDivisionError(order_id, as_of, ways)


def _moved(said: Assessment) -> Assessment:
    low, middle, high = said.delay_days
    return replace(said, p_late=min(1.0, said.p_late + 0.1), delay_days=(low, middle + 1, high))


def counter() -> Counter:
    return Counter("triage_shadow", "words", ("result",), registry=CollectorRegistry())


def counted(of: Counter) -> dict[str, float]:
    return {
        str(s.labels["result"]): s.value
        for metric in of.collect()
        for s in metric.samples
        if s.name.endswith("_total")
    }


def shadow(
    home: Path, advisor: fakes.FakeAdvisor | None = None, *, max_bytes: int = 10**6,
    counts: Counter | None = None, **limits: float,
) -> Shadow:  # fmt: skip
    return Shadow(
        advisor or Second(), CHAMPION, ShadowFile(home, NAME, max_bytes=max_bytes, keep_days=9),
        ShadowPolicy.model_validate(limits), counts or counter(),
    )  # fmt: skip


def asked(number: int) -> tuple[int, ScoreRequest, Assessment]:
    said = fakes.worklist().items[number].assessment
    return fakes.NOW, ScoreRequest(order_id=said.order_id), said


def drained(one: Shadow) -> None:
    while one.score_next():
        pass
    anyio.run(one.write)


def challenger(advisor: fakes.FakeAdvisor | None, problem: str = "") -> Challenger:
    return Challenger("4", CHALLENGER, SINCE, CHAMPION, advisor, problem)


def client(home: Path, named: Challenger | None) -> TestClient:
    advisor = fakes.FakeAdvisor()
    app = create_app(
        lambda: advisor, Settings(home=home), clock=lambda: fakes.NOW, challenger=named
    )
    return TestClient(app, raise_server_exceptions=False)


def totals(of: TestClient) -> dict[str, float]:
    found = {}
    for line in of.get("/metrics").text.splitlines():
        if line.startswith("triage_shadow_total{"):
            found[line.split('"')[1]] = float(line.split()[-1])
    return found


def ask_and_wait(home: Path, named: Challenger | None, body: object) -> tuple[bytes, Any]:
    """Ask for a score, let the shadow catch up; return the answer and the counters."""
    with client(home, named) as of:
        answer = of.post("/v1/score", json=body).content
        for _ in range(300):
            if sum(totals(of).values()) >= 1 + len(fakes.worklist().items):
                break
            anyio.run(anyio.sleep, 0.01)
        return answer, totals(of)


def test_an_answer_is_scored_by_both_models_at_the_same_moment(tmp_path: Path) -> None:
    body = {"order_id": asked(5)[2].order_id, "as_of": "2018-08-28T10:00:00Z"}
    _, counts = ask_and_wait(tmp_path, challenger(Second()), body)
    by_order = {row.order_id: row for row in shadow_scores(tmp_path, NAME)}
    row = next(
        r for r in shadow_scores(tmp_path, NAME)
        if r.as_of == to_micros(datetime(2018, 8, 28, 10, tzinfo=UTC))
    )  # fmt: skip
    said = asked(5)[2]
    assert row == ShadowScore(
        fakes.NOW, said.order_id, said.stage, "at_risk", row.as_of, CHAMPION, said.p_late,
        said.delay_days[1], CHALLENGER, min(1.0, said.p_late + 0.1), said.delay_days[1] + 1,
    )  # fmt: skip
    assert set(by_order) == {i.assessment.order_id for i in fakes.worklist().items}
    assert counts == {"scored": 302, "dropped": 0, "failed": 0}


def test_an_order_sent_whole_is_scored_by_both(tmp_path: Path) -> None:
    ask_and_wait(tmp_path, challenger(Second()), EXAMPLE)
    (row,) = (r for r in shadow_scores(tmp_path, NAME) if r.order_id == "SO-4500436")
    assert row.challenger_p == pytest.approx(min(1.0, row.champion_p + 0.1))
    assert "C-1043" not in day_file(tmp_path, NAME, date(2018, 8, 29)).read_text()


@pytest.mark.parametrize("named", [Second(), Broken(), None, "unloaded"])
def test_no_challenger_whatever_ails_it_changes_an_answer(tmp_path: Path, named: Any) -> None:
    body = {"order_id": asked(3)[2].order_id}
    made = None if named is None else challenger(None if named == "unloaded" else named, "why")
    with client(tmp_path / "with", made) as one, client(tmp_path / "without", None) as other:
        for request in (body, EXAMPLE, {"order_id": "nobody's"}):
            mine, theirs = (of.post("/v1/score", json=request) for of in (one, other))
            assert mine.status_code == theirs.status_code
            if mine.status_code == 200:
                assert mine.content == theirs.content
            else:  # a problem names its request
                own, others = (
                    {k: v for k, v in each.json().items() if k != "instance"}
                    for each in (mine, theirs)
                )
                assert own == others


def test_a_challenger_that_raises_is_counted_and_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    counts = counter()
    one = shadow(tmp_path, Broken(), counts=counts)
    for number in range(3):
        one.put(*asked(number))
    with caplog.at_level(logging.WARNING, "triage.serving"):
        drained(one)
    assert counted(counts) == {"scored": 0, "dropped": 0, "failed": 3}
    assert len(caplog.records) == 1
    assert list(shadow_scores(tmp_path, NAME)) == []


def test_a_full_queue_drops_shadow_scores_and_counts_them(tmp_path: Path) -> None:
    counts = counter()
    one = shadow(tmp_path, counts=counts, queue=4)
    for number in range(10):
        one.put(*asked(number))
    assert one.waiting == 4
    drained(one)
    assert counted(counts) == {"scored": 4, "dropped": 6, "failed": 0}


def test_a_newer_list_takes_the_place_of_what_is_left_of_the_older(tmp_path: Path) -> None:
    counts = counter()
    one = shadow(tmp_path, counts=counts)
    one.put_worklist(fakes.NOW, fakes.worklist(30, 0))
    for _ in range(10):
        one.score_next()
    one.put_worklist(fakes.NOW + 1, fakes.worklist(5, 0))
    drained(one)
    assert counted(counts) == {"scored": 15, "dropped": 20, "failed": 0}


def test_what_waits_when_the_service_stops_is_counted_and_what_was_scored_is_kept(
    tmp_path: Path,
) -> None:
    counts = counter()
    one = shadow(tmp_path, counts=counts)

    async def stopped_early() -> None:
        async with one.running():
            for number in range(4):
                one.put(*asked(number))
            one.score_next()

    anyio.run(stopped_early)
    assert counted(counts) == {"scored": 1, "dropped": 3, "failed": 0}
    assert len(list(shadow_scores(tmp_path, NAME))) == 1


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(["put", "list", "score", "write"]), max_size=30))
def test_every_answer_is_counted_exactly_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    home, counts, offered = tmp_path_factory.mktemp("shadow"), counter(), 0
    one = shadow(home, counts=counts, queue=2, max_bytes=2_000)
    for at, step in enumerate(steps):
        if step == "put":
            one.put(*asked(at))
            offered += 1
        elif step == "list":
            one.put_worklist(fakes.NOW, fakes.worklist(3, 0))
            offered += 3
        elif step == "score":
            one.score_next()
        else:
            anyio.run(one.write)
    drained(one)
    assert sum(counted(counts).values()) == offered
    assert len(list(shadow_scores(home, NAME))) == counted(counts)["scored"]


def test_the_shadow_takes_a_small_share_of_a_busy_service(tmp_path: Path) -> None:
    """While scores are asked for all the time, hardly any is scored a second time."""
    counts = counter()
    one = shadow(tmp_path, counts=counts, queue=10_000, busy_share=1e-6, quiet_share=0.5)

    async def busy() -> tuple[int, int]:
        async with one.running():
            offered = 0
            for _ in range(60):
                one.put(*asked(offered % 100))
                offered += 1
                await anyio.sleep(0.004)
            while_busy = offered - one.waiting
            with anyio.fail_after(5):
                while one.waiting:
                    await anyio.sleep(0.01)
            return while_busy, offered

    while_busy, offered = anyio.run(busy)
    assert while_busy < offered / 2
    assert counted(counts) == {"scored": offered, "dropped": 0, "failed": 0}


def scores(moments: list[int]) -> list[ShadowScore]:
    return [
        ShadowScore(moment, f"o{at}", "order_created", "at_risk", moment, CHAMPION, 0.2, 1.0,
                    CHALLENGER, 0.3, 2.0)
        for at, moment in enumerate(moments)
    ]  # fmt: skip


def test_a_day_has_a_file_of_its_own_and_reads_back_as_written(tmp_path: Path) -> None:
    written = scores([fakes.NOW, fakes.NOW + MICROS_PER_DAY, fakes.NOW + 5])
    assert ShadowFile(tmp_path, NAME, max_bytes=10**6, keep_days=10**5).append(written) == 3
    assert [p.name for p in sorted((tmp_path / "shadow").iterdir())] == [
        "at_risk-2018-08-29.jsonl", "at_risk-2018-08-30.jsonl",
    ]  # fmt: skip
    assert list(shadow_scores(tmp_path, NAME)) == [written[0], written[2], written[1]]


def test_a_file_never_grows_beyond_its_size(tmp_path: Path) -> None:
    file = ShadowFile(tmp_path, NAME, max_bytes=1_000, keep_days=9)
    had_room = [file.append(scores([fakes.NOW])) for _ in range(9)]
    assert had_room[0] == 1
    assert had_room[-1] == 0
    assert day_file(tmp_path, NAME, date(2018, 8, 29)).stat().st_size <= 1_000


def test_old_days_are_deleted_and_foreign_files_are_not(tmp_path: Path) -> None:
    folder = tmp_path / "shadow"
    folder.mkdir()
    old, foreign = folder / "at_risk-2018-01-01.jsonl", folder / "at_risk-notes.jsonl"
    for path in (old, foreign):
        path.write_text("{}\n")
    now = to_micros(datetime.now(UTC))
    ShadowFile(tmp_path, NAME, max_bytes=10**6, keep_days=9).append(scores([now]))
    assert not old.exists()
    assert foreign.exists()
    assert len(list(shadow_scores(tmp_path, NAME))) == 1


def test_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    ShadowFile(tmp_path, NAME, max_bytes=10**6, keep_days=10**5).append(scores([fakes.NOW]))
    with day_file(tmp_path, NAME, date(2018, 8, 29)).open("a") as file:
        file.write('{"moment": 1, "order')
    assert len(list(shadow_scores(tmp_path, NAME))) == 1


def test_a_disk_that_refuses_is_counted_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "shadow").write_text("a file where the folder should be")
    counts = counter()
    one = shadow(tmp_path, counts=counts)
    one.put(*asked(0))
    drained(one)
    assert counted(counts)["failed"] == 1


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (None, None),
        (challenger(Second()), ("4", None)),
        (challenger(None, "damaged"), ("4", "damaged")),
    ],
)
def test_the_models_that_are_listed_name_the_challenger(
    tmp_path: Path, named: Challenger | None, expected: tuple[str, str | None] | None
) -> None:
    with client(tmp_path, named) as of:
        answer = of.get("/v1/models").json()
        failed = totals(of).get("failed", 0)
    found = answer["challenger"]
    assert answer["champion"]["digest"] == CHAMPION
    assert (found and (found["version"], found["problem"])) == expected
    assert failed == (expected is not None and expected[1] is not None)


@pytest.fixture(scope="module")
def home(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a cheap champion "1" and a challenger "2" that differs in one number a stage."""
    home = tmp_path_factory.mktemp("home")
    shutil.copytree(sample_home / "history", home / "history")
    run = train(NAME, home, workspace=cheap(tmp_path_factory.mktemp("workspace")))
    folder = bundle_folder(home, NAME, run.digest)
    shutil.copytree(run.bundle, folder)
    point_to(home, NAME, {"digest": run.digest, "version": "1"})
    _, files = read_bundle(folder)
    numbers = json.loads(files["model.json"])
    for landmark in numbers["landmarks"].values():
        landmark["offset"] -= 0.02
    partial = home / "models" / NAME / "made"
    digest = write_bundle(partial, NAME, files | {"model.json": json.dumps(numbers).encode()})
    partial.rename(bundle_folder(home, NAME, digest))
    challenge_with(
        home, NAME, {"digest": digest, "version": "2", "since": "2026-03-01T00:00:00+00:00"}
    )
    return home


@pytest.fixture(scope="module")
def history(home: Path) -> History:
    return Log(home).read()


def champion(home: Path, history: History) -> Scorer:
    pointer = json.loads((home / "models" / NAME / "champion.json").read_bytes())
    model = AtRiskModel.load(bundle_folder(home, NAME, pointer["digest"]), pointer["digest"])
    return Scorer(model, "1", history, policy.load())


@pytest.fixture(scope="module")
def answering(home: Path, history: History) -> Scorer:
    return champion(home, history)


def test_a_challenger_with_the_same_features_shares_the_champions_state(
    home: Path, history: History, answering: Scorer
) -> None:
    alone = {i.assessment.order_id: i.assessment for i in answering.worklist().items}
    found = load_challenger(Settings(home=home), answering, history)
    assert found is not None
    assert found.problem == ""
    assert found.shares_state
    assert isinstance(found.advisor, Scorer)
    assert found.advisor.engine is answering.engine
    differ = 0
    for order_id, said in list(alone.items())[:60]:
        second = found.advisor.score_id(order_id, said.as_of)
        differ += second.p_late != said.p_late
        assert replace(answering.score_id(order_id, said.as_of), recommendations=()) == said
    assert differ > 10


def test_other_features_get_a_state_of_their_own(
    home: Path, history: History, answering: Scorer
) -> None:
    other = copy(answering)
    features = replace(other.model.features, available=frozenset({"order.carrier"}))
    other.model = replace(other.model, features=features)
    found = load_challenger(Settings(home=home), other, history)
    assert found is not None
    assert not found.shares_state
    assert isinstance(found.advisor, Scorer)
    assert found.advisor.engine is not answering.engine


def test_a_damaged_challenger_is_told_and_the_champion_is_there(
    home: Path,
    history: History,
    answering: Scorer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    shutil.copytree(home / "models", tmp_path / "models")
    pointer = json.loads((tmp_path / "models" / NAME / "challenger.json").read_bytes())
    (bundle_folder(tmp_path, NAME, pointer["digest"]) / "model.json").write_bytes(b"{}")
    found = load_challenger(Settings(home=tmp_path), answering, history)
    assert found is not None
    assert found.advisor is None
    assert "model.json is not the file" in found.problem
    assert len(caplog.records) == 1
    (tmp_path / "models" / NAME / "challenger.json").write_text("{")
    assert load_challenger(Settings(home=tmp_path), answering, history) is None
    assert end_challenge(tmp_path, NAME)
    assert load_challenger(Settings(home=tmp_path), answering, history) is None


@pytest.fixture(scope="module")
def watched(home: Path, history: History) -> Path:
    """Both models scored, as of 30 days before the extract, what was open then."""
    moment = history.extracted_at - 30 * MICROS_PER_DAY
    earlier = history.before(moment)
    answering = champion(home, earlier)
    found = load_challenger(Settings(home=home), answering, earlier)
    assert found is not None
    assert found.advisor is not None
    file = ShadowFile(home, NAME, max_bytes=10**8, keep_days=10**5)
    one = Shadow(found.advisor, found.against, file, ShadowPolicy(), counter())
    for later in (0, 1):  # ranked twice, the same
        one.put_worklist(moment + later, answering.worklist())
        drained(one)
    return home


def test_the_report_judges_each_order_once_by_what_became_of_it(
    watched: Path, history: History
) -> None:
    found = shadow_report(watched, NAME, history, resamples=40)
    once = {r.order_id: r for r in shadow_scores(watched, NAME) if r.state == "at_risk"}
    delivered = {
        row.order_id: row.event_time
        for row in history.milestones.itertuples()
        if row.milestone == "delivered"
    }
    cancelled = set(history.milestones.query("milestone == 'order_cancelled'")["order_id"].tolist())
    promised = dict(zip(history.orders["order_id"], history.orders["promised_by"], strict=True))
    judged = {
        order_id: delivered.get(order_id, np.inf) >= promised[order_id]
        for order_id in once
        if order_id not in cancelled and promised[order_id] <= history.extracted_at
    }
    whole = found.outcomes[0]
    assert found.agreement[0].orders == len(once)
    assert whole.stage == found.agreement[0].stage == ALL
    assert (whole.orders, whole.late) == (len(judged), sum(judged.values()))
    assert 0 < whole.late < whole.orders
    brier = next(d for d in whole.differences if d.metric == "brier")
    late = np.array([judged[i] for i in judged], dtype=float)
    for side, p in (("champion", "champion_p"), ("challenger", "challenger_p")):
        own = np.array([getattr(once[i], p) for i in judged])
        assert getattr(brier, side) == pytest.approx(float(((own - late) ** 2).mean()))
    assert sum(o.orders for o in found.outcomes[1:]) == whole.orders
    assert 0.5 < found.agreement[0].ranks < 1
    assert (found.challenger, found.champion, found.promotes) == ("version 2", "version 1", "2")


def test_outcomes_that_are_not_known_yet_are_not_guessed(watched: Path, history: History) -> None:
    now = history.extracted_at - 30 * MICROS_PER_DAY
    found = shadow_report(watched, NAME, history.before(now), resamples=20)
    assert found.outcomes == ()
    assert found.verdict().startswith("too early to tell: 0 outcomes")
    assert found.agreement[0].orders > 50
    assert "have no outcome yet" in found.notes[-1]


def test_a_verdict_is_told_only_when_enough_is_known_and_sure(
    watched: Path, history: History
) -> None:
    found = shadow_report(watched, NAME, history, resamples=20)

    def verdict(sign: Literal[-1, 0, 1], late: int = 40) -> str:
        (loss,) = (d for d in found.outcomes[0].differences if d.metric == "log_loss")
        bounds = {1: (-0.2, -0.1), 0: (-0.1, 0.1), -1: (0.1, 0.2)}[sign]
        judged = replace(
            found.outcomes[0], orders=200, late=late,
            differences=(replace(loss, low=bounds[0], high=bounds[1]),),
        )  # fmt: skip
        return replace(found, outcomes=(judged,)).verdict()

    assert "version 2 is better" in verdict(1)
    assert "triage promote 2" in verdict(1)
    assert verdict(-1).endswith("keep version 1")
    assert "cannot tell" in verdict(0)
    assert "too early" in verdict(1, late=3)
    assert len(as_text(found).renderables) >= 5


def test_a_cancelled_order_and_one_that_nobody_knows_have_no_outcome(history: History) -> None:
    cancelled = history.milestones.query("milestone == 'order_cancelled'")["order_id"].iloc[0]
    rows = history.orders[["order_id"]].head(50)
    asked_for = [*rows["order_id"], cancelled, "nobody's"]
    judged = with_outcomes(rows.reindex(range(52)).assign(order_id=asked_for), history, 0.0)
    assert cancelled not in set(judged["order_id"])
    assert "nobody's" not in set(judged["order_id"])
    assert len(judged) > 40
