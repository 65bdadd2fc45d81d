"""The command line, composed: slips are refused, and a sweep calls every combination."""

from types import SimpleNamespace

import pytest

from prune.composition.compose import compose_and_call
from prune.errors import UserError
from tests.composing import refused
from tests.config.test_schema import DEMO


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("method.penality=3", "there is no key method.penality (did you mean 'method.penalty'?)"),
        ("pennalty=3", "there is no key pennalty"),
        ("method.attention.criterium=l0", "did you mean 'method.attention.criterion'?"),
        ("method.penalty=much", "method.penalty=much: Value 'much' of type 'str' could not be converted to Float"),
        ("schedule.batch_size=1.5", "schedule.batch_size=1.5"),
        ("force=perhaps", "Expected: bool"),
        ("method.scope=layer", "Expected: matrix or site"),
        ("method.finish=folded", "Expected: fold or compact or fill"),
        ("schedule.precision=float16", "Expected: auto or float32 or bfloat16"),
        ("method=[hybrid]", "method="),
        ("method.attention=block", "method.attention=block"),
        ("model=dmo", "model=dmo: there is no such model (did you mean 'demo'?). Choices: albert_base"),
        ("~seed", "~seed: write seed=value"),
        ("+seed=1", "+seed=1: write seed=value"),
    ],
)
def test_a_slip_of_the_hand_is_refused(word, said):
    assert said in refused(word)


def test_a_sweep_of_one_value_is_refused():
    assert "a sweep of one value is no sweep" in refused("-m", *DEMO, "method.penalty=20")


def test_a_sweep_carries_out_every_combination_and_goes_on_where_one_fails(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["prune"])
    seen = []

    def call(config):
        seen.append((config.method.name, config.method.penalty))
        if seen[-1] == ("block", 2.0):
            raise UserError("no luck")
        return SimpleNamespace(value=0.5)

    with pytest.raises(UserError, match="method=block method.penalty=2 .*: no luck$") as error:
        compose_and_call(["-m", *DEMO, "method=block,struct", "method.penalty=1,2", f"outputs={tmp_path}"], call)
    assert seen == [("block", 1.0), ("block", 2.0), ("struct", 1.0), ("struct", 2.0)]
    assert "struct" not in str(error.value)


def test_a_run_that_fails_is_told_without_its_words():
    def call(config):
        raise UserError("no luck")

    with pytest.raises(UserError, match="^no luck$"):
        compose_and_call([*DEMO], call)
