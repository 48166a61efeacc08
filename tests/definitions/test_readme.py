"""What the README tells people to type exists."""

from __future__ import annotations

import re
import shlex

import pytest
import typer.main
from tests.conftest import ROOT

from triage.cli import app

README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]

_CODE = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", README, flags=re.DOTALL))
_BLOCKS = re.findall(r"```\w*\n(.*?)```", README, re.DOTALL)
SAID = [*_CODE, *(line for block in _BLOCKS for line in block.splitlines())]
"""Everything that is set as code, one command or name each."""


def said(program: str) -> list[str]:
    return sorted({line.split("#")[0].strip() for line in SAID if line.startswith(program + " ")})


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))


@pytest.mark.parametrize("line", said("make"))
def test_a_make_target_of_the_readme_exists(line: str) -> None:
    for word in shlex.split(line)[1:]:
        name, assigned, _ = word.partition("=")
        if assigned:
            assert re.search(rf"^{name} *\?=", MAKEFILE, re.MULTILINE), name
        else:
            assert name in targets()


@pytest.mark.parametrize("line", said("triage"))
def test_a_command_of_the_readme_exists_with_its_options(line: str) -> None:
    name, *rest = shlex.split(line)[1:]
    assert name in COMMANDS
    command = COMMANDS[name]
    if hasattr(command, "commands"):  # a group, such as `triage audit`
        assert rest[0] in command.commands
        command, rest = command.commands[rest[0]], rest[1:]
    options = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    assert {word for word in rest if word.startswith("--")} <= options
    plain = [w for at, w in enumerate(rest) if not w.startswith("--")
             and not (at and rest[at - 1].startswith("--"))]  # fmt: skip
    assert len(plain) <= len(arguments)


def test_the_two_commands_that_do_everything_are_named() -> None:
    assert {"make demo", "make test"} <= set(said("make"))


def test_every_target_is_phony_and_says_what_it_does() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) == targets()
    told = set(re.findall(r"^([a-z]+):.*## \w", MAKEFILE, re.MULTILINE))
    assert told == targets()


def test_folders_and_files_of_the_readme_exist() -> None:
    known = ("data/", "src/", "docs/", "features/", "training/", "models/", "serving/", "tests/")
    paths = {word for word in _CODE if word.startswith(known) and "<" not in word}
    paths |= set(re.findall(r"\]\((?!http)([^)#]+)\)", README))
    assert paths
    assert {path for path in paths if not (ROOT / path).exists()} == set()
