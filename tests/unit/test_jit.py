from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import ROOT

from triage import jit

PACKAGE = ROOT / "src" / "triage"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package's source, which the digest is then taken of."""
    ignored = shutil.ignore_patterns("__pycache__")
    copy = Path(shutil.copytree(PACKAGE, tmp_path / "triage", ignore=ignored))
    monkeypatch.setattr(jit, "files", lambda _: copy)
    return copy


@pytest.mark.usefixtures("package")
def test_the_digest_is_that_of_the_source_wherever_it_lies() -> None:
    digest = jit.source_digest()
    assert len(bytes.fromhex(digest)) == 8
    assert jit.source_digest() == digest


def kernel_modules() -> list[str]:
    """Modules that compile kernels, and what of ours they import (constants are compiled in)."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text())
        imported = {
            node.module
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("triage.")
        }
        if "from triage.jit import kernel\n" in path.read_text():
            found |= {path.relative_to(PACKAGE).as_posix()}
            found |= {
                f"{str(name).removeprefix('triage.').replace('.', '/')}.py" for name in imported
            }
    return sorted(found)


@pytest.mark.parametrize("module", kernel_modules())
def test_a_change_in_anything_that_a_kernel_reads_gives_another_cache(
    package: Path, module: str
) -> None:
    before = jit.source_digest()
    with (package / module).open("a") as file:
        file.write("\n# another line\n")
    assert jit.source_digest() != before


def test_a_module_that_moves_or_is_renamed_gives_another_cache(package: Path) -> None:
    before = jit.source_digest()
    (package / "models" / "trees_kernel.py").rename(package / "models" / "kernels.py")
    assert jit.source_digest() != before


@pytest.mark.parametrize("module", ["cli.py", "models/calibration.py", "simulation/causes.py"])
def test_a_change_elsewhere_keeps_the_cache(package: Path, module: str) -> None:
    before = jit.source_digest()
    (package / module).write_text("")
    assert jit.source_digest() == before


def cache_folder(**environment: str) -> str:
    kept = {k: v for k, v in os.environ.items() if k not in {"NUMBA_CACHE_DIR", "XDG_CACHE_HOME"}}
    done = subprocess.run(
        [sys.executable, "-c", "import triage.jit, numba; print(numba.config.CACHE_DIR)"],
        env=kept | environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def test_the_cache_lies_in_the_cache_folder_of_the_user_unless_told_otherwise() -> None:
    digest = jit.source_digest()
    assert cache_folder(XDG_CACHE_HOME="/cache") == f"/cache/triage/kernels/{digest}"
    assert cache_folder(HOME="/home/me") == f"/home/me/.cache/triage/kernels/{digest}"
    assert cache_folder(NUMBA_CACHE_DIR="/elsewhere") == "/elsewhere"


def test_a_kernel_computes_what_its_function_says() -> None:
    def scaled(values: np.ndarray, factor: float) -> float:
        total = 0.0
        for value in values:
            total += value * factor
        return total

    compiled = jit.kernel(scaled)
    values = np.array([0.1, 0.2, 0.7])
    assert compiled(values, 3.0) == scaled(values, 3.0)
