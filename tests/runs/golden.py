"""Writes golden.json, the losses of a tiny run: `OMP_NUM_THREADS=1 python -m tests.runs.golden`.

To be run, and its diff to be explained, only when the mathematics of training changes on purpose.
"""

import json
import os
import tempfile
from pathlib import Path

from tests.runs.tiny import call, folders

FILE = Path(__file__).with_name("golden.json")
KEYS = ("step", "loss", "labels_loss", "teacher_loss", "penalty_loss", "density_attention", "density_feed_forward")


def histories(outputs):
    """The logged values of the dense and of the pruning training under `outputs`."""
    found = {}
    for stage in ("dense", "pruned"):
        (file,) = Path(outputs).glob(f"{stage}/*/history.json")
        logged = [line for line in json.loads(file.read_text()) if "loss" in line]
        found[stage] = [{key: line[key] for key in KEYS if key in line} for line in logged]
    return found


def main():
    """Carries out the run and writes the file."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        code, _, err = call()
        assert code == 0, err
        assert set(folders("outputs")) == {"hybrid"}
        stages = [
            f' "{stage}": [\n  ' + ",\n  ".join(map(json.dumps, logged)) + "\n ]"
            for stage, logged in histories("outputs").items()
        ]
    FILE.write_text("{\n" + ",\n".join(stages) + "\n}\n")


if __name__ == "__main__":
    main()
