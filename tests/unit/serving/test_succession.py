"""A model that is promoted while the service runs takes over; what cannot be loaded is refused."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from fastapi import FastAPI

from triage.errors import BundleError
from triage.ledger.reading import open_reading
from triage.models.at_risk import MODEL_FILE, NAME, AtRiskModel
from triage.models.bundle import read_bundle, write_bundle
from triage.models.champion import (
    bundle_folder,
    challenge_with,
    champion,
    end_challenge,
    point_to,
)
from triage.serving import trial
from triage.serving.decisions import KIND
from triage.serving.main import create
from triage.serving.replay import replay
from triage.settings import Settings

SECONDS = 60.0
LOOK = 0.05
SINCE = "2026-01-01T00:00:00+00:00"


def moved(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return a bundle that is a little surer of lateness."""
    numbers = json.loads(files[MODEL_FILE])
    for landmark in numbers["landmarks"].values():
        landmark["offset"] -= 0.05
    return files | {MODEL_FILE: json.dumps(numbers).encode()}


def promoted(home: Path, files: dict[str, bytes], version: str) -> str:
    """Put a bundle in force as `triage promote` does; return its digest."""
    folder = home / "models" / NAME / "made"
    digest = write_bundle(folder, NAME, files)
    shutil.rmtree(bundle_folder(home, NAME, digest), ignore_errors=True)
    folder.rename(bundle_folder(home, NAME, digest))
    point_to(home, NAME, {"digest": digest, "version": version})
    return digest


@pytest.fixture
def own(home: Path, workspace: Path, tmp_path: Path) -> Path:
    """A home of one's own whose service looks for promotions all the time."""
    shutil.copytree(home, tmp_path / "home")
    made = tmp_path / "workspace"
    shutil.copytree(workspace, made)
    policy = made / "serving" / "policy.toml"
    text = policy.read_text()
    assert text.count("look_seconds = 1 ") == 1
    policy.write_text(text.replace("look_seconds = 1 ", f"look_seconds = {LOOK} "))
    return tmp_path / "home"


@asynccontextmanager
async def served(home: Path) -> AsyncIterator[httpx.AsyncClient]:
    app: FastAPI = create(Settings(home=home, workspace=home.parent / "workspace"))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield client


async def digest_of(client: httpx.AsyncClient) -> str:
    return str((await client.get("/readyz")).json()["model"]["digest"])


async def until(happens: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SECONDS):
        while not await happens():
            await asyncio.sleep(LOOK)


async def answers_as(client: httpx.AsyncClient, digest: str) -> None:
    async def does() -> bool:
        return await digest_of(client) == digest

    await until(does)


async def first_orders(client: httpx.AsyncClient, count: int) -> list[str]:
    listed = (await client.get(f"/v1/worklist?page_size={count}")).json()
    return [item["order_id"] for item in listed["items"]]


async def score(client: httpx.AsyncClient, order_id: str) -> dict[str, Any]:
    answer = await client.post("/v1/score", json={"order_id": order_id})
    assert answer.status_code == 200
    return dict(answer.json())


def test_a_promotion_takes_over_while_orders_are_scored_and_each_decision_names_its_model(
    own: Path,
) -> None:
    first = str(champion(own, NAME)["digest"])
    _, files = read_bundle(bundle_folder(own, NAME, first))

    async def go() -> tuple[str, set[str]]:
        seen = set()
        async with served(own) as client:
            names = await first_orders(client, 5)
            done = asyncio.Event()

            async def ask() -> None:
                while not done.is_set():
                    for name in names:
                        answer = await score(client, name)
                        seen.add(answer["model"]["digest"])
                        await asyncio.sleep(0)

            asking = asyncio.create_task(ask())
            second = promoted(own, moved(files), "8")
            await answers_as(client, second)
            point_to(own, NAME, {"digest": first, "version": "9"})
            await answers_as(client, first)
            await asyncio.sleep(LOOK)
            done.set()
            await asking
        return second, seen

    second, seen = asyncio.run(go())

    assert seen == {first, second}
    reading = open_reading(own)
    try:
        made = list(replay(own, reading, reading.entries(1, KIND)))
    finally:
        reading.close()
    assert {each.decision.basis.model for each in made} == {first, second}
    assert {each.decision.basis.version for each in made} == {"7", "8", "9"}
    assert [each for each in made if not each.same] == []


def test_a_model_that_takes_over_has_seen_every_event(own: Path) -> None:
    first = str(champion(own, NAME)["digest"])
    _, files = read_bundle(bundle_folder(own, NAME, first))

    def events(name: str, moment: str) -> dict[str, Any]:
        data = {
            "order_id": name, "milestone": "delivered", "event_time": moment, "record_time": moment
        }  # fmt: skip
        return {"id": name, "source": "test", "type": "milestone", "data": data}

    async def go() -> list[int]:
        async with served(own) as client:
            names = await first_orders(client, 3)
            listed = (await client.get("/v1/worklist?page_size=1")).json()["as_of"]
            moment = _later(listed)
            sent = await client.post("/v1/events", json=events(names[0], moment))
            second = promoted(own, moved(files), "8")
            between = await client.post("/v1/events", json=events(names[1], moment))
            await answers_as(client, second)
            after = await client.post("/v1/events", json=events(names[2], moment))
            assert [each.status_code for each in (sent, between, after)] == [200] * 3
            return [
                (await client.post("/v1/score", json={"order_id": name})).status_code
                for name in names
            ]

    assert asyncio.run(go()) == [422] * 3


def _later(moment: str) -> str:
    return (datetime.fromisoformat(moment) + timedelta(minutes=1)).isoformat()


def test_changed_bytes_are_refused_and_the_old_model_goes_on(own: Path) -> None:
    first = str(champion(own, NAME)["digest"])
    _, files = read_bundle(bundle_folder(own, NAME, first))

    async def go() -> tuple[dict[str, Any], str]:
        async with served(own) as client:
            second = promoted(own, moved(files), "8")
            _spoil(bundle_folder(own, NAME, second), random.Random(3))  # noqa: S311

            async def refused() -> bool:
                return (await client.get("/readyz")).json()["status"] == "degraded"

            await until(refused)
            names = await first_orders(client, 1)
            answered = await score(client, names[0])
            told = (await client.get("/v1/models")).json()
            assert told["champion"]["digest"] == answered["model"]["digest"] == first
            point_to(own, NAME, {"digest": first, "version": "7"})

            async def well() -> bool:
                return (await client.get("/readyz")).json()["status"] == "ready"

            await until(well)
            return told["refused"], second

    refused, second = asyncio.run(go())
    assert (refused["digest"], refused["version"]) == (second, "8")
    assert "refused" in refused["problem"]


def test_a_start_with_a_champion_that_is_refused_serves_the_one_before_and_says_so(
    own: Path,
) -> None:
    first = str(champion(own, NAME)["digest"])
    _, files = read_bundle(bundle_folder(own, NAME, first))
    second = promoted(own, moved(files), "8")
    before = {"digest": first, "version": "7"}
    point_to(own, NAME, {"digest": second, "version": "8", "previous": before})
    (bundle_folder(own, NAME, second) / MODEL_FILE).unlink()

    async def go() -> tuple[dict[str, Any], dict[str, Any]]:
        async with served(own) as client:
            names = await first_orders(client, 1)
            return (await client.get("/readyz")).json(), await score(client, names[0])

    ready, answer = asyncio.run(go())
    assert (ready["status"], ready["model"]["digest"]) == ("degraded", first)
    assert answer["model"] == ready["model"]


def _spoil(folder: Path, luck: random.Random) -> None:
    path = luck.choice(sorted(each for each in folder.rglob("*") if each.is_file()))
    content = bytearray(path.read_bytes())
    content[luck.randrange(len(content))] ^= 1 << luck.randrange(8)
    path.write_bytes(content)


def test_a_model_that_would_end_the_process_is_tried_elsewhere(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = str(champion(own, NAME)["digest"])
    folder = bundle_folder(own, NAME, first)
    package = own / "deadly" / "triage"
    shutil.copytree(Path(trial.__file__).parents[1], package)
    deadly = package / "models" / "at_risk.py"
    deadly.write_text(deadly.read_text() + "\nimport os, signal\nos.kill(os.getpid(), 9)\n")
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    with pytest.raises(BundleError, match="ended the process"):
        asyncio.run(trial.tried(folder, first))


def test_a_trial_accepts_what_training_made_and_refuses_numbers_that_are_none(own: Path) -> None:
    first = str(champion(own, NAME)["digest"])
    folder = bundle_folder(own, NAME, first)
    trial.check(folder, first)
    _, files = read_bundle(folder)
    numbers = json.loads(files[MODEL_FILE])
    next(iter(numbers["landmarks"].values()))["offset"] = 1e308
    wild = promoted(own, files | {MODEL_FILE: json.dumps(numbers).encode()}, "9")
    with pytest.raises(BundleError, match="cannot be asked"):
        trial.check(bundle_folder(own, NAME, wild), wild)


def test_a_challenger_that_is_named_scores_at_once_and_is_promoted_without_loading(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = str(champion(own, NAME)["digest"])
    _, files = read_bundle(bundle_folder(own, NAME, first))
    loaded: list[str] = []
    load = AtRiskModel.load

    def noted(folder: Path, expected: str | None = None) -> AtRiskModel:
        loaded.append(str(expected))
        return load(folder, expected)

    monkeypatch.setattr(AtRiskModel, "load", noted)

    async def go() -> str:
        async with served(own) as client:
            second = promoted(own, moved(files), "8")
            point_to(own, NAME, {"digest": first, "version": "7"})
            challenge_with(own, NAME, {"digest": second, "version": "8", "since": SINCE})

            async def challenged() -> bool:
                told = (await client.get("/v1/models")).json()["challenger"]
                return told is not None and told["digest"] == second and told["problem"] is None

            await until(challenged)
            point_to(own, NAME, {"digest": second, "version": "8"})
            end_challenge(own, NAME)
            await answers_as(client, second)

            async def alone() -> bool:
                return (await client.get("/v1/models")).json()["challenger"] is None

            await until(alone)
            return second

    second = asyncio.run(go())
    assert loaded == [first, second]
