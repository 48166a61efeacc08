"""The catalogue holds every word of the pages; templates and what fills them have none."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import pytest

from triage.serving import texts

_SERVING = Path(str(files("triage.serving")))
TEMPLATES = sorted((_SERVING / "templates").glob("*.html"))
MODULES = [
    *sorted((_SERVING / "pages").glob("*.py")),
    _SERVING / "handling" / "view.py",
    _SERVING / "handling" / "forms.py",
    _SERVING / "wording.py",
]
CATALOGUE: dict[str, ModuleType] = {name: getattr(texts, name) for name in texts.__all__}
_NAMED = re.compile(r"\b(?:t|texts)\.([a-z_]+)\.([A-Za-z_][A-Za-z_0-9]*)")
_JINJA = re.compile(r"{#.*?#}|{%.*?%}|{{.*?}}", re.DOTALL)
_SHOWN = re.compile(r'(?:aria-label|placeholder|title|alt|data-[a-z]+)="([^"]*)"')
_WORD = re.compile(r"[A-Za-z]{2,}")
_COMMANDS = re.compile(r"<(code|kbd)\b.*?</\1>", re.DOTALL)
_SETS = (
    "data-here",
    "data-rows",
    "data-soon",
    "data-state",
    "data-opens",
    "data-copies",
    "data-key",
    "data-go",
)
_KEYS_OF_A_BROWSER = {"Enter"}
_PROSE = re.compile(r"[A-Za-z]{2,} |^[A-Z][a-z]+$| [a-z]{2,}")


def own_words(template: str) -> Iterator[str]:
    """Yield the words that a template shows and no expression of it fills in."""
    for name in _SETS:
        template = re.sub(rf'{name}="[^"]*"', "", template)
    for expression in _JINJA.findall(template):
        for literal in re.findall(r'"([^"]*)"', expression):
            if not expression.startswith("{#") and _PROSE.search(literal):
                yield literal
    bare = _COMMANDS.sub(" ", _JINJA.sub(" ", template))
    yield from (said for said in _SHOWN.findall(bare) if _WORD.search(said))
    for said in re.split(r"<[^>]*>", bare):
        if _WORD.search(said):
            yield said.strip()


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_words_of_its_own(template: Path) -> None:
    assert set(own_words(template.read_text(encoding="utf-8"))) <= _KEYS_OF_A_BROWSER


def test_words_of_a_template_would_be_found() -> None:
    found = list(
        own_words('<p title="Say it">{{ x or "No name" }} and <b>more</b></p><kbd>Tab</kbd>')
    )
    assert found == ["No name", "Say it", "and", "more"]


def said_in(module: Path) -> Iterator[str]:
    """Yield the constants of a module that read like words: no docstrings, no addresses."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            said = node.value
            if _PROSE.search(said) and not re.match(r"[/.?#]|attachment|text/csv", said):
                yield said


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_what_fills_pages_has_no_words_of_its_own(module: Path) -> None:
    assert set(said_in(module)) <= _NOT_SHOWN


_NOT_SHOWN = {
    "a page could not be made", "triage train exceptions", "triage serve", "cannot be read",
    "open the page in this service and send its form from there",
}  # fmt: skip
"""For the log, commands, and what answers a form that no page of ours sent."""


def _named() -> set[tuple[str, str]]:
    sources = [*TEMPLATES, *(p for p in _SERVING.rglob("*.py") if p.parent.name != "texts")]
    return {
        (found[1], found[2])
        for path in sources
        for found in _NAMED.finditer(path.read_text(encoding="utf-8"))
    }


def test_whatever_is_named_is_in_the_catalogue() -> None:
    named = {pair for pair in _named() if pair[0] in CATALOGUE}
    assert len(named) > 300
    assert [pair for pair in sorted(named) if not hasattr(CATALOGUE[pair[0]], pair[1])] == []


def test_nothing_in_the_catalogue_is_left_over() -> None:
    named = _named()
    within = "\n".join(
        Path(str(module.__file__)).read_text(encoding="utf-8") for module in CATALOGUE.values()
    )
    own = [
        (page, name)
        for page, module in CATALOGUE.items()
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
        and (name.isupper() or getattr(value, "__module__", "") == module.__name__)
    ]  # fmt: skip
    used = {pair for pair in own if pair in named or len(re.findall(rf"\b{pair[1]}\b", within)) > 1}
    assert sorted(set(own) - used) == []
