"""Writes serving/openapi.json: python -m tests.contract.freeze (look at the difference after)."""

from __future__ import annotations

from tests import fakes

from triage import workspace
from triage.serving import openapi
from triage.settings import Settings


def main() -> None:
    """Write the document that the app gives now."""
    text = openapi.document(fakes.app(Settings()))
    (workspace.folder("serving") / "openapi.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
