"""`python -m tests.e2e.pictures`: a picture of every page and state, from the models of a home.

It looks at a copy of the log and the models: nothing that people did is shown or changed.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from tests.e2e.running import CHROMIUM, FLAGS, served

from triage.serving.main import create
from triage.settings import Settings

_DESKTOP, _PHONE = (1360, 900), (390, 844)
_COLOURS = 255


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: its name, how the page is reached, and what it is looked at with."""

    name: str
    reach: Callable[[Page], object]
    size: tuple[int, int] = _DESKTOP
    scheme: str = "light"
    whole: bool = False
    scale: float = 1.0


def at(path: str) -> Callable[[Page], object]:
    """Return how to reach an address."""
    return lambda page: page.goto(path)


def _first(path: str) -> Callable[[Page], object]:
    def reach(page: Page) -> None:
        page.goto(path)
        page.locator("a.order").first.click()
        page.locator("h1").first.wait_for()

    return reach


def _pressed(path: str, *keys: str) -> Callable[[Page], object]:
    def reach(page: Page) -> None:
        page.goto(path)
        for key in keys:
            page.keyboard.press(key)

    return reach


def _offline(page: Page) -> None:
    page.goto("/")
    page.locator(".live").filter(has_text="Live").wait_for()
    page.context.set_offline(True)
    page.locator(".live").filter(has_text="Offline").wait_for()


def _handled(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("j")
    page.keyboard.press("a")
    page.locator("#report .said").wait_for()


def _corrected(page: Page) -> None:
    page.goto("/exceptions?unsure=yes")
    page.keyboard.press("j")
    page.keyboard.press("c")
    page.keyboard.press("5")
    page.locator("#report .said").wait_for()
    page.goto("/exceptions")


SHOTS = (
    Shot("list", at("/"), scale=1.5),
    Shot("list-dark", at("/"), scheme="dark"),
    Shot("list-phone", at("/"), _PHONE),
    Shot("list-late", at("/?view=already_late")),
    Shot("list-causes", at("/?by=cause")),
    Shot("list-empty", at("/?q=zzzz")),
    Shot("list-offline", _offline),
    Shot("list-assigned", _handled),
    Shot("list-done", _pressed("/", "j", "x", "j", "x", "e")),
    Shot("keys", _pressed("/", "?")),
    Shot("next", at("/next")),
    Shot("order", _first("/"), whole=True),
    Shot("order-dark", _first("/"), scheme="dark", whole=True),
    Shot("order-phone", _first("/"), _PHONE, whole=True),
    Shot("order-missing", at("/orders/none")),
    Shot("exceptions", at("/exceptions")),
    Shot("exceptions-dark", at("/exceptions"), scheme="dark"),
    Shot("exceptions-phone", at("/exceptions"), _PHONE),
    Shot("exceptions-correct", _pressed("/exceptions", "j", "c")),
    Shot("exceptions-corrected", _corrected),
    Shot("exception", _first("/exceptions"), whole=True),
    Shot("exception-unsure", _first("/exceptions?unsure=yes"), whole=True),
    Shot("operations", at("/operations"), whole=True),
    Shot("operations-dark", at("/operations"), scheme="dark", whole=True),
    Shot("operations-phone", at("/operations"), _PHONE, whole=True),
    Shot("models", at("/models"), whole=True),
    Shot("models-phone", at("/models"), _PHONE, whole=True),
)


@contextmanager
def arrived(browser: Browser, address: str, shot: Shot) -> Iterator[Page]:
    """Give a page that somebody is at."""
    width, height = shot.size
    context = browser.new_context(
        base_url=address, viewport={"width": width, "height": height},
        color_scheme="dark" if shot.scheme == "dark" else "light", reduced_motion="reduce",
        device_scale_factor=shot.scale,
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
        names: which; all if empty.
    """
    written = 0
    with tempfile.TemporaryDirectory() as folder:
        for part in ("history", "models"):
            shutil.copytree(home / part, Path(folder) / part)
        app = create(Settings(home=Path(folder)))
        with served(app) as address, sync_playwright() as runner:
            browser = runner.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            for shot in SHOTS:
                if names and shot.name not in names:
                    continue
                with arrived(browser, address, shot) as page:
                    shot.reach(page)
                    page.wait_for_timeout(250)
                    picture = small(page.screenshot(full_page=shot.whole))
                (out / f"{shot.name}.png").write_bytes(picture)
                written += len(picture)
                sys.stdout.write(f"{shot.name}.png  {len(picture) // 1024} KB\n")
            browser.close()
    return written


def main() -> None:
    """Take pictures."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("names", nargs="*", help="which pictures; default: all")
    asked.add_argument("--home", type=Path, default=Path(".triage/sample"))
    asked.add_argument("--out", type=Path, default=Path("docs"))
    told = asked.parse_args()
    told.out.mkdir(parents=True, exist_ok=True)
    written = take(told.home, told.out, frozenset(told.names))
    sys.stdout.write(f"{written / 1e6:.2f} MB in {told.out}\n")


if __name__ == "__main__":
    main()
