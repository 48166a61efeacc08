"""Models that are promoted, rolled back and spoilt while a service answers."""

from __future__ import annotations

import json
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.fault_service import Service, Traffic
from triage.models.at_risk import MODEL_FILE, NAME
from triage.models.bundle import MANIFEST, read_bundle, write_bundle
from triage.models.champion import bundle_folder, champion, point_to

_SECONDS = 180.0
_EVERY_NEW, _EVERY_RESEALED = 20, 25
_SHIFT = 1e-3
_DELETE, _CUT, _LENGTHEN, _FLIP = range(4)


@dataclass(frozen=True, slots=True)
class Swaps:
    """What was seen while champions took turns.

    Attributes:
        swaps: how often another model took over.
        loaded: how many of these were not in memory before.
        answers: given meanwhile.
        failed: of these, other than 200.
        models: how many models answered.
    """

    swaps: int
    loaded: int
    answers: int
    failed: int
    models: int


@dataclass(frozen=True, slots=True)
class Mutations:
    """What became of bundles that were spoilt.

    Attributes:
        made: how many there were.
        refused: how many of them never answered, while the champion went on.
    """

    made: int
    refused: int


def variant(home: Path, digest: str, number: int) -> str:
    """Write a bundle that says a little else than another; return its digest."""
    _, files = read_bundle(bundle_folder(home, NAME, digest))
    numbers = json.loads(files[MODEL_FILE])
    for landmark in numbers["landmarks"].values():
        landmark["offset"] -= _SHIFT * number
    return _written(home, files | {MODEL_FILE: json.dumps(numbers).encode()})


def swaps(
    service: Service, home: Path, traffic: Callable[[], Traffic], count: int
) -> tuple[Swaps, Traffic]:
    """Let champions take turns under traffic; most are in memory, some have to be loaded.

    Args:
        service: answers.
        home: its home.
        traffic: makes someone who asks.
        count: how often another takes over.
    """
    first = str(champion(home, NAME)["digest"])
    other, loaded, seen = variant(home, first, 1), 0, {first}
    asking = traffic()
    asking.start()
    for number in range(1, count + 1):
        if number % _EVERY_NEW == 1:
            other = other if number == 1 else variant(home, first, number)
            loaded += 1
        digest = other if number % 2 else first
        point_to(home, NAME, {"digest": digest, "version": f"swap {number}"})
        _until(partial(_answers_as, service, digest))
        seen.add(digest)
    point_to(home, NAME, {"digest": first, "version": "1"})
    _until(partial(_answers_as, service, first))
    asking.over.set()
    asking.join()
    answers = len(asking.decisions) + len(asking.events)
    return Swaps(count, loaded, answers, asking.failed, len(seen)), asking


def mutations(service: Service, home: Path, count: int, seed: int = 1) -> Mutations:
    """Promote spoilt bundles; each is to be refused while the champion goes on.

    Most differ from their digest: a bit, a byte more, a cut or missing file. Some are sealed anew
    around trees that are cut short, so that the digest fits and reading them is the risk.
    """
    first, luck = str(champion(home, NAME)["digest"]), random.Random(seed)  # noqa: S311
    _, files = read_bundle(bundle_folder(home, NAME, first))
    refused = 0
    for number in range(1, count + 1):
        version = f"spoilt {number}"
        if number % _EVERY_RESEALED == 0:
            digest = _written(home, _cut_short(files, luck))
        else:
            digest = variant(home, first, 1_000 + number)
            _spoil(bundle_folder(home, NAME, digest), luck)
        point_to(home, NAME, {"digest": digest, "version": version})
        _until(partial(_is_refused, service, version))
        refused += _answering(service) == first
        shutil.rmtree(bundle_folder(home, NAME, digest))
    point_to(home, NAME, {"digest": first, "version": "1"})
    _until(partial(_is_refused, service, None))
    return Mutations(count, refused)


def _written(home: Path, files: dict[str, bytes]) -> str:
    made = home / "models" / NAME / "made"
    digest = write_bundle(made, NAME, files)
    folder = bundle_folder(home, NAME, digest)
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)
    return digest


def _spoil(folder: Path, luck: random.Random) -> None:
    path = luck.choice(sorted(each for each in folder.rglob("*") if each.is_file()))
    content, kind = bytearray(path.read_bytes()), luck.choice((_DELETE, _CUT, _LENGTHEN, _FLIP))
    if kind == _DELETE:
        path.unlink()
        return
    at = luck.randrange(len(content))
    if kind == _CUT:
        del content[at:]
    elif kind == _LENGTHEN:
        content.insert(at, luck.choice(b"0123456789"))
    else:
        content[at] ^= 1 << luck.randrange(8)
    if path.name == MANIFEST and json.loads(path.read_bytes()) == _parsed(bytes(content)):
        path.unlink()  # a change of white space says the same
        return
    path.write_bytes(content)


def _parsed(content: bytes) -> Any:  # noqa: ANN401 - whatever the JSON says
    try:
        return json.loads(content)
    except ValueError:
        return None


def _cut_short(files: dict[str, bytes], luck: random.Random) -> dict[str, bytes]:
    name = luck.choice(sorted(each for each in files if each.startswith("trees/")))
    return files | {name: files[name][: luck.randrange(len(files[name]) // 2)]}


def _answering(service: Service) -> str:
    return str(service.ask("GET", "/readyz")[1]["model"]["digest"])


def _answers_as(service: Service, digest: str) -> bool:
    return _answering(service) == digest


def _is_refused(service: Service, version: str | None) -> bool:
    """Return whether this is the version that is told as refused; None: none is."""
    told = service.ask("GET", "/v1/models")[1]["refused"]
    return (None if told is None else str(told["version"])) == version


def _until(happens: Callable[[], bool]) -> None:
    until = time.monotonic() + _SECONDS
    while not happens():
        if time.monotonic() > until:
            raise SystemExit("the service did not follow the pointer in three minutes")
        time.sleep(0.02)
