"""Labels of every form, and their numbers."""

import pyarrow as pa
import pytest

from prune.data.labels import names_in, number_of, numbers_of


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["red", "blue", None, "red", ""], ["blue", "red"]),
        ([5, 1, 10, 5], ["1", "5", "10"]),
        ([1.0, None, 0.0], ["0", "1"]),
        ([True, False], ["false", "true"]),
        ([None], []),
    ],
)
def test_names_are_sorted_and_each_is_there_once(values, names):
    assert names_in(pa.chunked_array([values])) == names


@pytest.mark.parametrize(
    ("value", "names", "number"),
    [
        ("red", ["blue", "red"], 1),
        (0, ["no", "yes"], 0),
        (1.0, ["no", "yes"], 1),
        (5, ["1", "5"], 1),  # a name, where all names are numbers
        (1, ["1", "5"], 0),
        (-1, ["-1", "0", "1"], 0),
        (False, ["no", "yes"], 0),
        (True, ["no", "yes"], 1),
        (True, ["true", "false"], 0),
        (True, ["False", "True"], 1),
    ],
)
def test_a_label_is_found_by_its_name_or_its_number(value, names, number):
    assert number_of(value, names) == number


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("Red", ["blue", "red"]),
        ("0", ["no", "yes"]),
        (2, ["no", "yes"]),
        (-1, ["no", "yes"]),
        (0, ["1", "2"]),
        (0.5, ["no", "yes"]),
        (float("inf"), ["no", "yes"]),
        (True, ["a", "b", "c"]),
        (None, ["no", "yes"]),
        ([1], ["no", "yes"]),
    ],
)
def test_what_is_no_label_is_refused(value, names):
    with pytest.raises(ValueError):
        number_of(value, names)


def test_a_column_has_none_where_a_label_is_missing():
    assert numbers_of(pa.chunked_array([["b", None, ""], ["a"]]), ["a", "b"]) == [1, None, None, 0]
    assert numbers_of(pa.chunked_array([[0.0, float("nan"), 1.0]]), ["a", "b"]) == [0, None, 1]


def test_the_row_of_the_first_that_is_none_is_told():
    with pytest.raises(ValueError, match="^2$"):
        numbers_of(pa.chunked_array([["a", "b", "c", "d"]]), ["a", "b"])
