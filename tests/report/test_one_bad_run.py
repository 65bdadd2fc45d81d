"""Whatever goes wrong with one run, even what nobody foresaw, is named, and the others are shown."""

import contextlib
import pkgutil

import pytest

from prune.cli.main import main
from prune.report.page.write import write_report
from prune.results.record import Record
from tests.report.browser import CHROMIUM, Browser
from tests.report.folders import configured, measured, save
from tests.report.strangers import run

BAD = "sst2/small/hybrid/bad/seed_0"


@pytest.fixture
def outputs(tmp_path):
    """Two runs, one of them bad."""
    run(tmp_path, setting="bad")
    save(tmp_path, measured(2, setting="good", config=configured(20)), "good")
    return tmp_path


@pytest.fixture
def fail(monkeypatch):
    """Lets a function fail for the bad run."""

    def patch(place):
        before = pkgutil.resolve_name(place)

        def failing(*given, **named):
            if any(_is_bad(one) for one in given):
                raise ArithmeticError("nobody foresaw this")
            return before(*given, **named)

        monkeypatch.setattr(place, failing)

    return patch


def _is_bad(given):
    if isinstance(given, list):
        return any(map(_is_bad, given))
    return given.setting == "bad" if isinstance(given, Record) else "bad/seed_0" in str(given)


PLACES = {
    "report": ("prune.report.summary._summary", "prune.results.pareto._points", "prune.report.page.write.detail_of",
               "prune.report.page.html.figures_of", "prune.report.cards.write.write_card",
               "prune.results.files.Record.read"),
    "table": ("prune.results.rows._run_row", "prune.results.files.Record.read"),
}  # fmt: skip


@pytest.mark.parametrize(("verb", "place"), [(verb, place) for verb, places in PLACES.items() for place in places])
def test_what_fails_of_one_run_is_named_and_the_other_is_shown(verb, place, outputs, fail, capsys):
    fail(place)
    main([verb, str(outputs)])
    out, err = capsys.readouterr()
    told = err.replace("\n", "")
    assert BAD in told
    assert "nobody foresaw this" in told
    shown = out if verb == "table" else (outputs / "report.html").read_text()
    assert "hybrid, good" in shown
    if verb == "report" and "card" not in place:
        assert BAD in shown


def test_an_error_that_is_no_runs_is_not_hidden(outputs, monkeypatch):
    monkeypatch.setattr("prune.results.files.table_rows", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["table", str(outputs)])


def test_a_figure_that_cannot_be_drawn_takes_no_other_with_it(outputs, monkeypatch):
    from prune.report.page import write

    save_figure, told = write.save, []

    def failing(spec, data, root, name):
        if name.endswith("-density"):
            raise ValueError("nobody foresaw this")
        return save_figure(spec, data, root, name)

    monkeypatch.setattr(write, "save", failing)
    write_report(outputs, told.append)
    assert told == ["the figure of sst2 against density is not written: ValueError: nobody foresaw this"]
    assert len(list((outputs / "figures").glob("*.svg"))) == 3


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium")
def test_a_figure_that_fails_in_the_browser_is_told_in_its_place(outputs, tmp_path):
    page = write_report(outputs)
    page.write_text(page.read_text().replace('"mark":{"type":"rect",', '"mark":{"type":"nothing",'))
    with contextlib.closing(Browser(tmp_path / "profile")) as browser:
        browser.open(page, f"#run={BAD}")
        browser.wait("document.querySelector('#detail').innerText.includes('Do it again')")
        assert "This figure cannot be drawn" in browser.text("#detail")
