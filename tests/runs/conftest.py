"""Where runs take place."""

import pytest


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """A folder of its own, in which a run leaves what it likes."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
