"""A real browser: the system's Chromium, headless; without one these tests skip."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.optional import need

PATIENCE = 20_000  #: milliseconds; a machine that is busy draws slowly
SHOTS = "TAXIWAY_SCREENSHOTS"  #: a folder in which pictures are kept


@pytest.fixture
def page(request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page; its last picture is kept if somebody asks for pictures."""
    chromium = shutil.which("chromium")
    need(chromium, "chromium (Debian: apt-get install -y chromium)")
    with sync_playwright() as hands:
        browser = hands.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        made = browser.new_page(viewport={"width": 1400, "height": 1300})
        made.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        yield made
        shoot(made, f"{request.node.name}-end")
        browser.close()


def shoot(page: Page, name: str) -> None:
    """Keep a picture, if somebody asks for pictures."""
    if folder := os.environ.get(SHOTS):
        safe = "".join(one if one.isalnum() or one in "-_" else "-" for one in name)
        page.screenshot(path=Path(folder).absolute() / f"{safe}.png")
