"""`python -m tests.e2e.pictures`: a picture of every page and state, from the models of a home.

It looks at a copy of the log and the models: nothing that people did is shown or changed.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from tests.e2e.others import OTHERS, others
from tests.e2e.running import CHROMIUM, FLAGS, served
from tests.e2e.states import STATES, State, at

from triage.serving.main import create
from triage.settings import Settings

_DESKTOP, _PHONE = (1360, 900), (390, 844)
_COLOURS = 255


_PAPER = (794, 1123)
_LOOKS: dict[str, tuple[tuple[int, int], str, Literal["screen", "print"]]] = {
    "": (_DESKTOP, "light", "screen"),
    "-dark": (_DESKTOP, "dark", "screen"),
    "-phone": (_PHONE, "light", "screen"),
    "-phone-dark": (_PHONE, "dark", "screen"),
    "-print": (_PAPER, "light", "print"),
}
_EVERY_LOOK = ("list", "order", "exceptions", "exception", "operations", "models")
_SCALES = {"list": 1.5}
_WHOLE = ("abstained", "stale-order")


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: its name, the state that it shows, and what it is looked at with."""

    name: str
    state: State
    size: tuple[int, int]
    scheme: str
    media: Literal["screen", "print"]

    @classmethod
    def of(cls, state: State, look: str) -> Self:
        """Return the picture of a state in a look."""
        size, scheme, media = _LOOKS[look]
        return cls(state.name + look, state, size, scheme, media)


SHOTS = tuple(
    Shot.of(state, look)
    for state in (
        *STATES,
        *(State(name, at(""), whole=name in ("abstained", "stale-order")) for name in OTHERS),
    )
    for look in (_LOOKS if state.name in _EVERY_LOOK else ("", "-phone"))
    if state.name + look != "keys-phone"
)


@contextmanager
def arrived(browser: Browser, address: str, shot: Shot) -> Iterator[Page]:
    """Give a page that somebody is at."""
    width, height = shot.size
    context = browser.new_context(
        base_url=address, viewport={"width": width, "height": height},
        color_scheme="dark" if shot.scheme == "dark" else "light", reduced_motion="reduce",
        device_scale_factor=_SCALES.get(shot.name, 1.0),
    )  # fmt: skip
    context.add_cookies([{"name": "triage_you", "value": "Ana", "url": address}])
    yield context.new_page()
    context.close()


def small(picture: bytes) -> bytes:
    """Return a picture with few colours: text stays sharp, the file is a third as large."""
    made = Image.open(io.BytesIO(picture)).convert("RGB")
    few = made.quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    held = io.BytesIO()
    few.save(held, "PNG", optimize=True)
    return held.getvalue()


def take(home: Path, out: Path, names: frozenset[str]) -> int:
    """Take pictures into a folder; return their bytes.

    Args:
        home: its log and models are copied and served.
        out: where pictures go, each as `<name>.png`.
        names: which pictures, or states in every look; all if empty.
    """
    written = 0
    with tempfile.TemporaryDirectory() as folder:
        for part in ("history", "models"):
            shutil.copytree(home / part, Path(folder) / part)
        nothing = Path(folder) / "nothing"
        app = create(Settings(home=Path(folder), clock="data"))
        with served(app) as address, others(nothing) as addresses, sync_playwright() as runner:
            browser = runner.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            for shot in SHOTS:
                if names and shot.name not in names and shot.state.name not in names:
                    continue
                with arrived(browser, addresses.get(shot.state.name, address), shot) as page:
                    written += _taken(page, shot, out)
            browser.close()
    return written


def _taken(page: Page, shot: Shot, out: Path) -> int:
    """Take a picture; return its bytes."""
    shot.state.reach(page)
    page.wait_for_timeout(250)
    if shot.media == "print":
        page.emulate_media(media="print")
    picture = small(page.screenshot(full_page=shot.state.whole or shot.media == "print"))
    (out / f"{shot.name}.png").write_bytes(picture)
    sys.stdout.write(f"{shot.name}.png  {len(picture) // 1024} KB\n")
    return len(picture)


def main() -> None:
    """Take pictures."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("names", nargs="*", help="which pictures or states; default: all")
    asked.add_argument("--home", type=Path, default=Path(".triage/sample"))
    asked.add_argument("--out", type=Path, default=Path("docs"))
    told = asked.parse_args()
    told.out.mkdir(parents=True, exist_ok=True)
    written = take(told.home, told.out, frozenset(told.names))
    sys.stdout.write(f"{written / 1e6:.2f} MB in {told.out}\n")


if __name__ == "__main__":
    main()
