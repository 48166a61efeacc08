"""Colours of the style sheet keep WCAG 2.2 AA: 4.5 for text, 3 for what only has to be seen."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

CSS = (files("triage.serving") / "static" / "triage.css").read_text(encoding="utf-8")
_ROOTS = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
LIGHT = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", _ROOTS[0]))
DARK = LIGHT | dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", _ROOTS[1]))
TEXT = ["ink", "ink-2", "accent", "critical", "high", "medium", "low"]
GROUNDS = ["ground", "hover", "accent-soft", "raised"]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("text", TEXT)
def test_text_can_be_read_on_every_ground(scheme: dict[str, str], text: str) -> None:
    for ground in GROUNDS:
        assert contrast(scheme[text], scheme[ground]) >= 4.5, (text, ground)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_fields_and_the_skip_link_can_be_seen(scheme: dict[str, str]) -> None:
    assert contrast(scheme["field"], scheme["raised"]) >= 3
    assert contrast(scheme["accent"], scheme["ground"]) >= 4.5
    assert contrast(scheme["ink-2"], scheme["side"]) >= 4.5


def test_nothing_is_fetched_from_elsewhere() -> None:
    asked = re.findall(r"url\(\"?([^)\"]+)", CSS)
    assert asked == ["/static/inter-5.3.0-latin.woff2"]
    assert (files("triage.serving") / asked[0].lstrip("/")).is_file()
    assert "@import" not in CSS


def test_in_the_dark_nothing_but_colours_changes() -> None:
    dark = CSS.partition("@media screen and (prefers-color-scheme: dark) {")[2]
    block = dark.partition("\n}\n")[0]
    assert re.sub(r"--[\w-]+: [^;]+;|:root|[{}\s]", "", block) == ""
    assert CSS.count("prefers-color-scheme") == 1
