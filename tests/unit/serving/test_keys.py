"""Keys: what is shown once, what is kept, what a running service sees of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from triage.cli import app
from triage.errors import SettingsError
from triage.serving.access.keys import FOLDER, KeyNotFoundError, issue, read_keys, revoke
from triage.serving.access.keys_ring import LOOK_SECONDS, KeyRing

NOW = 1_800_000_000_000_000
DAY = 86_400_000_000


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.wall, self.seconds = NOW, 0.0

    def ring(self, home: Path) -> KeyRing:
        return KeyRing(home, lambda: self.wall, lambda: self.seconds)

    def look_again(self) -> None:
        self.seconds += LOOK_SECONDS


def test_the_token_is_in_no_file(tmp_path: Path) -> None:
    _, token = issue(tmp_path, "Ana", ["score"], NOW)
    secret = token.split("_", 2)[2].encode()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(secret in path.read_bytes() for path in files)


def test_a_token_finds_its_key_and_nothing_else_does(tmp_path: Path) -> None:
    key, token = issue(tmp_path, "Ana", ["score", "events"], NOW)
    _, other = issue(tmp_path, "Ben", ["admin"], NOW)
    known = read_keys(tmp_path)
    assert known.find(token, NOW) == key
    assert key.scopes == {"score", "events"}
    swapped = f"trk_{key.id}_{other.split('_', 2)[2]}"
    for wrong in (swapped, token[:-1], token + "A", token.upper(), "", "trk__", f" {token}"):
        assert known.find(wrong, NOW) is None


def test_a_key_ends_when_it_expires(tmp_path: Path) -> None:
    _, token = issue(tmp_path, "Ana", ["score"], NOW, NOW + DAY)
    known = read_keys(tmp_path)
    assert known.find(token, NOW + DAY - 1) is not None
    assert known.find(token, NOW + DAY) is None
    assert known.in_force(NOW)
    assert not known.in_force(NOW + DAY)


def test_a_revoked_key_stays_revoked(tmp_path: Path) -> None:
    key, token = issue(tmp_path, "Ana", ["score"], NOW)
    first = revoke(tmp_path, key.id, NOW + 5)
    assert revoke(tmp_path, key.id, NOW + 9).revoked == first.revoked == NOW + 5
    assert read_keys(tmp_path).find(token, NOW + 9) is None
    with pytest.raises(KeyNotFoundError, match="triage keys list"):
        revoke(tmp_path, "0" * 12, NOW)


@pytest.mark.parametrize(
    ("name", "scopes", "expires"),
    [("", ["score"], None), ("a\nb", ["score"], None), ("a" * 81, ["score"], None),
     (" ", ["score"], None), ("Ana", [], None), ("Ana", ["root"], None), ("Ana", ["score"], NOW)],
)  # fmt: skip
def test_what_makes_no_sense_is_not_issued(
    tmp_path: Path, name: str, scopes: list[object], expires: int | None
) -> None:
    with pytest.raises(SettingsError):
        issue(tmp_path, name, scopes, NOW, expires)  # type: ignore[arg-type]
    assert not (tmp_path / FOLDER).exists()


def test_a_running_service_sees_what_is_issued_and_revoked(tmp_path: Path) -> None:
    clock = Clock()
    ring = clock.ring(tmp_path)
    assert not ring.issued
    key, token = issue(tmp_path, "Ana", ["score"], NOW)
    clock.look_again()
    assert ring.issued
    assert ring.find(token) == key
    revoke(tmp_path, key.id, NOW)
    assert ring.find(token) == key, "it looks again only after a while"
    clock.look_again()
    assert ring.find(token) is None
    assert ring.issued, "keys stay needed when the last one is revoked"
    assert not ring.in_force


def test_a_running_service_ends_a_key_at_its_hour(tmp_path: Path) -> None:
    clock = Clock()
    key, token = issue(tmp_path, "Ana", ["score"], NOW, NOW + DAY)
    ring = clock.ring(tmp_path)
    assert ring.usable(key.id) == key
    clock.wall += DAY
    assert ring.find(token) is None
    assert ring.usable(key.id) is None


@pytest.mark.parametrize("harm", ["removed", "damaged", "older"])
def test_keys_that_cannot_be_read_again_open_no_door(tmp_path: Path, harm: str) -> None:
    clock = Clock()
    key, token = issue(tmp_path, "Ana", ["score"], NOW)
    shutil.copytree(tmp_path / FOLDER, tmp_path / "copy")
    revoke(tmp_path, key.id, NOW)
    ring = clock.ring(tmp_path)
    if harm == "damaged":
        for path in (tmp_path / FOLDER).glob("*.journal"):
            path.write_bytes(b"\xff" * path.stat().st_size)
    else:
        shutil.rmtree(tmp_path / FOLDER)
    if harm == "older":
        shutil.copytree(tmp_path / "copy", tmp_path / FOLDER)
    clock.look_again()
    assert ring.issued
    assert ring.find(token) is None


def test_the_command_issues_lists_and_revokes(tmp_path: Path) -> None:
    run, home = CliRunner(), ["--home", str(tmp_path)]
    made = run.invoke(
        app, ["keys", "create", "Ana", "--scope", "score", "--scope", "events", "--expires", "90d",
              *home],
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    token = next(line for line in made.output.splitlines() if line.startswith("trk_"))
    (key,) = read_keys(tmp_path).by_id.values()
    assert read_keys(tmp_path).find(token, key.created) == key
    assert key.expires == key.created + 90 * DAY
    listed = run.invoke(app, ["keys", "list", *home])
    assert key.id in listed.output
    assert token not in listed.output
    assert run.invoke(app, ["keys", "revoke", key.id, *home]).exit_code == 0
    assert "revoked" in run.invoke(app, ["keys", "list", *home]).output


@pytest.mark.parametrize("wrong", [["--scope", "root"], ["--scope", "score", "--expires", "0d"]])
def test_the_command_says_what_does_not_fit(tmp_path: Path, wrong: list[str]) -> None:
    done = CliRunner().invoke(app, ["keys", "create", "Ana", *wrong, "--home", str(tmp_path)])
    assert isinstance(done.exception, SettingsError)
    assert not (tmp_path / FOLDER).exists()
