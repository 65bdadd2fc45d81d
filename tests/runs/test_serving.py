"""Pruned embedders and rerankers in environments that have sentence-transformers, but not this package."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from tests.runs.searching import (
    TEXTS,
    question_of,
    run_reranking,
    run_retrieval,
    write_candidates,
    write_embedder,
    write_questions,
)

pytestmark = pytest.mark.slow

EMBED = """
import json, sys
from sentence_transformers import SentenceTransformer
folder, backend, settings, texts = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), json.loads(sys.argv[4])
model = SentenceTransformer(folder, backend=backend, trust_remote_code=True, device="cpu", model_kwargs=settings)
print(json.dumps([model.encode_query(texts, batch_size=size).astype(float).tolist() for size in (1, 5, 32)]))
"""
SCORE = """
import json, sys
from sentence_transformers import CrossEncoder
folder, backend, settings, rows = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), json.loads(sys.argv[4])
model = CrossEncoder(folder, backend=backend, trust_remote_code=True, device="cpu", model_kwargs=settings)
print(json.dumps(model.predict(rows).tolist()))
"""
EXACT, HALF = 1e-5, 5e-3
CASES = {
    "torch": ("onnx", "torch", {}, EXACT),
    "half precision": ("onnx", "torch", {"dtype": "float16"}, HALF),
    "ONNX": ("onnx", "onnx", {}, EXACT),
    "OpenVINO": ("openvino", "openvino", {"ov_config": {"INFERENCE_PRECISION_HINT": "f32"}}, EXACT),
}
"""Name -> extra of sentence-transformers, its backend, settings of the model, how near the numbers are."""


@pytest.fixture(scope="session")
def python_with(tmp_path_factory):
    """Of an extra of sentence-transformers, the Python of an environment that has it."""
    made = {}

    def find(extra):
        if extra not in made:
            folder = tmp_path_factory.mktemp(extra)
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            made[extra] = str(folder / "bin/python")
            install = [made[extra], "-m", "pip", "install", "--quiet", f"sentence-transformers[{extra}]"]
            done = subprocess.run(install, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"sentence-transformers[{extra}] cannot be installed: {done.stderr.strip()[-200:]}")
        return made[extra]

    return find


def said_by(python, script, folder, backend, settings, given):
    """What `script` prints in another environment, in a folder of its own."""
    words = [python, "-c", script, folder, backend, json.dumps(settings), json.dumps(given)]
    environment = {"PATH": os.environ["PATH"], "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder.parent / "cache")}
    done = subprocess.run(words, capture_output=True, text=True, cwd=folder.parent, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def embedder(tmp_path_factory):
    """The folder of a run."""
    folder = write_embedder(tmp_path_factory.mktemp("embedder"))
    return run_retrieval(folder, write_questions(tmp_path_factory.mktemp("data")), tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def candidates(tmp_path_factory):
    return write_candidates(tmp_path_factory.mktemp("candidates"))


@pytest.fixture(scope="module")
def reranker(candidates, tmp_path_factory):
    """The folder of a run."""
    return run_reranking(candidates, tmp_path_factory.mktemp("runs"))


@pytest.mark.parametrize("case", CASES)
def test_embeddings_are_those_that_were_evaluated(embedder, python_with, case):
    """Of queries, in batches of any size."""
    from sentence_transformers import SentenceTransformer

    extra, backend, settings, near = CASES[case]
    texts = [question_of(text) for text in TEXTS[256:300]]
    expected = SentenceTransformer(str(embedder.model), trust_remote_code=True, device="cpu").encode_query(texts)
    for found in said_by(python_with(extra), EMBED, embedder.model, backend, settings, texts):
        assert np.abs(np.array(found) - expected).max() <= near


@pytest.mark.parametrize("case", [name for name in CASES if name != "half precision"])
def test_scores_are_those_that_were_evaluated(reranker, candidates, python_with, case):
    extra, backend, settings, near = CASES[case]
    rows = [json.loads(line) for line in (candidates / "validation.jsonl").read_text().splitlines()]
    pairs = [(row["query"], row["document"]) for row in rows]
    found = said_by(python_with(extra), SCORE, reranker.model, backend, settings, pairs)
    said = json.loads((reranker.predictions("validation").path / "predictions.json").read_text())
    assert np.abs(np.array(found) - list(said.values())).max() <= near
