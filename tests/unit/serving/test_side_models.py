"""Models of prices and exceptions that are promoted while the service runs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from tests import exception_cases as cases
from tests import exception_queue_cases as queued
from tests import fakes
from tests.unit.models.test_prices import numbers
from tests.unit.serving.test_succession import own, served, until

from triage.ledger.reading import open_reading
from triage.models import exceptions, prices
from triage.models.bundle import write_bundle
from triage.models.champion import bundle_folder, point_to
from triage.serving.decisions import KIND
from triage.serving.exceptions.queue import ExceptionQueue
from triage.serving.metrics import Metrics
from triage.serving.replay import replay
from triage.serving.service import Service
from triage.serving.side_models import SideModels
from triage.settings import Settings

__all__ = ["own"]


def promoted(home: Path, name: str, files: dict[str, bytes], version: str) -> str:
    """Put a bundle in force; return its digest."""
    digest = write_bundle(home / "made", name, files)
    write_bundle(bundle_folder(home, name, digest), name, files)
    point_to(home, name, {"digest": digest, "version": version})
    return digest


def priced(home: Path, version: str, **changed: object) -> str:
    return promoted(home, prices.NAME, {prices.FILE: prices.dumped(numbers(**changed))}, version)


def looked(home: Path, service: Service) -> SideModels:
    """Look once."""
    side = SideModels(home, service, 1.0)
    asyncio.run(side.look())
    return side


def test_a_model_of_prices_takes_over_while_orders_are_scored(own: Path) -> None:
    first = priced(own, "1")

    async def go() -> tuple[str, list[object]]:
        async with served(own) as client:
            order_id = (await client.get("/v1/worklist?page_size=1")).json()["items"][0]["order_id"]

            async def ranges() -> list[object]:
                answer = (await client.post("/v1/score", json={"order_id": order_id})).json()
                return [(x["price"]["low"], x["price"]["high"]) for x in answer["lines"]]

            before = await ranges()
            second = priced(own, "2", width_factor=9.0, least_width=0.3)

            async def changed() -> bool:
                return await ranges() != before

            await until(changed)
            return second, [before, await ranges()]

    second, (before, after) = asyncio.run(go())
    assert before != after
    reading = open_reading(own)
    made = list(replay(own, reading, reading.entries(1, KIND)))
    reading.close()
    assert {each.decision.basis.prices for each in made} == {first, second}
    assert all(each.same for each in made)


@pytest.fixture
def service() -> Service:
    made = Service(fakes.FakeAdvisor, Settings(), lambda: fakes.NOW, Metrics())
    made.queue = ExceptionQueue(queued.desk())
    made.exceptions = made.queue.desk
    return made


def test_a_model_of_exceptions_classifies_anew_what_is_open(
    service: Service, tmp_path: Path
) -> None:
    queue = service.queue
    assert queue is not None
    before = {name: case.answer.abstained for name, case in queue.open.items()}
    version = queue.version
    fitted = cases.fitted()
    never_sure = fitted.model.numbers.model_copy(update={"threshold": 2.0})
    files = fitted.files | {"model.json": never_sure.model_dump_json().encode()}
    digest = promoted(tmp_path, exceptions.NAME, files, "5")
    looked(tmp_path, service)
    assert (queue.desk.model.digest, queue.desk.version) == (digest, "5")
    after = {name: case.answer.abstained for name, case in queue.open.items()}
    assert list(after) == list(before)
    assert not all(before.values())
    assert all(after.values())
    assert queue.version > version


def test_what_cannot_be_read_is_refused_once_and_the_model_before_goes_on(
    service: Service, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    queue = service.queue
    assert queue is not None
    held = queue.desk.model.digest
    digest = promoted(tmp_path, exceptions.NAME, cases.fitted().files, "5")
    spoilt = next(bundle_folder(tmp_path, exceptions.NAME, digest).glob("*.json"))
    spoilt.write_text(json.dumps({}))
    side = looked(tmp_path, service)
    asyncio.run(side.look())
    assert queue.desk.model.digest == held
    assert len([line for line in caplog.messages if "is refused" in line]) == 1


def test_without_a_pointer_nothing_changes(service: Service, tmp_path: Path) -> None:
    queue = service.queue
    assert queue is not None
    held = queue.desk.model
    looked(tmp_path, service)
    assert queue.desk.model is held
