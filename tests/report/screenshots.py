"""Pictures of a report's page for the documentation, as Chromium shows it.

    python -m tests.report.screenshots <outputs>/report.html docs/images

`frontier.png`: the metric against the speed-up, and the table. `run.png`: one run in detail, until its training.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.report.browser import Browser

_WIDTH = 1180


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(profile)
        browser.look(width=_WIDTH)
        browser.open(options.page)
        browser.wait("[...document.querySelectorAll('#detail h3')].some(h => h.innerText.startsWith('Do it again'))")
        _shoot(browser, options.folder / "frontier.png", "0", _top("#run"))
        training = "[...document.querySelectorAll('#detail h3')].find(h => h.innerText === 'Training')"
        _shoot(browser, options.folder / "run.png", _top("#run"), f"{training}.getBoundingClientRect().y + scrollY")
        browser.close()


def _top(selector: str) -> str:
    return f"document.querySelector('{selector}').getBoundingClientRect().y + scrollY"


def _shoot(browser: Browser, file: Path, top: str, bottom: str) -> None:
    start, end = browser.run(top), browser.run(bottom)
    browser.shoot(file, x=0, y=start, width=_WIDTH, height=end - start)


if __name__ == "__main__":
    main()
