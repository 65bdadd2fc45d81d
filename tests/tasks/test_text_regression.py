"""Texts with numbers: what is wrong with them is named; predictions and correlations by hand."""

import numpy as np
import pytest
from datasets import Dataset

from prune.config.schema import TaskConfig
from prune.errors import UserError
from prune.tasks.base import Predictions
from prune.tasks.text_regression import TextRegression
from tests.tasks.files import refused, task_over

GOOD = [{"text": f"the soup was {word}", "label": i / 2} for i, word in enumerate(["bad", "good", "cold", "warm"])]
CONFIG = TaskConfig(name="grades", kind="text_regression", text=["text"], metrics=["pearson", "spearman"])


@pytest.fixture
def folder(tmp_path):
    """Writes both splits; returns the task over them."""

    def make(train=GOOD, validation=GOOD, **values):
        return task_over(tmp_path, TextRegression, CONFIG, train, validation, **values)

    return make


BAD = {
    "text": ([{"text": "a", "label": "good"}], "the column 'label' holds string, not numbers"),
    "boolean": ([{"text": "a", "label": True}], "the column 'label' holds bool, not numbers"),
    "null": ([*GOOD, {"text": "a", "label": None}], "with no finite number (the first is row 4)"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("split", ["train", "validation"])
def test_what_is_wrong_with_the_numbers_is_named(folder, case, split):
    rows, said = BAD[case]
    assert said in refused(folder(**{split: rows}))


def test_whole_numbers_are_numbers(folder):
    rows = [{"text": str(i), "label": i} for i in range(200)]
    rows[3]["label"] = None
    grades = folder(train=rows)
    found = grades.load()["train"]
    assert list(found["label"]) == [float(i) for i in range(200) if i != 3]
    assert grades.remarks == ["split 'train': 1 of 200 rows with no finite number (the first is row 3) left out"]


def test_numbers_that_are_all_the_same_correlate_with_nothing(folder):
    said = refused(folder(validation=[row | {"label": 1} for row in GOOD]))
    assert "split 'validation': the column 'label' holds the same number everywhere" in said


ROWS = Dataset.from_dict({"label": [0.0, 1.0, 2.0, 4.0]})
TASK = TextRegression(CONFIG, 0)


def test_predictions_are_numbers():
    outputs = {"logits": list(np.asarray([[0.5], [1.5]]))}
    assert TASK.predict(outputs, ROWS, ROWS.select([0, 1])).answers == {"0": 0.5, "1": 1.5}


def test_correlations_by_hand():
    scores = TASK.score(Predictions({"0": 0, "1": 1, "2": 8, "3": 4}), ROWS)
    # deviations (-7, -3, 1, 9) / 4 and (-13, -9, 19, 3) / 4
    assert scores["pearson"] == pytest.approx((91 + 27 + 19 + 27) / (140 * 620) ** 0.5)
    assert scores["spearman"] == pytest.approx(1 - 6 * 2 / (4 * 15))


def test_the_same_answer_everywhere_is_chance():
    same = Predictions(dict.fromkeys("0123", 2.0))
    assert TASK.score(same, ROWS) == {"pearson": 0.0, "spearman": 0.0}
    assert TASK.chance(ROWS) == 0.0


@pytest.mark.parametrize("answer", ["1", None, True, float("nan")], ids=str)
def test_a_prediction_that_is_no_number_is_refused(answer):
    with pytest.raises(UserError, match="is no number"):
        TASK.measure(Predictions({"0": 1, "1": answer, "2": 1, "3": 2}), ROWS)
