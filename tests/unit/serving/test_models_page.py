from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests import fakes

from triage.models.at_risk import NAME
from triage.models.champion import card_file, point_to
from triage.models.drift_file import keep_drift, last_drift
from triage.models.drift_settings import load
from triage.models.held import Held, Sums, Verdict
from triage.models.promotions import record_promotion
from triage.models.shadow_file import ShadowScore
from triage.serving.outcomes.alarm import Looked
from triage.serving.outcomes.outcome import Outcome
from triage.serving.outcomes.record import Judged, LiveRecord
from triage.serving.pages import models_view as views
from triage.settings import Settings
from triage.training.drift import BIAS
from triage.training.drift_report import DriftReport, InputDrift, OutcomeChange, OutcomeDrift

DIGEST = fakes.INFO.digest
SCORE = ShadowScore(1, "A", "order_created", "at_risk", 1, "c", 0.2, 0.0, "d", 0.4, 0.0)


def promoted(home: Path, version: str, **changes: object) -> None:
    gate = {"name": "roc_auc", "landmark": "order_created", "passed": True, "measured": 0.8,
            "required": 0.7, "words": "0.8", "bound": "at_least"}  # fmt: skip
    told = {
        "action": "promote", "digest": DIGEST, "version": version, "who": "Ana", "why": "better",
        "promoted_at": "2018-08-01T10:00:00+00:00", "gates": [gate],
    }  # fmt: skip
    point_to(home, NAME, told | changes)
    record_promotion(home, NAME)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(fakes.app(Settings(home=tmp_path), folder=tmp_path)) as made:
        yield made


def shown(client: TestClient) -> str:
    return html.unescape(client.get("/models").text)


def carded(home: Path, text: str) -> None:
    promoted(home, "3")
    card_file(home, NAME, DIGEST).write_text(text, encoding="utf-8")


def test_the_card_of_the_champion_is_a_page_without_a_style_of_its_own(
    client: TestClient, tmp_path: Path
) -> None:
    carded(tmp_path, "# Card\n\n`p_late`\n\n| a | b |\n| --- | ---: |\n| model | .835 |\n")
    page = client.get(f"/models/{NAME}/card").text
    assert "<h1>Card</h1>" in page
    assert "<code>p_late</code>" in page
    assert '<td class="figure">.835</td>' in page
    assert "style=" not in page
    assert f'href="/models/{NAME}/card"' in client.get("/models").text


@pytest.mark.parametrize(
    "said", ["<script>x()</script>", "[a](javascript:x)", "<img src=y>", "![a](//elsewhere/a.png)"]
)
def test_nothing_in_a_card_is_more_than_text(client: TestClient, tmp_path: Path, said: str) -> None:
    carded(tmp_path, f"# Card\n\n{said}\n")
    assert said in html.unescape(client.get(f"/models/{NAME}/card").text)


@pytest.mark.parametrize("name", [NAME, "prices", "no-such-model", ".."])
def test_where_no_card_is_kept_the_page_says_so(
    client: TestClient, tmp_path: Path, name: str
) -> None:
    promoted(tmp_path, "3")
    answer = client.get(f"/models/{name}/card")
    assert answer.status_code == 404
    assert f"/models/{NAME}/card" not in client.get("/models").text


def test_the_page_says_what_answers_with_which_gates_and_who_promoted_it(
    client: TestClient, tmp_path: Path
) -> None:
    promoted(tmp_path, "2", why="<b>first</b>")
    promoted(tmp_path, "3")
    text = shown(client)
    assert "Risk of delay, version 3" in text
    assert DIGEST[:12] in text
    assert "1 of 1 passed" in text
    assert re.search(r"<td[^>]*>0.800</td><td[^>]*>at least 0.700</td>", text)
    assert text.index("Promoted version 3") < text.index("Promoted version 2")
    assert "&lt;b&gt;first" in client.get("/models").text
    assert 'href="http://testserver:5001/#/models/at_risk/versions/3"' in text


def test_going_back_is_told_as_what_it_is(client: TestClient, tmp_path: Path) -> None:
    promoted(tmp_path, "3")
    promoted(tmp_path, "2", action="rollback", who="Ben", why="it did not hold")
    assert "Went back to version 2" in shown(client)
    assert "by Ben: it did not hold" in shown(client)


def test_a_gate_that_failed_is_counted(client: TestClient, tmp_path: Path) -> None:
    failed = {"name": "churn", "landmark": None, "passed": False, "words": "too much"}
    promoted(tmp_path, "3", gates=[failed])
    assert "0 of 1 passed" in shown(client)
    assert "Failed" in shown(client)
    assert '<span class="line sub" lang="en">too much</span>' in shown(client)


def test_the_last_look_for_drift_is_told_with_its_day(client: TestClient, tmp_path: Path) -> None:
    promoted(tmp_path, "3")
    assert "Nobody has looked for it yet." in shown(client)
    keep_drift(tmp_path, NAME, {"verdict": "Retrain.", "retrain_advised": True, "digest": DIGEST})
    assert "Training again is advised. Looked on" in shown(client)
    keep_drift(tmp_path, NAME, {"verdict": "Retrain.", "retrain_advised": True, "digest": "x"})
    assert "another model than the one that answers now" in shown(client)


def test_a_torn_file_of_drift_counts_as_none(tmp_path: Path) -> None:
    keep_drift(tmp_path, NAME, {"verdict": "v", "digest": "x"})
    path = tmp_path / "runs" / f"drift-{NAME}.json"
    path.write_bytes(path.read_bytes()[:9])
    assert last_drift(tmp_path, NAME) is None


def test_a_pointer_that_cannot_be_read_is_told(client: TestClient, tmp_path: Path) -> None:
    promoted(tmp_path, "3")
    (tmp_path / "models" / NAME / "champion.json").write_text("{")
    assert "cannot be read" in shown(client)


def looked(held: Held, *, on_hold_out: bool = False, since: int | None = None) -> Looked:
    return Looked("m", Verdict(on_hold_out, (held,), load().live), since)


HOLDS = Held("all stages", 400, 44, 40.0, 30, 1.1, 0.8, 1.4)


def test_live_answers_are_held_against_outcomes_apart_by_what_people_did() -> None:
    record = LiveRecord()
    nothing = views.holds(None, "m", None, held_out=False)
    assert views.holds(record, "m", None, held_out=False) == nothing
    record.sums["m", "left_alone"] = Sums(400, 44, 40.0)
    record.sums["m", "acted_on"] = Sums(30, 3, 12.0)
    alone, acted, read_on = views.holds(record, "m", looked(HOLDS), held_out=False)
    assert "400 answers on orders that nobody acted on, 44 came out late where 40" in alone
    assert "30 answers on orders that somebody acted on" in acted
    assert "on the orders that nobody acted on; none are held out" in read_on
    few = looked(replace(HOLDS, expected=1.0))
    last = views.holds(record, "m", few, held_out=False)[-1]
    assert last == "That is too few for a verdict."


def test_live_answers_are_read_on_the_hold_out_where_there_is_one_and_the_page_says_which() -> None:
    record = LiveRecord()
    record.sums["m", "held_out"] = Sums(300, 31, 30.0)
    record.sums["m", "left_alone"] = Sums(400, 44, 40.0)
    found = looked(HOLDS, on_hold_out=True)
    held, alone, read_on = views.holds(record, "m", found, held_out=True)
    assert "300 answers on orders that were held out and left alone, 31" in held
    assert "400 answers on other orders that nobody acted on, 44" in alone
    assert "held out and left alone" in read_on
    assert "too few have" in views.holds(record, "m", looked(HOLDS), held_out=True)[-1]


def test_an_alarm_is_told_with_where_answers_do_not_hold_and_since_when() -> None:
    off = replace(HOLDS, name="order_created", late=80, ratio=2.0, low=1.7, high=2.3)
    now = 1_700_000_000_000_000
    first, where = views.alarm(looked(off, since=now), now, "UTC")
    assert first.startswith("Alarm since ")
    assert where.startswith("Ordered: 80 of 400 late where 40 were expected")
    assert "between 1.70 and 2.30 times" in where
    assert views.alarm(looked(HOLDS), now, "UTC") == views.alarm(None, now, "UTC") == []


def test_a_challenger_is_compared_on_the_first_score_of_an_order_and_stage() -> None:
    told = [
        SCORE, replace(SCORE, challenger_p=0.9), replace(SCORE, order_id="B", challenger_p=0.1),
        replace(SCORE, challenger="other"), replace(SCORE, order_id="C", state="already_late"),
    ]  # fmt: skip
    late = Outcome("A", late=True, late_at=2, delivered=None, cancelled=False, contract="c")
    found = views.beside(told, "c", "d", {"A": Judged((), late, acted=False)})
    assert (found.n, found.known, found.late) == (2, 1, 1)
    assert found.apart == pytest.approx(0.15)
    assert found.higher == pytest.approx(0.05)
    assert found.challenger_loss < found.champion_loss
    assert "1 the outcome is known" in views.beside_words(found)[1]


def test_the_page_shows_an_alarm_above_the_figures(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    off = replace(HOLDS, ratio=2.0, low=1.7, high=2.3)
    told = views.alarm(looked(off), 0, "UTC")
    assert "Alarm" not in shown(client)
    monkeypatch.setattr(views, "alarm", lambda *_: told)
    text = shown(client)
    assert '<p class="refusal">Alarm: live answers do not hold.</p>' in text
    assert text.index(told[1]) < text.index("It cannot be told yet")


def test_nothing_scored_beside_is_no_error() -> None:
    found = views.beside([], "c", "d", {})
    assert asdict(found)["n"] == 0
    assert views.beside_words(found) == ["Both have not scored an order yet."]


def test_drift_is_told_by_stage_in_words_of_the_catalogue(
    client: TestClient, tmp_path: Path
) -> None:
    settings = load()
    moved = InputDrift("order_created", "site.open", "Orders open", 900, 0.9, 0.01, 0.1, 0.4, 0.25)
    still = replace(moved, psi=0.0)
    change = OutcomeChange(BIAS, "2018-08-20T10:00+00:00", 0.01, 0.07, worse=True)
    late = OutcomeDrift("order_created", 1200, 180, 120.0, 1.5, 0.05, (change,))
    report = DriftReport(DIGEST, "2018-07-01", "2018-08-29", (moved, still), (late,), settings)
    promoted(tmp_path, "3")
    keep_drift(tmp_path, NAME, report.plain())
    text = shown(client)
    told = re.findall(r"<th [^>]*>Ordered</th>(.*?)</tr>", text)
    assert re.findall(r"<td[^>]*>([^<]*)</td>", told[0]) == [
        "1 of 2",
        "25%",
        "1,200",
        "180",
        "120",
        "1.50",
    ]
    assert "less the predicted one, has gone from 0.010 to 0.070 since 20 Aug 2018." in text
    assert report.verdict() not in text
