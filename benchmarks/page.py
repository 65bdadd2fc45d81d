"""How large the report's page is over many records, and how long it takes to be written and to be drawn by Chromium.

    python -m benchmarks.page --records 2000 --seeds 1

The records are made in a temporary folder. Drawn is the page when its first figure, its table and a run in detail are:
the time since the browser was sent there.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.many import make
from prune.report.page.write import write_report
from tests.report.browser import Browser


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=1, help="of each configuration")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as profile:
        for number in range(options.records):
            make(Path(name), number // options.seeds, number % options.seeds)
        before = time.perf_counter()
        page = write_report(Path(name))
        written = time.perf_counter() - before
        browser = Browser(profile)
        drawn = min(_seconds_to_draw(browser, page) for _ in range(3))
        browser.close()
        size = page.stat().st_size / 1e6
    print(f"{options.records} records: {size:.1f} MB, written in {written:.1f} s, drawn in {drawn:.2f} s")


def _seconds_to_draw(browser: Browser, page: Path) -> float:
    before = time.perf_counter()
    browser.open(page)
    return time.perf_counter() - before


if __name__ == "__main__":
    main()
