"""The labels of dense models, of which several may lie at one place, can be read."""

import itertools
import re

import pytest

from prune.report.figures import frontier
from prune.report.figures.files import save
from prune.report.figures.theme import LIGHT
from prune.results.pareto import COSTS, dense_points_of, points_of
from tests.report.folders import configured, measured

LABEL = re.compile(r'<text text-anchor="(start|end)" transform="translate\(([\d.]+),([\d.-]+)\)"[^>]*>(dense[^<]*)<')
TEXT_HEIGHT, WIDTH = 11, 640


def labels(records, cost, measure, folder, width=WIDTH):
    """Anchor, x, y and text of each label of a dense model in the figure over `records`."""
    points, dense = (frontier.rows(rows(records)) for rows in (points_of, dense_points_of))
    batch = [[row for row in rows if row["batch"] == 32] for rows in (points, dense)]
    data = {"points": batch[0], "front": batch[0], "dense": batch[1], "published": []}
    spec = frontier.spec(cost, measure, "accuracy", ["hybrid"], LIGHT) | {"width": width}
    svg, _ = save(spec, data, folder, "figure")
    return [(anchor, float(x), float(y), text) for anchor, x, y, text in LABEL.findall(svg.read_text())]


def several(number):
    """A run each of so many models, whose dense models are as fast and as good, or nearly."""
    config, names = configured(20), [f"model {letter}" for letter in "abcdefghij"[:number]]
    values = {"config": config, "training": {"dense": {"flops": 1e12}}}
    return [measured(2, model=name, dense_value=0.87 - 0.0001 * (n % 3), **values) for n, name in enumerate(names)]


@pytest.mark.parametrize("measure", frontier.Y_TITLES)
@pytest.mark.parametrize("cost", COSTS)
def test_no_label_of_a_dense_model_prints_over_another_or_leaves_the_figure(cost, measure, tmp_path):
    found = labels(several(4), cost, measure, tmp_path)
    assert sorted(text for *_, text in found) == [f"dense model {letter}" for letter in "abcd"]
    heights = sorted(y for _, _, y, _ in found)
    assert min(low - high for high, low in itertools.pairwise(heights)) >= TEXT_HEIGHT
    assert all(anchor == ("end" if x > WIDTH / 2 else "start") for anchor, x, *_ in found)


@pytest.mark.parametrize(("number", "width"), [(10, WIDTH), (3, 280)])
def test_dense_models_are_counted_where_there_is_no_room_for_their_names(number, width, tmp_path):
    found = labels(several(number), "speedup", "value", tmp_path, width)
    assert [text for *_, text in found] == [f"dense, {number} models"]
