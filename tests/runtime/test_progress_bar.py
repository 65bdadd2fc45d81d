"""Progress outside of a terminal: lines, none for what is short, never a silent minute."""

import io

import pytest
from rich.console import Console

from prune.runtime import progress_bar
from prune.runtime.progress_bar import left, track


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is moved."""
    now = [0.0]
    monkeypatch.setattr(progress_bar.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def lines(monkeypatch):
    """What is shown, outside of a terminal."""
    shown = io.StringIO()
    monkeypatch.setattr(progress_bar, "console", lambda **_: Console(file=shown))
    return lambda: [line.strip() for line in shown.getvalue().splitlines()]


def work(clock, seconds, total):
    done = []
    for item in track(range(total), "refitting", total):
        clock[0] += seconds
        done.append(item)
    assert done == list(range(total))


def test_short_work_says_nothing(clock, lines):
    work(clock, 0.1, 20)
    assert lines() == []


def test_long_work_says_how_far_it_is_at_each_tenth(clock, lines):
    work(clock, 3.0, 100)
    assert lines()[:2] == ["refitting 1/100  left 4:57", "refitting 11/100  left 4:27"]
    assert len(lines()) == 10


def test_no_minute_is_silent(clock, lines):
    work(clock, 61.0, 100)
    assert len(lines()) == 99


def test_what_ends_early_is_no_matter(clock, lines):
    for item in track(range(10), "timing", 10, timed=True):
        if item == 3:
            break
    assert lines() == []


def test_time_left_follows_from_what_is_done(clock):
    clock[0] = 30.0
    assert left(0.0, 10, 40) == "1:30"
    assert left(0.0, 0, 2) == "1:00"
    assert left(0.0, 41, 40) == "0:00"


def test_a_terminal_is_not_drawn_on_while_work_is_timed(monkeypatch):
    asked = {}
    monkeypatch.setattr(progress_bar, "console", lambda **_: Console(file=io.StringIO(), force_terminal=True))
    monkeypatch.setattr(progress_bar, "rich_track", lambda items, *_, **options: asked.update(options) or items)
    for timed in (True, False):
        assert list(track([1, 2], "timing", 2, timed=timed)) == [1, 2]
        assert asked["auto_refresh"] is not timed
