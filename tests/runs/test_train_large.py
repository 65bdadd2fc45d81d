"""Training large, then compressing: a shape of one's own."""

from pathlib import Path

from prune.results.record import Record
from tests.composing import composed
from tests.models.test_shape import SHAPE, WORDS
from tests.runs.tiny import call


def test_a_run_has_the_shape_and_so_has_its_recipe():
    code, out, error = call(*WORDS, method="one_shot")
    assert code == 0, error
    (file,) = Path("outputs").glob("demo/demo_L2_H32_A4_I48/one_shot/*/seed_0/record.json")
    record = Record.read(file)
    assert record.dense_linear_params == 2 * (4 * 32 * 32 + 2 * 32 * 48)
    assert "demo_L2_H32_A4_I48" in out
    again = composed(f"recipe={file.parent / 'recipe.yaml'}").model
    assert (again.shape, again.name) == (SHAPE, "demo_L2_H32_A4_I48")
