"""The command, called in this process."""

import sys

import pytest

from prune.cli import main


@pytest.fixture
def prune(capsys, monkeypatch, tmp_path):
    """Calls the command in this process: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["prune"])
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")

    def call(*words):
        code = 0
        try:
            main.main(words)
        except SystemExit as end:
            code = end.code
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return call
