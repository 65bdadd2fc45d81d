"""Odd words of the command: whatever they are, they are taken, or refused in a sentence, and at once."""

import copy
import time

import pytest
from omegaconf import OmegaConf

from prune.cli import main
from prune.composition.command_line import MOST_RUNS, read
from prune.composition.compose import composing, typed
from prune.composition.overrides import LONGEST
from prune.config.keys import known_keys
from prune.errors import UserError
from tests.config.test_schema import DEMO

ENDLESS = 60.0
"""Seconds: what takes longer would never have ended."""
ODD = (
    "", "''", "null", "true", "???", "nan", "-inf", "-0", "1e999", "-1", "1.5", "0x10", "1_000", "9" * 400, "9" * 5000,
    f"'{'9' * 5000}'", "a" * 300, "a" * 5000, "[]", "[1,[a]]", "[[" * 500, "{}", "{a: {b: [1]}}", "${nope}", "${model}",
    "${.name}", "${oc.env:NOPE}", "${", "../..", "~nobody/x", f"./{'a' * 300}", "a,b", "int(a)", "range(0,1e9)",
    "range(0,inf)", "glob(*)", "interval(2,1)", "sort(a,1)", "[", "'",
    "\\", "é", "٣ steps", "\x1b[2J", "a\nb", "\udcff", "\x00",
)  # fmt: skip


SHARES = 9
"""Keys take turns: one in so many gets the first of `ODD`, its neighbour the second, and so on."""


def pairs(shares):
    """Keys with odd values: of those of each key one in so many, another for its neighbour."""
    return [(key, value) for place, key in enumerate(known_keys()) for value in ODD[place % shares :: shares]]


def test_every_odd_value_meets_many_keys():
    met = {value: [key for key, other in pairs(SHARES) if other == value] for value in ODD}
    assert min(map(len, met.values())) > 10
    assert {key for key, _ in pairs(SHARES)} == set(known_keys())


@pytest.mark.parametrize("shares", [SHARES, pytest.param(1, marks=pytest.mark.slow)], ids=["in turn", "all"])
def test_every_key_takes_or_refuses_odd_values(shares):
    other, slow = {}, {}
    with composing() as compose:
        config = compose(list(DEMO))
    OmegaConf.set_struct(config, False)  # Hydra tells of it in its own way
    for key, value in pairs(shares):
        before = copy.deepcopy(OmegaConf.select(config, key))
        started = time.monotonic()
        try:
            (word,) = read([f"{key}={value}"]).overrides
            OmegaConf.update(config, key, word.value())
            typed(config)
        except UserError as error:
            assert str(error)
            assert max(map(len, str(error).splitlines())) < 1000
        except Exception as error:
            other[f"{key}={value[:50]}"] = error
        finally:
            OmegaConf.update(config, key, before, merge=False)
        if (took := time.monotonic() - started) > ENDLESS:
            slow[f"{key}={value[:50]}"] = took
    assert other == {}
    assert len(slow) <= 1  # the first loads what all need


@pytest.fixture
def told(elsewhere, capsys):
    """Why a command is refused, at once, with code 2 and nothing left behind."""

    def call(*words):
        started = time.monotonic()
        with pytest.raises(SystemExit) as end:
            main.main(words)
        assert time.monotonic() - started < ENDLESS
        out, err = capsys.readouterr()
        assert (end.value.code, out) == (2, "")
        assert err.startswith("prune: ")
        assert "Traceback" not in err
        assert max(map(len, err.splitlines())) < 600
        assert list(elsewhere.iterdir()) == []
        return err

    return call


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (f"seed={'1' * 5000}", "... (5,005 characters): it cannot be read"),
        (f"method.recovery={'1' * 400}", "... (400 characters): a number must be below 2^31"),
        (f"target.speedup={'[' * 2000}", "it has more than 12 levels of brackets"),
        (f"target.speedup={'[' * 2000}1{']' * 2000}", "it has more than 12 levels of brackets"),
        (f"task.train_split={'a' * 5000}", "... (5,000 characters): a text has at most 1,000 characters"),
        (f"task.train_split={'a' * 500}", "letters, digits, `_`, `-` and `.` only, and no more than 100"),
        (f"task.label={'a' * 10_000}", f"may have {LONGEST:,}; what is long goes into a recipe"),
        (f"model.path=./{'a' * 300}", "no folder has so long a name"),
        (f"{'a' * 2000}=1", "there is no key"),
        ("task.label=glob(*)", "task.label=glob(*): name the values, as in task.label=a,b"),
        ("method=glob(*)", "name the values, as in method=at_initialization,block"),
        ("method.penalty=range(0,1e9)", "these are 1,000,000,000 values, and a sweep may have 1,000 runs"),
        ("method.penalty=range(0,inf)", "a range goes from one number to another in steps"),
        ("method.penalty=range(0,1,0)", "a range goes from one number to another in steps"),
        ("method.penalty=range(1,0)", "there is no value in it"),
        ("method.penalty=interval(2,1)", "an interval goes from one number to a greater one"),
        ("method.penalty=int(a)", "ValueError while evaluating 'int(a)'"),
        ("method.penalty=5,6", "several values are a sweep: prune -m method.penalty=5,6"),
        ("method.penalty=???", "method.penalty=???: say a value"),
        ("method.penalty=${nope}", "method.penalty: Interpolation key 'nope' not found"),
        ("method={name: a}", "there is no such method"),
        ("outputs=", "outputs is empty: name a folder"),
        ("task.label=\udcff", "task.label=\\udcff: it holds a character that cannot be shown, or that is no UTF-8"),
        ("task.label=a\x00", "it holds a character that cannot be shown"),
        ("method@a=struct", "keys can be set, not added, deleted or moved"),
        ("++seed=1", "++seed=1: write seed=value"),
        ("hydra/job_logging=-0", "nothing that can be set. Of Hydra's there are hydra/launcher"),
        ("hydra.run.dir=x", "nothing that can be set"),
        ("hydra.launcher.n_jobs=2", "for a sweep of runs only"),
        ("evaluate.speed.batch_sizes=[1,[2]]", "must be a list[int]"),
    ],
    ids=lambda text: text.encode("ascii", "backslashreplace").decode()[:40],
)
def test_a_word_that_could_take_long_or_crash_is_refused(word, said, told):
    assert said in told(*DEMO, word)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["method.penalty=range(0,1e9)"], "these are 1,000,000,000 values"),
        (
            ["method.penalty=range(0,500)", "seed=range(0,1000)"],
            "500 x 1,000 = 500,000 runs, and a sweep may have 1,000",
        ),
        (["seed=1,2", "hydra/launcher=null"], "hydra/launcher=null: name one"),
        (["seed=1,2", "hydra.launcher._target_=os.system"], "which are to be set instead"),
    ],
)
def test_a_sweep_without_end_never_starts(words, said, told):
    assert said in told("-m", *DEMO, *words)


def test_as_many_runs_as_a_sweep_may_have_are_taken():
    assert len(read(["-m", *DEMO, f"seed=range(0,{MOST_RUNS})"]).swept) == 1
    with pytest.raises(UserError, match="a sweep may have"):
        read(["-m", *DEMO, f"seed=range(0,{MOST_RUNS + 1})"])


def test_a_launcher_is_told_what_its_file_does_not_list():
    word = "+hydra.launcher.additional_parameters={mail-type: END}"
    command = read(["-m", "hydra/launcher=submitit_slurm", word, "seed=1,2"], sweep_of_runs=True)
    with composing() as compose:
        settings = compose(command.for_hydra, return_hydra_config=True).hydra.launcher
    assert settings.additional_parameters == {"mail-type": "END"}


@pytest.mark.parametrize(
    "flags",
    [
        ["--info"], ["--info", "--cfg", "job"], ["--info=searchpath"], ["--hydra-help"], ["--package=a"], ["-p", "a"],
        ["--run"], ["--config-dir", "."], ["--config-path=."], ["--config-name", "x"], ["--experimental-rerun", "x"],
        ["--cfg", "hydra"], ["--cfg"], ["--resolve"], ["-m", "--cfg", "job"], ["-sc"], ["-sc", "install=cmd"],
        ["--", "seed=1"], ["-m=1"], ["-1"], [f"--{'a' * 5000}"],
    ],
    ids=lambda flags: " ".join(flags)[:40],
)  # fmt: skip
def test_a_flag_that_is_none_of_ours_is_refused_by_its_name(flags, told):
    assert told(*flags).startswith(f"prune: {flags[0][:50]}") or "--cfg: does not go together" in told(*flags)


def test_a_shell_asks_for_completion_in_its_own_way(told, monkeypatch):
    monkeypatch.delenv("COMP_LINE", raising=False)
    assert "asked by a shell, which sets COMP_LINE" in told("-sc", "query=bash")


@pytest.mark.parametrize("verb", ["table", "show", "report", "verify"])
def test_a_folder_with_a_name_that_none_can_have_is_refused(verb, told):
    assert "(300 characters): no file has so long a name" in told(verb, "a" * 300)
