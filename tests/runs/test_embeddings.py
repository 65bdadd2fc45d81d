"""Runs on embeddings, by words of the command alone: a small embedder of random weights, and the demo's texts."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sentence_transformers import SentenceTransformer
from transformers import BertModel

from prune.config.schema import Pooling, TaskConfig
from prune.models import loading
from prune.models.embedder import Embedder, read_embedder
from prune.pipeline import networks
from prune.results.layout import RunFolder
from prune.results.record import Record
from prune.tasks.embedding import Embedding
from tests.runs.searching import (
    TEXTS,
    embedding_words,
    question_of,
    run_retrieval,
    write_embedder,
    write_questions,
)
from tests.runs.tiny import command, folders
from tests.tasks.files import write

SEARCHED = TEXTS[256:320]


@pytest.fixture(scope="module")
def embedder(tmp_path_factory):
    return write_embedder(tmp_path_factory.mktemp("embedder"))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_questions(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def finished(embedder, data, tmp_path_factory):
    """The folder of a run that searches."""
    return run_retrieval(embedder, data, tmp_path_factory.mktemp("searched"))


def test_the_embedder_as_it_is_is_the_reference_and_the_teacher(finished, embedder):
    record = Record.read(finished.record)
    assert list(record.scores["validation"]) == ["recall@10", "recall@1", "mrr@10", "ndcg@10"]
    assert record.linear_params < record.dense_linear_params
    assert record.largest_logit_difference <= 1e-5
    assert list(record.training) == ["teacher", "fill"]
    (dense,) = (finished.outputs / "dense").glob("*/model")
    first, second = (BertModel.from_pretrained(folder) for folder in (embedder, dense))
    for name, values in first.state_dict().items():
        assert torch.equal(values, second.state_dict()[name])
    history = [step for step in json.loads((finished.filled.history).read_text()) if "loss" in step]
    losses = [step["loss"] for step in history]
    half = len(losses) // 2
    assert sum(losses[-half:]) < sum(losses[:half])


def test_sentence_transformers_gives_the_embeddings_that_were_evaluated(finished):
    """Those of texts in batches, by the prompt and the pooling of the embedder that was pruned."""
    loaded = SentenceTransformer(str(finished.model), trust_remote_code=True, device="cpu")
    assert read_embedder(str(finished.model)) == Embedder(Pooling.cls, prompts={"query": "the "})
    queries = [question_of(text) for text in SEARCHED]
    documents = list(dict.fromkeys(SEARCHED))
    similarities = loaded.similarity(loaded.encode_query(queries), loaded.encode_document(documents)).numpy()
    best = np.argsort(-similarities, axis=1, kind="stable")[:, :10].astype(str).tolist()
    said = json.loads((finished.predictions("validation").path / "predictions.json").read_text())
    assert best == list(said.values())


def test_the_card_tells_sentence_transformers(finished):
    card = (finished.model / "README.md").read_text()
    assert "library_name: sentence-transformers" in card
    assert "pipeline_tag: sentence-similarity" in card
    assert 'SentenceTransformer("<this folder or repository>", trust_remote_code=True)' in card


def test_a_finished_embedder_is_evaluated_as_it_is(finished, data):
    task = ("task=squad_retrieval", f"task.path={data}", "task.id=null", "task.max_length=32")
    code, out, err = command("evaluate", *task, f"model.path={finished.model}", "format=json")
    assert code == 0, err
    assert json.loads(out)["scores"] == Record.read(finished.record).scores


def test_texts_alone_agree_with_the_unpruned_model(embedder, data, tmp_path):
    code, _, err = command(*embedding_words(embedder, data, "embedding", tmp_path))
    assert code == 0, err
    record = Record.read(folders(tmp_path)["one_shot"] / "record.json")
    assert record.dense_value == 1.0
    assert 0 < record.value < 1


def test_agreement_is_known_to_a_run_alone(embedder, data):
    code, _, err = command("evaluate", "task=embedding", f"task.path={data}", f"model.path={embedder}")
    assert code == 2
    assert "known to a run alone" in err


def test_a_teacher_pools_as_its_own_folder_says(embedder, tmp_path):
    """Others' tokens are pooled by their mean."""
    task = Embedding(TaskConfig(kind="embedding", text=["text"], label=""), seed=0)
    task.read_model(str(embedder))
    for file in embedder.glob("*"):
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    Embedder(Pooling.mean, normalize=False).save(tmp_path, width=32, max_length=64)
    inputs = loading.tokenizer(str(embedder))(["the soup was good"], return_tensors="pt")
    for path, pooled in (
        (embedder, lambda tokens: F.normalize(tokens[:, 0])),
        (tmp_path, lambda tokens: tokens.mean(1)),
    ):
        outputs = networks.finished(str(path), task, "teacher")(**inputs)
        assert torch.allclose(outputs["embeddings"], pooled(outputs["last_hidden_state"]), atol=1e-6)


def test_an_embedder_may_lose_whole_layers_alone(embedder, data, tmp_path):
    shapes = ["method.layers=0.5", "method.attention.grain=none", "method.feed_forward.grain=none"]
    words = [word for word in embedding_words(embedder, data, "squad_retrieval", tmp_path) if "method." not in word]
    said = [*words, "task.id=null", "target.density=null", "method=uniform", "method.finish=compact", *shapes]
    code, _, err = command(*said)
    assert code == 0, err
    run = RunFolder(folders(tmp_path)["uniform"])
    assert Record.read(run.record).linear_params * 2 == Record.read(run.record).dense_linear_params
    loaded = SentenceTransformer(str(run.model), trust_remote_code=True, device="cpu")
    assert loaded.encode(["the soup was good"]).shape == (1, 32)


def test_pairs_train_the_unpruned_embedder(embedder, data, tmp_path):
    said = [
        *embedding_words(embedder, data, "squad_retrieval", tmp_path),
        "task.id=null",
        "task.embeddings.contrastive=true",
    ]
    code, _, err = command(*said)
    assert code == 0, err
    record = Record.read(folders(tmp_path)["one_shot"] / "record.json")
    assert list(record.training) == ["dense", "fill"]
    (file,) = (tmp_path / "dense").glob("*/history.json")
    losses = [step["labels_loss"] for step in json.loads(file.read_text()) if "labels_loss" in step]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        (["teacher=none"], "teacher=none: texts are learned from a teacher alone"),
        (["method=lottery_ticket", "target.density=null"], "method=lottery_ticket has no teacher"),
        (["schedule.budget_flops=1e9"], "the unpruned embedder stays as it is"),
        (["model.pretrained=false"], "the unpruned embedder stays as it is"),
        (["task.text=[question]"], "the metrics of texts alone are agreement@10"),
        (["task.retrieval.corpus=corpus"], "name both, corpus and relevance"),
        (["task.weights=audit.json"], "embeddings have no exemplars"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_at_once(embedder, data, tmp_path, more, fault):
    code, _, err = command(*embedding_words(embedder, data, "squad_retrieval", tmp_path), *more)
    assert code == 2
    assert fault in err


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("modules.json", "{}", "holds no list of mappings"),
        ("modules.json", '[{"type": "x.Transformer"}, {"type": "x.Dense"}]', "names 'Transformer', 'Dense'; known are"),
        ("1_Pooling/config.json", '{"pooling_mode_max_tokens": true}', "pooling is 'max_tokens'; known are mean, cls"),
        ("config_sentence_transformers.json", '{"similarity_fn_name": "manhattan"}', "known are cosine and dot"),
        ("config_sentence_transformers.json", '{"default_prompt_name": "a"}', "is 'a', which no prompt has"),
    ],
)
def test_an_embedder_of_steps_that_are_not_known_is_refused(embedder, tmp_path, name, content, fault):
    for file in embedder.glob("**/*.json"):
        write(tmp_path / file.relative_to(embedder), file.read_text())
    (tmp_path / name).write_text(content)
    with pytest.raises(Exception, match=fault):
        read_embedder(str(tmp_path))


def test_an_exported_embedder_gives_the_same_scores(finished):
    code, _, err = command("export", f"run={finished.path}", "format=onnx", "measure=false")
    assert code == 0, err
    folder = finished.exported("onnx")
    assert read_embedder(str(folder)) == read_embedder(str(finished.model))
    said = json.loads((folder / "predictions/validation/predictions.json").read_text())
    assert said == json.loads((finished.predictions("validation").path / "predictions.json").read_text())


def test_a_plan_tells_how_long_a_run_without_labels_takes(embedder, data, tmp_path):
    code, out, err = command("plan", *embedding_words(embedder, data, "squad_retrieval", tmp_path), "task.id=null")
    assert code == 0, err
    assert "density 0.3" in out


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        (["schedule.budget_flops=1e9"], "with schedule.dense_epochs=0 the unpruned model is not trained"),
        (["method=lottery_ticket", "target.density=null"], "the trainings of method=lottery_ticket are as long as"),
        (["model.pretrained=false"], "the unpruned model is random"),
    ],
)
def test_no_training_of_the_unpruned_model_needs_one_that_is_finished(embedder, data, tmp_path, more, fault):
    said = [*embedding_words(embedder, data, "squad_retrieval", tmp_path), "task.embeddings.contrastive=true"]
    code, _, err = command(*said, "schedule.dense_epochs=0", *more)
    assert code == 2
    assert fault in err
