"""The Python that pages show for pruned models works as it stands; all but what needs it without this package, too."""

import re
import subprocess
import sys

import pytest

from docs.generate import DOCS, ROOT
from tests.compaction.test_auto_classes import WITHOUT_THIS_PACKAGE
from tests.pruned_folders import save_with_tokenizer

PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
FOLDER = re.compile(r'"[^"\n]*/model"')
BLOCKS = [
    block for page in (ROOT / "README.md", DOCS / "pruned_models.md") for block in PYTHON.findall(page.read_text())
]
DATA = "data = [{'input_ids': [3, 4, 5], 'labels': 1}] * 2\n"
USED = """
print(classify("the soup was good"))
prune.load("further")
"""


def run(code, folder):
    """What Python says to the snippets with `folder` where they name one; on standard error, without progress."""
    code = FOLDER.sub(repr(str(folder / "model")), code)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "'score'" in done.stdout
    return [
        line
        for line in done.stderr.splitlines()
        if line.strip() and not re.search(r"Loading weights|Writing|it/s", line)
    ]


@pytest.mark.slow
def test_the_pages_lines_load_a_pruned_model_and_train_it_further(tmp_path):
    save_with_tokenizer("bert", tmp_path / "model")
    elsewhere = [block for block in BLOCKS if not re.search(r"^import prune", block, re.MULTILINE)]
    assert (len(BLOCKS), len(elsewhere)) == (5, 3)
    assert run(WITHOUT_THIS_PACKAGE + DATA + "\n".join([*elsewhere, USED.splitlines()[1]]), tmp_path) == []
    assert run(DATA + "\n".join([*BLOCKS[::-1], USED]), tmp_path) == []
