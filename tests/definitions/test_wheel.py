"""The wheel carries everything it needs: one import name, its declarations, nothing around it."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.conftest import ROOT, SAMPLE

from triage import workspace

CARRIED = (*workspace.FOLDERS, "data/mappings")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_its_only_import_name_is_triage(wheel: Path, unpacked: Path) -> None:
    assert wheel.name.startswith("fulfilment_triage-")
    top = {path.name for path in unpacked.iterdir()}
    dist_info = {name for name in top if name.endswith(".dist-info")}
    assert top - dist_info == {"triage"}
    assert len(dist_info) == 1


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("name", CARRIED)
def test_it_carries_the_declarations_of_the_checkout(unpacked: Path, name: str) -> None:
    carried = files_below(unpacked / "triage" / "_workspace" / name)
    assert carried
    assert carried == files_below(ROOT / name)


def test_it_carries_the_package_with_its_pages_and_styles(unpacked: Path) -> None:
    carried = files_below(unpacked / "triage")
    source = files_below(ROOT / "src" / "triage")
    assert {k: v for k, v in carried.items() if not k.startswith("_workspace/")} == source
    assert any(name.endswith(".html") for name in carried)
    assert any(name.endswith(".css") for name in carried)


_ELSEWHERE = """
import sys
from pathlib import Path
import triage
from triage import workspace
from triage.features.declarations import load
from triage.history.importer import import_extract
from triage.history.log import Log

package = Path(triage.__file__).parent
assert package == Path(sys.argv[1]) / "triage", package
assert workspace.root() == package / "_workspace", workspace.root()
import_extract("sample", Path(sys.argv[2]), Path("home"))
print(len(load().families), len(Log(Path("home")).read().orders))
"""


def test_it_works_anywhere_with_what_it_carries(unpacked: Path, tmp_path: Path) -> None:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
    done = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE, str(unpacked), str(SAMPLE)],
        cwd=tmp_path, env=plain | {"PYTHONPATH": str(unpacked)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    families, orders = map(int, done.stdout.split())
    assert families == len(workspace.names("features", ".toml")) - 1
    assert orders == 20_000
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_only_this_distribution_installs_the_import_name() -> None:
    installed = importlib.metadata.packages_distributions().get("triage")
    if installed is None:
        pytest.skip("triage runs from its source folder: install it to check who owns the name")
    assert set(installed) == {"fulfilment-triage"}
