"""A real browser: the system's Chromium, driven by Playwright. Without one these tests say so and are skipped."""

import shutil

import pytest

from tests.browser.walking import AXE, LOOKS, Walk

OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str:
    """Return the path of the system's Chromium, or nothing."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), "")


@pytest.fixture(scope="module")
def browser():
    """Lend a running browser. While it runs its event loop does, in which Django would ask no database."""
    path = chromium()
    if not path:
        pytest.skip("no Chromium is installed here; on Debian: apt install chromium fonts-noto-cjk")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(OPTIONS))
        yield browser
        browser.close()


@pytest.fixture(params=LOOKS, ids=lambda look: "-".join(map(str, look)))
def walk(browser, request):
    """Lend a walk; at its end nothing may have gone wrong."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci --ignore-scripts")
    walk = Walk(browser, *request.param)
    yield walk
    walk.context.close()
    assert walk.faults == [], "\n".join(walk.faults)
