"""The page of an audit in a real browser: examples are filtered, sorted and told, and no text is anything but text."""

import pytest

from prune.audit.comparisons import of_records
from prune.report.page.audit import write_audit
from prune.results.files import read_records
from tests.audit.folders import PLANTED, leave_run, review_config, reviews
from tests.report.browser import CHROMIUM
from tests.tasks.files import write

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium")

NASTY = "<img src=x onerror=\"document.body.dataset.hacked='yes'\">'\"</script>"
EXAMPLES = "[...document.querySelectorAll('.example')]"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three seeds of one configuration; the planted example is markup."""
    folder = tmp_path_factory.mktemp("audit")
    rows = reviews()
    rows[PLANTED]["text"] = NASTY
    write(folder / "reviews" / "validation.jsonl", rows)
    for seed in range(3):
        leave_run(review_config(folder / "outputs", seed), probabilities=True)
    return folder


@pytest.fixture
def page(browser, folder):
    browser.problems.clear()
    browser.requests.clear()
    browser.look()
    outputs = folder / "outputs"
    settings = {"path": str(folder / "reviews"), "slices": ["genre"]}
    browser.open(write_audit(outputs, of_records(outputs, read_records(outputs)[0], settings)[0]))
    browser.wait("document.body.dataset.drawn === 'true'")
    yield browser
    assert browser.problems == []
    assert [one.rpartition("/")[2] for one in browser.requests] == ["audit.html"]


def choose(page, control, value):
    page.run(
        f"control = document.getElementById('{control}'); control.value = '{value}';"
        "for (const kind of ['input', 'change']) control.dispatchEvent(new Event(kind, {bubbles: true}))"
    )


def test_the_planted_example_comes_first_and_its_text_is_text(page):
    first = page.run(f"{EXAMPLES}[0].innerText")
    assert NASTY in first
    assert "distance 2.00, exemplar" in first
    assert page.run("document.body.dataset.hacked") is None
    bars = page.run(f"[...{EXAMPLES}[0].querySelectorAll('.bar')].map(bar => bar.getAttribute('aria-label'))")
    assert bars == ["dense: bad 0 of 3, fair 3 of 3, good 0 of 3", "pruned: bad 0 of 3, fair 0 of 3, good 3 of 3"]


def test_examples_are_filtered_and_sorted(page):
    every = page.run(f"{EXAMPLES}.length")
    choose(page, "which", "modal")
    assert page.run(f"{EXAMPLES}.every(one => one.innerText.includes('exemplar'))")
    assert 0 < page.run(f"{EXAMPLES}.length") < every
    choose(page, "which", "all")
    choose(page, "filter", "onerror")
    assert page.run(f"{EXAMPLES}.length") == 1
    choose(page, "filter", "")
    choose(page, "sorted", "id")
    ids = page.run(f"{EXAMPLES}.map(one => Number.parseInt(one.innerText))")
    assert ids == sorted(ids)
    choose(page, "label", "good")
    assert page.run(f"{EXAMPLES}.every(one => one.innerText.includes('true answer good'))")


def test_slices_are_drawn_with_interval_and_null(page):
    rows = page.run("document.querySelectorAll('#slices-chart .mark-symbol.role-mark path').length")
    assert rows == page.run("data = JSON.parse(document.getElementById('data').textContent).audits[0].slices.length")
    assert page.run("document.querySelector('#slices-chart svg').textContent.includes('genre: g1')")
    assert not page.run("document.getElementById('reliability').hidden")


def test_what_is_found_is_told_in_words(page):
    told = page.run("document.getElementById('facts').innerText")
    assert "modal exemplars" in told
    assert "between halves of the dense models (1 and 2, 3 ways)" in told
    assert "exemplars" in page.run("document.getElementById('scores').innerText")
