"""The command with pretended runs."""

import pytest

from prune.cli import main
from tests.config.test_schema import composed
from tests.sweeps import pretended
from tests.sweeps.pretended import DEMO


@pytest.fixture
def carried_out(monkeypatch):
    """Pretended runs; the configs of those that were carried out."""
    configs = []

    def run(config, screen):
        configs.append(config)
        return pretended.run(config, screen)

    monkeypatch.setattr("prune.pipeline.run.run", run)
    return configs


@pytest.fixture
def finished(prune):
    """Leaves the records of finished runs with these penalties in the folder that the command is called in."""

    def leave(*penalties):
        for penalty in penalties:
            pretended.run(composed(*DEMO, f"method.penalty={penalty}"))

    return leave


@pytest.fixture
def prune(capsys, monkeypatch, tmp_path, carried_out):
    """Calls the command in a folder of its own: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["prune"])
    monkeypatch.setenv("COLUMNS", "200")

    def call(*words):
        code = 0
        try:
            main.main(
                [*DEMO, *words] if "-m" not in words else ["-m", *DEMO, *(word for word in words if word != "-m")]
            )
        except SystemExit as end:
            code = end.code
        out, err = capsys.readouterr()
        return code, out, err

    return call
