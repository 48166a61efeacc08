"""Where no model can answer, the rule does, and it says so."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import httpx2 as httpx
import pytest
from tests.unit.serving.test_succession import own, served, until

from triage.commands import rule
from triage.errors import BundleError
from triage.ledger.reading import open_reading
from triage.models.at_risk import NAME
from triage.models.champion import RULE, bundle_folder, champion, find_rule, point_to
from triage.serving.decisions import KIND
from triage.serving.main import standing, wants_rule
from triage.serving.replay import replay
from triage.settings import Settings
from triage.training.stand_in import fit_stand_in

__all__ = ["own"]


@pytest.fixture(scope="module")
def ruled(home: Path, workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a log and the rule."""
    made = tmp_path_factory.mktemp("ruled")
    shutil.copytree(home / "history", made / "history")
    fit_stand_in(NAME, made, workspace=workspace)
    return made


@pytest.fixture
def modelless(own: Path, ruled: Path) -> Path:
    """A home of one's own with the rule, and no champion in force."""
    (own / "models" / NAME / "champion.json").rename(own / "kept.json")
    shutil.copytree(ruled / "models", own / "models", dirs_exist_ok=True)
    return own


async def said(client: httpx.AsyncClient) -> tuple[str, str]:
    ready = (await client.get("/readyz")).json()
    return ready["status"], ready["model"]["version"]


def test_the_rule_answers_until_a_model_is_promoted_and_each_answer_is_made_again(
    modelless: Path,
) -> None:
    async def go() -> list[tuple[str, str]]:
        async with served(modelless) as client:
            items = (await client.get("/v1/worklist?page_size=3")).json()["items"]
            names = [item["order_id"] for item in items]
            seen = [await said(client)]
            for name in names:
                answer = await client.post("/v1/score", json={"order_id": name})
                assert answer.status_code == 200
                assert answer.json()["model"]["version"] == RULE
                assert answer.json()["reasons"]
            assert "a plain rule stands in" in (await client.get("/")).text
            (modelless / "kept.json").rename(modelless / "models" / NAME / "champion.json")

            async def promoted() -> bool:
                return (await said(client))[1] != RULE

            await until(promoted)
            seen.append(await said(client))
            await client.post("/v1/score", json={"order_id": names[0]})
            assert "a plain rule stands in" not in (await client.get("/")).text
            return seen

    assert asyncio.run(go()) == [("degraded", RULE), ("ready", "7")]
    reading = open_reading(modelless)
    made = list(replay(modelless, reading, reading.entries(1, KIND)))
    reading.close()
    assert [each.same for each in made] == [True] * 4
    assert len({each.decision.basis.model for each in made}) == 2


def test_a_champion_that_is_refused_with_none_before_it_gives_way_to_the_rule(
    modelless: Path,
) -> None:
    digest = fit_of(modelless)
    spoilt = {"digest": "0" * 64, "version": "8"}
    point_to(modelless, NAME, spoilt)
    assert [each["digest"] for each in standing(modelless)] == ["0" * 64, digest]

    async def go() -> tuple[str, str]:
        async with served(modelless) as client:
            return await said(client)

    assert asyncio.run(go()) == ("degraded", RULE)


def fit_of(home: Path) -> str:
    pointer = find_rule(home, NAME)
    assert pointer is not None
    return str(pointer["digest"])


def test_the_rule_is_fitted_only_where_no_model_is_whole(
    home: Path, ruled: Path, workspace: Path, tmp_path: Path
) -> None:
    assert not wants_rule(home)
    assert not wants_rule(ruled)
    shutil.copytree(ruled / "history", tmp_path / "history")
    assert wants_rule(tmp_path)
    settings = Settings(home=tmp_path, workspace=workspace)
    rule.where_no_model(settings)
    assert fit_of(tmp_path) == fit_of(ruled)
    (bundle_folder(tmp_path, NAME, fit_of(tmp_path)) / "model.json").write_text("{}")
    assert wants_rule(tmp_path)
    fit_stand_in(NAME, tmp_path, workspace=workspace)
    assert not wants_rule(tmp_path)
    shutil.rmtree(bundle_folder(tmp_path, NAME, fit_of(tmp_path)))
    assert wants_rule(tmp_path)


def test_without_a_log_nothing_is_fitted(tmp_path: Path) -> None:
    rule.where_no_model(Settings(home=tmp_path))
    assert find_rule(tmp_path, NAME) is None
    with pytest.raises(BundleError):
        champion(tmp_path, NAME)


def test_with_the_registry_gone_a_service_starts_answers_and_shows_its_models(own: Path) -> None:
    (own / "mlflow.db").write_bytes(b"this is no database" * 100)

    async def go() -> None:
        async with served(own) as client:
            (first,) = (await client.get("/v1/worklist?page_size=1")).json()["items"]
            answer = await client.post("/v1/score", json={"order_id": first["order_id"]})
            assert answer.status_code == 200
            assert answer.json()["model"]["digest"] == champion(own, NAME)["digest"]
            for path in ("/readyz", "/v1/models", "/models", "/"):
                assert (await client.get(path)).status_code == 200, path

    asyncio.run(go())
