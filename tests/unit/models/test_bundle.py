from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from triage.errors import BundleError
from triage.models.bundle import MANIFEST, read_bundle, write_bundle

FILES = {"model.json": b'{"a": 1}', "trees/one.txt": b"tree\nTree=0\n", "empty.txt": b""}
laws = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "bundle", "a model", FILES)
    return tmp_path / "bundle"


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def sealed(name: str, sums: Any) -> dict[str, Any]:
    """A manifest whose digest fits what it names, as a forger would write it."""
    plain = json.dumps([name, sorted(sums.items())], separators=(",", ":"))
    return {"name": name, "digest": hashlib.sha256(plain.encode()).hexdigest(), "files": sums}


def test_a_bundle_reads_as_it_was_written(bundle: Path) -> None:
    digest, files = read_bundle(bundle)
    assert files == FILES
    assert len(bytes.fromhex(digest)) == 32
    assert read_bundle(bundle, digest) == (digest, FILES)


def test_the_same_files_give_the_same_digest_wherever_and_in_whatever_order(
    tmp_path: Path,
) -> None:
    backwards = dict(reversed(FILES.items()))
    first = write_bundle(tmp_path / "x" / "one", "a model", FILES)
    second = write_bundle(tmp_path / "two", "a model", backwards)
    assert first == second
    assert files_below(tmp_path / "x" / "one") == files_below(tmp_path / "two")


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("another model", FILES),
        ("a model", FILES | {"model.json": b'{"a": 2}'}),
        ("a model", FILES | {"more.txt": b""}),
        ("a model", {k: v for k, v in FILES.items() if k != "empty.txt"}),
        ("a model", {"trees/one.txt": FILES["model.json"], "model.json": FILES["trees/one.txt"],
                     "empty.txt": b""}),
    ],
)  # fmt: skip
def test_any_other_content_gives_another_digest(
    tmp_path: Path, bundle: Path, name: str, files: dict[str, bytes]
) -> None:
    assert write_bundle(tmp_path / "other", name, files) != read_bundle(bundle)[0]


def test_another_digest_than_the_promoted_one_is_refused(bundle: Path) -> None:
    digest, _ = read_bundle(bundle)
    with pytest.raises(BundleError, match="refused"):
        read_bundle(bundle, "0" * 64)
    with pytest.raises(BundleError, match=digest):
        read_bundle(bundle, digest.upper())


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_flipped_bit_anywhere_is_refused(bundle: Path, name: str) -> None:
    digest, _ = read_bundle(bundle)
    path = bundle / name
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        if name == MANIFEST and _same_content(path.read_bytes(), whole):
            continue
        with pytest.raises(BundleError):
            read_bundle(bundle, digest)
    path.write_bytes(whole)
    assert read_bundle(bundle, digest)[1] == FILES


def _same_content(manifest: bytes, whole: bytes) -> bool:
    """Whether a damaged manifest still says the same (white space, or nothing else)."""
    try:
        return bool(json.loads(manifest) == json.loads(whole))
    except ValueError:
        return False


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_file_cut_short_or_grown_or_gone_is_refused(bundle: Path, name: str) -> None:
    digest, _ = read_bundle(bundle)
    path = bundle / name
    whole = path.read_bytes()
    for changed in ([whole[:-2]] if whole else []) + [whole + b"x"]:
        path.write_bytes(changed)
        with pytest.raises(BundleError):
            read_bundle(bundle, digest)
    path.unlink()
    with pytest.raises(BundleError):
        read_bundle(bundle, digest)


def test_a_folder_in_place_of_a_file_is_refused(bundle: Path) -> None:
    (bundle / "empty.txt").unlink()
    (bundle / "empty.txt").mkdir()
    with pytest.raises(BundleError, match=r"empty\.txt"):
        read_bundle(bundle)


def test_a_path_that_leaves_the_folder_is_refused_though_its_digest_fits(bundle: Path) -> None:
    outside = bundle.parent / "secret.txt"
    outside.write_bytes(b"not ours")
    (bundle / "link.txt").symlink_to(outside)
    digest = hashlib.sha256(b"not ours").hexdigest()
    for path in ("../secret.txt", str(outside), "trees/../../secret.txt", "link.txt"):
        (bundle / MANIFEST).write_text(json.dumps(sealed("a model", {path: digest})))
        with pytest.raises(BundleError):
            read_bundle(bundle)


STRANGE = [
    b"", b"{}", b"[]", b"null", b"1", b'"text"', b"\xff\xfe", b"{", b"[" * 100_000,
    b'{"name": "a", "digest": "b", "files": 3}',
    b'{"name": "a", "digest": "b", "files": "text"}',
    b'{"name": "a", "digest": "b", "files": [[1, "x"], ["a", "y"]]}',
    b'{"name": "a", "digest": "b", "files": [[1, 2, 3]]}',
    b'{"name": "a", "digest": "b", "files": {"a": {"b": 1}}}',
    b'{"name": ["a"], "digest": null, "files": {}}',
    b'{"name": "a", "digest": "b", "files": {}, "and": 1}',
]  # fmt: skip


@pytest.mark.parametrize("content", STRANGE, ids=range(len(STRANGE)))
def test_a_foreign_manifest_is_refused(bundle: Path, content: bytes) -> None:
    (bundle / MANIFEST).write_bytes(content)
    with pytest.raises(BundleError):
        read_bundle(bundle)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@laws
@given(st.dictionaries(st.text(max_size=8), json_values, min_size=1, max_size=4), st.booleans())
def test_a_manifest_that_fits_itself_but_names_strange_files_is_refused(
    bundle: Path, sums: dict[str, Any], listed: bool
) -> None:
    manifest = sealed("a model", sums)
    if listed:
        manifest["files"] = list(sums.items())
    (bundle / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(BundleError):
        read_bundle(bundle)


@pytest.mark.parametrize("path", ["a\0b", "\ud800", "x" * 5000, "", "."], ids=range(5))
def test_a_path_that_no_file_system_knows_is_refused(bundle: Path, path: str) -> None:
    (bundle / MANIFEST).write_text(json.dumps(sealed("a model", {path: "0" * 64})))
    with pytest.raises(BundleError):
        read_bundle(bundle)


def test_a_folder_that_holds_no_bundle_names_the_next_command(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="triage train"):
        read_bundle(tmp_path / "nothing")


def test_writing_again_replaces_the_whole_bundle(bundle: Path) -> None:
    digest = write_bundle(bundle, "a model", {"only.txt": b"new"})
    assert read_bundle(bundle, digest)[1] == {"only.txt": b"new"}
    assert set(files_below(bundle)) == {"only.txt", MANIFEST}
    assert [path.name for path in bundle.parent.iterdir()] == ["bundle"]


@pytest.mark.parametrize("method", ["write_bytes", "write_text", "replace", "mkdir"])
def test_whatever_fails_while_writing_the_old_bundle_stays(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    digest, _ = read_bundle(bundle)
    original = getattr(Path, method)

    def full(self: Path, *arguments: Any, **named: Any) -> Any:
        if ".partial" in str(self):
            raise OSError(28, "No space left on device")
        return original(self, *arguments, **named)

    with monkeypatch.context() as broken:
        broken.setattr(Path, method, full)
        with pytest.raises(OSError, match="No space"):
            write_bundle(bundle, "a model", FILES | {"model.json": b"half"})
    assert read_bundle(bundle, digest) == (digest, FILES)
    after = write_bundle(bundle, "a model", FILES | {"model.json": b"whole"})
    assert read_bundle(bundle, after)[1]["model.json"] == b"whole"


def test_leftovers_of_an_interrupted_write_do_not_enter_the_next_one(bundle: Path) -> None:
    stale = bundle.with_name("bundle.partial")
    stale.mkdir()
    (stale / "stale.txt").write_text("old")
    write_bundle(bundle, "a model", FILES)
    assert "stale.txt" not in files_below(bundle)
    shutil.rmtree(bundle)
    assert not stale.exists()
