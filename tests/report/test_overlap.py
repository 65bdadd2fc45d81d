"""The figures of what runs keep in common."""

import re

import numpy as np
import pytest
import vl_convert

from prune.overlap.comparison import Comparison, Figures, Pair
from prune.overlap.jaccard import Mask, overlap_of
from prune.report.figures.overlap import MOST_MEMBERS, drawn, spec
from prune.report.figures.theme import IN_PAGE, LIGHT


def texts(description, data):
    """All texts of a figure, a minus as one types it."""
    svg = vl_convert.vegalite_to_svg(description | {"datasets": data})
    return [text.replace("\u2212", "-") for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


@pytest.mark.parametrize(("first", "second"), [(0b110100, 0b101100), (0b111000, 0b000111), (0b100000, 0b110111)])
def test_the_figure_of_two_runs_has_the_definition_of_the_package(first, second):
    a, b = ([bool(bits >> unit & 1) for unit in range(6)] for bits in (first, second))
    one = overlap_of(Mask.of(np.array(a)), Mask.of(np.array(b)))
    row = {"pair": "x and y", "site": "heads", "layer": "layer 0", "units": 6, "first": sum(a), "second": sum(b)}
    found = texts(spec(LIGHT), {"overlap": [row | {"both": one.both}]})
    assert f"{one.index:.2f} ({one.index - one.expected:+.2f})" in found


@pytest.mark.parametrize(("first", "second", "both"), [(6, 6, 6), (0, 0, 0), (6, 2, 2), (3, 0, 0)])
def test_it_gives_no_index_where_one_run_keeps_all_or_nothing(first, second, both):
    row = {"pair": "x and y", "site": "heads", "layer": "layer 0", "units": 6, "first": first, "second": second}
    found = texts(spec(LIGHT), {"overlap": [row | {"both": both}]})
    assert "nothing to compare" in found
    assert "1.00" not in " ".join(found)


def comparison(num_members):
    pairs = [Pair(0, number, Figures(2, 0.5, 0.75, -0.25, 0.1), []) for number in range(1, num_members)]
    return Comparison("weights", "small", [f"run {n}" for n in range(num_members)], [1] * num_members, pairs)


def test_a_heat_map_has_a_cell_for_each_pair():
    ((figure, description),) = drawn([comparison(3)], LIGHT)
    assert figure.name == "overlap-small-weights"
    assert [(row["row"], row["column"]) for row in figure.data["cells"]] == [("2  run 1", "1"), ("3  run 2", "1")]
    assert {row["side"] for row in figure.data["cells"]} == {"less than by chance"}
    found = texts(description, figure.data)
    assert found.count("0.50") == found.count("-0.25") == found.count("±0.10") == found.count("2 pairs") == 2


def test_figures_of_one_name_are_told_apart_and_too_large_ones_left_out():
    many = [comparison(3), comparison(MOST_MEMBERS + 1), comparison(2)]
    assert [figure.name for figure, _ in drawn(many, IN_PAGE)] == ["overlap-small-weights", "overlap-small-weights-2"]
