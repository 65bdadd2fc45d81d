"""A run without a result leaves why, whoever started it; the table and `prune show` say it."""

import pytest

from prune.cli import main
from prune.results.layout import run_folder
from tests.config.test_schema import composed
from tests.sweeps import pretended
from tests.sweeps.pretended import CRASH, DEMO, INTERRUPT, USERS_MISTAKE

REFUSED = "refused: nothing was removed: raise method.penalty"
FAILED = "failed: RuntimeError: CUDA error: an illegal memory access."


def error_of(penalty):
    return run_folder(composed(*DEMO, f"method.penalty={penalty}")).error


@pytest.fixture
def said(capsys, prune):
    """What another command of `prune` says in the folder of the runs, or refuses to do."""

    def call(*words):
        try:
            main.main(words)
        except SystemExit as end:
            assert end.code == 2
        return capsys.readouterr()

    return call


def test_a_refused_run_leaves_its_reason_without_a_traceback(prune):
    assert prune(f"method.penalty={USERS_MISTAKE}")[0] == 2
    assert error_of(USERS_MISTAKE).read_text() == f"{REFUSED}\n"


def test_a_run_that_broke_leaves_its_reason_and_the_traceback(prune):
    with pytest.raises(RuntimeError):
        prune(f"method.penalty={CRASH}")
    first, _, rest = error_of(CRASH).read_text().partition("\n\n")
    assert first == FAILED.removeprefix("failed: ")
    assert "Traceback" in rest


def test_an_interrupted_run_leaves_no_reason(prune):
    assert prune(f"method.penalty={INTERRUPT}")[0] == 130
    assert not error_of(INTERRUPT).exists()


def test_a_reason_that_no_file_can_hold_hides_no_error(prune, monkeypatch):
    monkeypatch.setattr(pretended, "run", lambda *_: (_ for _ in ()).throw(ValueError("\udc80")))
    with pytest.raises(ValueError, match="\udc80"):
        prune("method.penalty=5")
    assert error_of(5).read_text().startswith("ValueError: \\udc80\n")


def test_the_reason_is_gone_once_the_run_starts_again_and_once_it_succeeds(prune, monkeypatch):
    prune(f"method.penalty={USERS_MISTAKE}")
    error, run = error_of(USERS_MISTAKE), pretended.run
    found = []

    def succeed(config, screen):
        found.append(error.exists())
        monkeypatch.setattr(pretended, "USERS_MISTAKE", None)
        error.write_text("another process, which this one waited for, left this\n")
        return run(config, screen)

    monkeypatch.setattr(pretended, "run", succeed)
    assert prune(f"method.penalty={USERS_MISTAKE}")[0] == 0
    assert found == [False]
    assert not error.exists()


def test_the_table_says_why_runs_of_a_sweep_have_no_result(prune, said):
    prune("-m", f"method.penalty=20,{USERS_MISTAKE},{CRASH}")
    out, _ = said("table")
    for text in (f"{error_of(USERS_MISTAKE).parents[1].name}/seed_0", REFUSED, FAILED):
        assert text in out
    assert REFUSED not in said("table", "format=csv").out
    assert REFUSED not in said("table", "seed=0,1", "format=json").out


def test_the_tables_filters_hold_for_runs_without_a_result(prune, said):
    prune("-m", f"method.penalty=20,{USERS_MISTAKE}", "seed=0,1")
    out, _ = said("table", "seed=1", "task=demo", "method=struct")
    assert out.count(REFUSED) == 1
    assert out.count("seed_1") == 1


def test_a_folder_of_refused_runs_alone_says_why_they_are(prune, said):
    prune(f"method.penalty={USERS_MISTAKE}")
    assert REFUSED in said("table").err
    assert REFUSED in said("show", str(error_of(USERS_MISTAKE).parent)).out
