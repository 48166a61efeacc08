from __future__ import annotations

from pathlib import Path

import pytest
from tests.conftest import ROOT

from triage import workspace
from triage.errors import DeclarationError, SettingsError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "b.toml").write_text('x = "ä"\n', encoding="utf-8")
    (tmp_path / "features" / "a.toml").write_text("x = 1\n")
    (tmp_path / "features" / "notes.md").write_text("not a declaration")
    return tmp_path


def test_the_checkout_is_the_workspace_unless_another_is_named(folder: Path) -> None:
    assert workspace.root() == ROOT
    assert workspace.root(folder) == folder
    assert all((workspace.root() / name).is_dir() for name in workspace.FOLDERS)


def test_a_workspace_that_is_no_folder_is_told(folder: Path) -> None:
    with pytest.raises(SettingsError, match="TRIAGE_WORKSPACE"):
        workspace.root(folder / "features" / "a.toml")


def test_a_package_without_any_declarations_says_what_to_set(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "files", lambda _: folder / "somewhere" / "src" / "triage")
    with pytest.raises(SettingsError, match=r"TRIAGE_WORKSPACE.*features/, training/"):
        workspace.carried.__wrapped__()


def test_a_package_prefers_the_declarations_that_it_carries(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "_workspace").mkdir()
    monkeypatch.setattr(workspace, "files", lambda _: folder)
    assert workspace.carried.__wrapped__() == folder / "_workspace"


def test_names_are_sorted_and_only_of_the_wanted_kind(folder: Path) -> None:
    assert workspace.names("features", ".toml", folder) == ["a", "b"]
    assert workspace.names("training", ".toml", folder) == []


def test_toml_is_read_as_utf_8(folder: Path) -> None:
    assert workspace.read_toml("features/b.toml", folder) == {"x": "ä"}


def test_a_missing_file_is_told_with_what_there_is_instead(folder: Path) -> None:
    with pytest.raises(DeclarationError, match=r"features/c\.toml.*a\.toml, b\.toml, notes\.md"):
        workspace.read_text("features/c.toml", folder)
    with pytest.raises(DeclarationError, match="nothing"):
        workspace.read_text("nowhere/c.toml", folder)


def test_a_missing_folder_is_told_with_what_there_is_instead(folder: Path) -> None:
    assert workspace.folder("features", folder) == folder / "features"
    with pytest.raises(DeclarationError, match="models; there is: features"):
        workspace.folder("models", folder)
    with pytest.raises(DeclarationError, match="data/mappings/mine; there is: nothing"):
        workspace.folder("data/mappings/mine", folder)


def test_text_that_is_no_toml_names_the_file_and_the_line(folder: Path) -> None:
    (folder / "features" / "a.toml").write_text("x = 1\ny = \n")
    with pytest.raises(DeclarationError, match=r"features/a\.toml.*line 2"):
        workspace.read_toml("features/a.toml", folder)


def test_text_that_is_not_utf_8_names_the_file(folder: Path) -> None:
    (folder / "features" / "a.toml").write_bytes(b'x = "\xe4"\n')
    with pytest.raises(DeclarationError, match=r"features/a\.toml is not UTF-8"):
        workspace.read_toml("features/a.toml", folder)
