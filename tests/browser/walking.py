"""A walk through pages in the browser, which notes all that goes wrong on the way."""

import os
from pathlib import Path

from marketplace.local.house import BASE_DIR

AXE = BASE_DIR / "node_modules/axe-core/axe.min.js"
LOOKS = [("en", 1280, "light"), ("zh-hans", 390, "dark")]
SERIOUS = {"serious", "critical"}


class Walk:
    """One page of the browser, with all that went wrong on it."""

    def __init__(self, browser, language: str, width: int, colours: str) -> None:
        self.language, self.faults, self.shots = language, [], 0
        locale = "zh-CN" if language == "zh-hans" else "en-GB"
        self.context = browser.new_context(
            locale=locale,
            viewport={"width": width, "height": 900},
            color_scheme=colours,
            accept_downloads=True,
            bypass_csp=False,
        )
        self.page = self.context.new_page()
        self.page.on(
            "console", lambda said: self.note(said.type, said.text) if said.type == "error" else None
        )
        self.page.on("pageerror", lambda error: self.note("script", str(error)))
        self.page.on(
            "response", lambda answer: self.note(answer.status, answer.url) if answer.status >= 400 else None
        )

    def note(self, kind, what: str) -> None:
        self.faults.append(f"{self.page.url}: {kind} {what}")

    def look(self, name: str) -> None:
        """Check the page that is open, and keep a picture where WENSHI_SHOTS names a folder."""
        self.page.wait_for_load_state("load")
        wide = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if wide > 0:
            self.note("wide", f"the page is {wide} px wider than the window")
        if folder := os.environ.get("WENSHI_SHOTS"):
            self.shots += 1
            self.page.screenshot(
                path=Path(folder) / f"{self.language}-{self.shots:02}-{name}.png", full_page=True
            )
        self.page.evaluate(AXE.read_text() + "; undefined")
        for found in self.page.evaluate("axe.run()")["violations"]:
            if found["impact"] in SERIOUS:
                self.note("axe", f"{found['id']}: {found['nodes'][0]['html'][:200]}")

    def open(self, base: str, path: str) -> None:
        self.page.goto(f"{base}/{self.language}/{path}")

    def press(self, selector: str) -> None:
        """Press what the selector finds, and wait for the page that it leads to."""
        with self.page.expect_navigation():
            self.page.click(selector)
