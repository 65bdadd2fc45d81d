"""The page in a real browser, from disk, with the network off: it does what it says, and complains of nothing."""

import json
import shutil

import pytest

from prune.report.page.write import write_report
from prune.runtime.sanitize import one_line
from tests.report.browser import CHROMIUM
from tests.report.folders import configured, measured, save, swept, with_model

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium")

NASTY = "<img src=x onerror=\"document.body.dataset.hacked='yes'\">'\"</script>"
POINTS = "[...document.querySelectorAll('#frontier-chart .mark-symbol.role-mark path')]"
PUBLISHED = (
    f"{POINTS}.find(p => p.__data__.datum.facts?.some(f => f[1].includes('RTX')) && p.__data__.datum.speedup > 2)"
)
COPIED = {
    "copy-markdown": ("| model |", "| small, sst2 | struct, penalty 40 | 30 % | accuracy 84.00 \\* | -3.00 | 5.00x |"),
    "copy-latex": (
        "% \\usepackage{booktabs}",
        "small, sst2 & struct, penalty 40 & 30 \\% & accuracy 84.00 * & $-$3.00 & 5.00x \\\\",
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Nine runs of one task, two of them with models; one of a published task; one whose name is markup."""
    outputs = swept(tmp_path_factory.mktemp("outputs"))
    for name, heads in (("hybrid/a20", [0, 3]), ("struct/b20", [0, 1])):
        with_model(outputs / "sst2" / "small" / name / "seed_0", heads, dimensions=[1, 2, 5])
    save(outputs, measured(3, task="squad", metric="f1", config=configured(1)), "p")
    nasty = measured(3, task="other", metric="f1", setting=NASTY, warnings=[NASTY], config=configured(1, note=NASTY))
    save(outputs, nasty, "n")
    return outputs


@pytest.fixture
def page(browser, folder):
    """The page, freshly opened."""
    browser.problems.clear()
    browser.requests.clear()
    browser.look()
    browser.open(write_report(folder))
    yield browser
    assert browser.problems == []


def point(label):
    return f"{POINTS}.find(p => p.__data__.datum.label === {json.dumps(label)})"


def choose(page, control, value):
    """Sets a control, and waits until the figure is another one."""
    page.run(
        f"before = document.querySelector('#frontier-chart svg'); control = document.getElementById('{control}');"
        f"control.value = {json.dumps(value)}; control.dispatchEvent(new Event('change', {{bubbles: true}}))"
    )
    page.wait("(now => now && now !== before)(document.querySelector('#frontier-chart svg'))")


def focused(page):
    return page.run("document.activeElement.__data__.datum.label")


def labels(page):
    return set(page.run(f"{POINTS}.map(p => p.__data__.datum.label)"))


def column(page, number):
    return page.run(f"[...document.querySelectorAll('#table tbody tr')].map(r => r.cells[{number + 1}].innerText)")


def test_it_opens_without_a_network_and_asks_for_nothing(page):
    assert {url.split(":")[0] for url in page.requests} <= {"file", "data"}
    assert len([url for url in page.requests if url.startswith("file")]) == 1
    assert page.run("document.querySelectorAll('#frontier-chart svg').length") == 1


def test_it_begins_with_the_task_that_has_the_most_runs_and_the_fastest_of_them_that_loses_little(page):
    assert page.run("document.getElementById('task').value") == "sst2"
    assert "hybrid, penalty 40" in page.text("#detail")


def test_hovering_a_point_shows_its_configuration(page):
    page.point_at(point("hybrid, penalty 20"))
    page.wait("!document.getElementById('tip').hidden")
    shown = page.text("#tip")
    for part in ("hybrid, penalty 20", "86.00", "a processor, 2 threads", "method.penalty"):
        assert part in shown


def test_hovering_a_published_point_names_its_hardware(page):
    choose(page, "task", "squad")
    choose(page, "measure", "value")
    page.point_at(PUBLISHED)
    page.wait("!document.getElementById('tip').hidden")
    assert "RTX 3090" in page.text("#tip")


def test_clicking_a_point_opens_its_run(page):
    page.point_at(point("hybrid, penalty 20"), click=True)
    page.wait("document.querySelector('#detail h3').innerText === 'hybrid, penalty 20'")
    page.wait("document.querySelectorAll('#detail image').length >= 6")
    assert page.run("location.hash").startswith("#run=")
    assert "prune recipe=sst2/small/hybrid/a20/seed_0/recipe.yaml" in page.text("#detail")


def test_points_are_reached_and_opened_by_keyboard(page):
    page.run("document.querySelector('#frontier-chart path[tabindex=\"0\"]').focus()")
    page.wait("!document.getElementById('tip').hidden")
    first = page.text("#tip strong")
    page.press("ArrowRight")
    page.wait(f"document.querySelector('#tip strong').innerText !== {json.dumps(first)}")
    opened = page.text("#detail h3")
    while not page.run("document.activeElement.__data__.datum.runs?.length") or focused(page) == opened:
        page.press("ArrowRight")
    label = focused(page)
    page.press("Enter")
    page.wait(f"document.querySelector('#detail h3').innerText === {json.dumps(label)}")
    assert page.run("location.hash").startswith("#run=")


def test_a_link_opens_the_same_run_after_others_were_added_and_a_stale_one_the_best(page, folder, tmp_path):
    page.point_at(point("struct, penalty 60"), click=True)
    page.wait("document.querySelector('#detail h3').innerText === 'struct, penalty 60'")
    link = page.run("location.hash")
    assert link == "#run=sst2/small/struct/b60/seed_0"
    more = shutil.copytree(folder, tmp_path / "more")
    odd = ("a b", "a\udc80", "%41")
    for number, name in enumerate(odd, start=500):
        save(more, measured(3, setting=f"new {number}", config=configured(number)), name)
    page.open(write_report(more), link)
    assert page.text("#detail h3") == "struct, penalty 60"
    for number, name in enumerate(odd, start=500):
        page.run(
            f"[...document.querySelectorAll('#table td button')].find(b => b.innerText.includes({number})).click()"
        )
        page.wait(f"document.querySelector('#detail .note').innerText.includes({json.dumps(one_line(name))})")
    page.ask("Page.navigate", url="about:blank")
    page.open(more / "report.html", "#run=3")
    assert page.text("#detail h3") == "hybrid, penalty 40"


def test_another_task_cost_and_batch_size_are_shown(page):
    assert "struct, penalty 60" in labels(page)
    choose(page, "cost", "latency")
    assert "time of a batch (ms)" in page.text("#frontier-chart")
    choose(page, "cost", "density")
    assert "density" in page.text("#frontier-chart")
    choose(page, "measure", "value")
    assert "accuracy (points)" in page.text("#frontier-chart")
    choose(page, "batch", "1")
    page.point_at(point("hybrid, penalty 20"))
    page.wait("document.getElementById('tip').innerText.includes('batch 1 x 8 tokens')")
    choose(page, "task", "other")
    assert "F1 (points)" in page.text("#frontier-chart")
    assert not any(label.startswith("struct") for label in labels(page))


def test_every_axis_shows_its_zero(page):
    titled = (
        "[...document.querySelectorAll('#frontier-chart .role-axis')].filter(a => a.querySelector('.role-axis-title'))"
    )
    for cost in ("density", "params", "latency", "speedup"):
        choose(page, "cost", cost)
        axes = page.run(f"{titled}.map(a => [...a.querySelectorAll('.role-axis-label text')].map(t => t.textContent))")
        assert len(axes) == 2
        assert all("0" in {text.rstrip("0").rstrip(".") or "0" for text in labels} for labels in axes), cost


def test_filtering_leaves_what_fits(page):
    page.run("e = document.getElementById('filter'); e.value = 'STRUCT 40'; e.dispatchEvent(new Event('input'))")
    assert column(page, 1) == ["struct, penalty 40"]


def test_sorting_by_a_column_turns_at_the_second_time(page):
    speeds = "th:nth-child(7) button"
    for falling in (True, False):
        page.run(f"document.querySelector('#table {speeds}').click()")
        found = [float(text.partition("x")[0]) for text in column(page, 5) if text]
        assert found == sorted(found, reverse=falling)
        state = page.run("document.querySelector('#table th:nth-child(7)').getAttribute('aria-sort')")
        assert state == ("descending" if falling else "ascending")


@pytest.mark.parametrize("button", COPIED)
def test_the_table_is_copied_as_it_stands(page, button):
    start, line = COPIED[button]
    page.run("clip = {writeText: async (text) => { copied_text = text }}")
    page.run("Object.defineProperty(navigator, 'clipboard', {value: clip})")
    page.run("e = document.getElementById('filter'); e.value = 'struct'; e.dispatchEvent(new Event('input'))")
    page.run(f"document.getElementById('{button}').click()")
    page.wait("document.getElementById('copied').innerText === 'copied'")
    copied = page.run("copied_text")
    assert copied.startswith(start)
    assert line in copied.splitlines()
    assert "hybrid" not in copied


def test_two_runs_are_compared(page):
    for name in ("hybrid, penalty 20", "struct, penalty 20"):
        row = f"[...document.querySelectorAll('#table tr')].find(r => /sst2.*{name}/.test(r.innerText))"
        page.run(f"{row}.querySelector('input').click()")
    page.wait("document.querySelector('#comparison svg')")
    shown = page.text("#comparison")
    assert "times as fast" in shown
    overlaps = page.run(
        "[...document.querySelectorAll('#comparison .mark-rect [aria-roledescription=bar]')].map(p => p.__data__.datum)"
        ".map(d => [d.site, d.layer, d.index, d.expected])"
    )
    assert sorted(overlaps) == [
        ["heads", "layer 0", pytest.approx(1 / 3), pytest.approx(1 / 3)],
        ["inner dimensions", "layer 0", 1, pytest.approx(1 / 3)],
    ]
    texts = page.run("[...document.querySelectorAll('#comparison .mark-text text')].map(one => one.textContent)")
    assert {"0.33 (+0.00)", "1.00 (+0.67)"} <= set(texts)


def test_names_are_shown_not_run(page):
    choose(page, "task", "other")
    page.point_at(point(f"hybrid, {NASTY}"))
    page.wait("!document.getElementById('tip').hidden")
    assert page.run("document.querySelectorAll('#tip img').length") == 0
    page.point_at(point(f"hybrid, {NASTY}"), click=True)
    page.wait(f"document.querySelector('#detail h3').innerText === {json.dumps('hybrid, ' + NASTY)}")
    assert page.run("document.querySelectorAll('#detail img, #table img').length") == 0
    assert page.run("document.body.dataset.hacked ?? 'no'") == "no"


@pytest.mark.parametrize("look", [{"dark": True}, {"width": 400}, {"media": "print"}], ids=["dark", "narrow", "print"])
def test_it_is_legible_wherever(page, look):
    page.look(**look)
    paper, ink = page.run(
        "(s => [s.backgroundColor, s.color].map(c => c.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0)))"
        "(getComputedStyle(document.body))"
    )
    assert abs(paper - ink) > 500
    assert (paper < ink) == ("dark" in look)
    assert page.run("document.documentElement.scrollWidth <= innerWidth + 1")


def test_replicates_are_one_row_and_each_is_opened_from_the_other(page):
    row = "[...document.querySelectorAll('#table tr')].find(r => /3 seeds\\s+hybrid/.test(r.innerText))"
    page.run(f"{row}.querySelector('td button').click()")
    page.wait("document.querySelector('#detail .beside')?.innerText.includes('Seeds')")
    assert page.run("document.querySelector('#detail .beside strong').innerText") == "0"
    page.run("document.querySelectorAll('#detail .beside a')[1].click()")
    page.wait("document.querySelector('#detail .beside strong').innerText === '2'")
    assert page.run(f"{row}.classList.contains('open')")
    for number in (0, 1):
        page.run(f"[...document.querySelectorAll('#detail .beside a')].find(a => a.innerText === '{number}').click()")
        page.wait(f"document.querySelector('#detail .beside strong').innerText === '{number}'")
        page.run("document.querySelector('#detail .beside input').click()")
    assert page.run("[...document.querySelectorAll('#comparison table')[0].rows].map(r => r.cells[0].innerText)") == [
        "setting",
        "seed",
    ]
