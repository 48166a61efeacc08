"""A model's card on a page: Markdown of its training, of which nothing but its form is taken."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from triage.errors import BundleError
from triage.models.champion import card_file, find_champion

if TYPE_CHECKING:
    from markdown_it.token import Token


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a card as HTML: a table, or what stands between tables."""

    content: Markup
    is_table: bool


def card(home: Path, name: str) -> list[Part] | None:
    """Return the card of a champion; None if there is no champion, or no card of it.

    Figures are aligned by a class, as the pages allow no style in a tag.

    Args:
        home: folder of everything generated.
        name: the model.
    """
    try:
        pointer = find_champion(home, name)
    except BundleError:
        return None
    path = None if pointer is None else card_file(home, name, pointer["digest"])
    if path is None or not path.is_file():
        return None
    return _parts(path.read_text(encoding="utf-8"))


def _parts(text: str) -> list[Part]:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - only this page needs it

    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["link", "image"])
    found: list[tuple[bool, list[Token]]] = []
    inside = False
    for token in reader.parse(text):
        if token.attrs.pop("style", None) == "text-align:right":
            token.attrs["class"] = "figure"
        inside = inside or token.type == "table_open"
        if not found or found[-1][0] != inside:
            found.append((inside, []))
        found[-1][1].append(token)
        inside = inside and token.type != "table_close"
    return [
        Part(Markup(reader.renderer.render(tokens, reader.options, {})), is_table)  # noqa: S704
        for is_table, tokens in found
    ]
