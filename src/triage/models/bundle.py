"""A model as bytes and a digest: written once, checked before it is read, never unpickled.

A bundle is a folder of plain text files and a manifest that names the sha256 of each. The digest of
the bundle is the sha256 of that list, so it changes with any byte of any file.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from triage.errors import BundleError

MANIFEST = "manifest.json"


class _Manifest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    name: str
    digest: str
    files: dict[str, str]


def write_bundle(folder: Path, name: str, files: Mapping[str, bytes]) -> str:
    """Write a bundle and return its digest (hex sha256).

    The folder appears as a whole: it is written beside its place and renamed. If that fails, the
    old one stays.

    Args:
        folder: where the bundle shall be; replaced if it exists.
        name: the model's name.
        files: relative path -> bytes.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for path, content in files.items():
        target = partial / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    sums = {path: hashlib.sha256(files[path]).hexdigest() for path in sorted(files)}
    digest = _digest(name, sums)
    manifest = {"name": name, "digest": digest, "files": sums}
    (partial / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    former = folder.with_name(f"{folder.name}.former")
    shutil.rmtree(former, ignore_errors=True)
    if folder.exists():
        folder.replace(former)
    try:
        partial.replace(folder)
    except OSError:
        if former.exists():
            former.replace(folder)
        raise
    shutil.rmtree(former, ignore_errors=True)
    return digest


def read_bundle(folder: Path, expected: str | None = None) -> tuple[str, dict[str, bytes]]:
    """Return the digest and the files of a bundle, checked before anything is parsed.

    Args:
        folder: the bundle.
        expected: the digest that promotion recorded; None accepts the manifest's own.

    Raises:
        BundleError: if a file is missing, changed or foreign, or the digest is another.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise BundleError(f"{folder} holds no {MANIFEST}: run `triage train at_risk` again")
    try:
        manifest = _Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        raise BundleError(
            f"{path} is no manifest of a bundle: {detail['loc']} {detail['msg']}"
        ) from error
    digest, sums = manifest.digest, manifest.files
    if _digest(manifest.name, sums) != digest or (expected is not None and digest != expected):
        raise BundleError(
            f"{folder} has digest {digest}, expected {expected or 'another'}: refused"
        )
    files = {}
    for relative, recorded in sums.items():
        content = _content(folder, relative)
        if hashlib.sha256(content).hexdigest() != recorded:
            raise BundleError(f"{folder}: {relative} is not the file that was promoted: refused")
        files[relative] = content
    return digest, files


def _content(folder: Path, relative: str) -> bytes:
    try:
        target = (folder / relative).resolve()
        if target.is_relative_to(folder.resolve()) and target.is_file():
            return target.read_bytes()
    except (OSError, ValueError) as error:
        raise BundleError(f"{folder}: {relative!r} cannot be read: {error}") from error
    raise BundleError(f"{folder}: {relative!r} is missing")


def _digest(name: str, sums: Mapping[str, str]) -> str:
    plain = json.dumps([name, sorted(sums.items())], separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()
