"""The page in a real browser where it is narrow, has nothing to show, or runs of several models."""

import pytest

from prune.report.page.write import write_report
from tests.report.browser import CHROMIUM
from tests.report.density_records import swept
from tests.report.folders import configured, measured, save

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium")


def test_a_page_without_a_result_says_why_and_draws_nothing(browser, tmp_path):
    (run := tmp_path / "sst2" / "small" / "hybrid" / "a" / "seed_0").mkdir(parents=True)
    (run / "error.txt").write_text("refused: the loss is not finite")
    browser.problems.clear()
    browser.look()
    browser.open(write_report(tmp_path))
    assert browser.problems == []
    assert browser.text("#detail .warning") == "refused: the loss is not finite"
    shown = browser.text("body")
    for text in ("Metric against cost", "Show only", "speed-up", "Runs compared", "Figures are missing"):
        assert text not in shown


def test_models_are_told_apart_where_several_are_shown(browser, tmp_path):
    for name in ("small", "larger"):
        save(tmp_path, measured(len(name), model=name, config=configured(len(name))), "a")
    browser.look()
    browser.open(write_report(tmp_path))
    browser.point_at(
        "[...document.querySelectorAll('#frontier-chart .mark-symbol.role-mark path')]"
        ".find(p => p.__data__.datum.model === 'larger' && p.__data__.datum.runs.length)"
    )
    browser.wait("!document.getElementById('tip').hidden")
    assert "model\nlarger" in browser.text("#tip")
    browser.run("document.querySelectorAll('#table input').forEach(box => box.click())")
    browser.wait("document.querySelectorAll('#comparison h3').length === 3")
    heads = browser.run("[...document.querySelectorAll('#comparison table th')].map(th => th.innerText)")
    assert {"hybrid, penalty 20, small, sst2, seed 0", "hybrid, penalty 20, larger, sst2, seed 0"} <= set(heads)


@pytest.mark.parametrize("name", ["small", "x" * 255], ids=["usual", "long"])
def test_a_phone_shows_the_columns_that_matter_and_scrolls_down_only(browser, name, tmp_path):
    for seed in (0, 1):
        names = {"model": name, "method": name, "task": name, "value": 0.8 + seed / 10}
        save(tmp_path / "sst2", record := measured(12.5, seed=seed, config=configured(20, seed), **names), "a")
    (tmp_path / "sst2" / "m" / "hybrid_filled" / ("0" * 100) / "seed_0").mkdir(parents=True)
    browser.look(width=375, height=700)
    browser.open(write_report(tmp_path))
    assert browser.run("document.documentElement.scrollWidth") == 375
    heads = browser.run(
        "[...document.querySelectorAll('#table th')].filter(th => th.offsetWidth)"
        ".map(th => [th.innerText, th.getBoundingClientRect().right])"
    )
    assert [text for text, _ in heads] == ["method", "metric", "difference", "speed-up"]
    assert max(right for _, right in heads) <= browser.run(
        "document.getElementById('table').getBoundingClientRect().right"
    )
    assert record.model in browser.run("document.querySelector('#table td.method').innerText")


def test_the_metric_over_density_is_drawn_for_each_model_and_a_point_opens_its_run(browser, tmp_path):
    for number, one in enumerate(swept() + swept(control="random") + swept(model="larger")):
        save(tmp_path, one, f"{number}")
    browser.problems.clear()
    browser.look()
    browser.open(write_report(tmp_path))
    assert browser.run("[...document.querySelectorAll('#densities figcaption')].map(one => one.innerText)") == [
        "sst2, larger: accuracy",
        "sst2, small: accuracy",
    ]
    points = "[...document.querySelectorAll('#densities .mark-symbol.role-mark path')]"
    found = browser.run(f"{points}.map(p => [p.__data__.datum.density, p.getBoundingClientRect().x, p.ariaLabel])")
    places = sorted((x, -density) for density, x, _ in found)
    assert places == sorted(places, key=lambda place: place[1])
    assert "lottery_ticket, density 0.5, random: accuracy 85.12" in " ".join(label for *_, label in found)
    browser.point_at(f"{points}.find(p => p.__data__.datum.name === 'lottery_ticket, random')", click=True)
    browser.wait("document.querySelector('#detail h3').innerText === 'lottery_ticket, density 0.9, random'")
    assert browser.problems == []
