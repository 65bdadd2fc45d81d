"""Embeddings: what is evaluated of which columns, what is wrong with data, losses by hand."""

import math

import numpy as np
import pytest
import torch
from datasets import Dataset

from prune.config.schema import EmbeddingsConfig, RetrievalConfig, TaskConfig
from prune.data.features import LENGTH
from prune.errors import UserError
from prune.models import loading
from prune.models.embedder import Embedder
from prune.tasks.base import Predictions
from prune.tasks.embedding import Embedding
from prune.tasks.ranking.losses import contrastive_loss, sampled_loss
from tests.tasks.files import write

DEMO = "pkg://demo/model"
TEXTS = ["the soup was good", "the tea was cold", "the cook was slow"]
SEARCH = {"metrics": ["recall@1", "mrr@10"], "text": ["question", "context"]}


def task(tmp_path, **values):
    settings = {"kind": "embedding", "name": "texts", "path": str(tmp_path), "label": "", "max_length": 32}
    made = Embedding(TaskConfig(**settings | values), seed=0)
    made.read_model(DEMO)
    return made


@pytest.fixture(scope="module")
def tokenizer():
    return loading.tokenizer(DEMO)


def embedded(numbers):
    """Outputs of a model that embeds texts as these points of the plane."""
    return {"embeddings": [np.asarray(point, dtype=np.float32) for point in numbers]}


def rows_of(tmp_path, made, rows, split="validation"):
    write(tmp_path / f"{split}.jsonl", rows)
    return made.load([split])[split]


def test_each_question_searches_its_own_paragraph_among_all(tmp_path, tokenizer):
    made = task(tmp_path, **SEARCH)
    rows = rows_of(tmp_path, made, [{"question": f"what is {n}", "context": TEXTS[n % 2]} for n in range(3)])
    features = made.features(rows, tokenizer, training=False)
    assert len(features) == 3 + 2
    points = [(1, 0), (0, 1), (0.6, 0.8), (1, 0.1), (0, 3)]  # the last question is nearer to the wrong paragraph
    found = made.predict(embedded(points), features, rows)
    assert found.answers == {"0": ["0", "1"], "1": ["1", "0"], "2": ["1", "0"]}
    assert made.measure(found, rows) == pytest.approx({"recall@1": 2 / 3, "mrr@10": 2.5 / 3})
    assert made.scores_of_each(found, rows) == [1.0, 1.0, 0.0]
    assert made.chance(rows) == pytest.approx(0.5)


def test_inner_products_count_lengths(tmp_path, tokenizer):
    made = task(tmp_path, **SEARCH)
    made._embedder = Embedder(similarity="dot", normalize=False)
    rows = rows_of(tmp_path, made, [{"question": "what", "context": text} for text in TEXTS])
    found = made.predict(
        embedded([(1, 1)] * 3 + [(1, 0), (0, 9), (5, 0)]), made.features(rows, tokenizer, training=False), rows
    )
    assert found.answers["0"] == ["1", "2", "0"]


def test_rated_pairs(tmp_path, tokenizer):
    made = task(tmp_path, text=["one", "other"], label="grade", metrics=["spearman"])
    pairs = [
        {"one": text, "other": "the tea", "grade": grade} for text, grade in zip(TEXTS, (1.0, 3.0, 2.0), strict=True)
    ]
    rows = rows_of(tmp_path, made, pairs)
    features = made.features(rows, tokenizer, training=False)
    found = made.predict(embedded([(0, 1), (1, 0), (1, 1), (1, 0), (1, 0), (1, 0)]), features, rows)
    assert list(found.answers.values()) == pytest.approx([0.0, 1.0, math.sqrt(0.5)], abs=1e-6)
    assert made.measure(found, rows) == pytest.approx({"spearman": 1.0})
    assert made.chance(rows) == 0.0


def test_texts_alone_are_compared_with_the_unpruned_model(tmp_path, tokenizer):
    made = task(tmp_path, text=["text"], metrics=["agreement@10"])
    rows = rows_of(tmp_path, made, [{"text": f"{TEXTS[n % 3]} {n}"} for n in range(30)])
    angles = [n / 10 for n in range(30)]
    points = [(math.cos(angle), math.sin(angle)) for angle in angles]
    features = made.features(rows, tokenizer, training=False)
    found = made.predict(embedded(points), features, rows)
    assert set(found.answers["0"]) == {str(n) for n in range(1, 11)}
    assert made.score(found, rows) == {"agreement@10": 1.0}
    other = Predictions({id_: [str(n) for n in range(20, 30)] for id_ in found.answers})
    assert made.score(other, rows, found.answers)["agreement@10"] < 0.5
    with pytest.raises(UserError, match="only a run knows"):
        made.measure(found, rows)


CORPUS = [{"_id": "a", "title": "Soup", "text": "It is hot."}, {"_id": "b", "title": "", "text": "Tea is cold."}]
QUERIES = [{"id": "q1", "text": "what is hot"}, {"id": "q2", "text": "what is cold"}, {"id": "q3", "text": "who"}]
RELEVANCE = [{"query-id": "q1", "corpus-id": "a", "score": 1}, {"query-id": "q2", "corpus-id": "b", "score": 2},
             {"query-id": "q3", "corpus-id": "b", "score": 0}]  # fmt: skip


def searching(tmp_path, corpus=CORPUS, queries=QUERIES, relevance=RELEVANCE):
    for name, rows in (("test", queries), ("corpus", corpus), ("qrels-test", relevance)):
        write(tmp_path / f"{name}.jsonl", rows)
    files = RetrievalConfig(corpus="corpus", relevance="qrels-{split}")
    return task(tmp_path, text=["text"], id="id", eval_splits=["test"], metrics=["recall@1"], retrieval=files)


def test_queries_corpus_and_relevance_from_three_files(tmp_path, tokenizer):
    made = searching(tmp_path)
    rows = made.load(["test"])["test"]
    assert made.ids(rows) == ["q1", "q2"]
    assert made.remarks[1:] == ["split 'test': 1 row without a relevant document left out (the first is q3)"]
    features = made.features(rows, tokenizer, training=False)
    assert tokenizer.decode(features["input_ids"][2], skip_special_tokens=True) == tokenizer.decode(
        tokenizer("Soup It is hot.")["input_ids"], skip_special_tokens=True
    )
    found = made.predict(embedded([(1, 0), (1, 0.1), (1, 0), (0, 1)]), features, rows)
    assert made.measure(found, rows) == {"recall@1": 0.5}


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({"corpus": [*CORPUS, CORPUS[0]]}, "1 document with the id of an earlier one"),
        ({"corpus": [*CORPUS, {"_id": "c", "title": "", "text": " "}]}, "1 document without a text, such as c"),
        ({"corpus": [{"key": "a", "text": "hot"}]}, "no column '_id'"),
        ({"queries": [*QUERIES, QUERIES[0]]}, "1 row with the id of an earlier row"),
        ({"queries": QUERIES[2:]}, "no query has a relevant document"),
        ({"relevance": [RELEVANCE[0] | {"corpus-id": "z"}]}, "1 document that the corpus does not have, such as 'z'"),
        ({"relevance": [{"query": "q1"}]}, "there is no column 'query-id', 'corpus-id', 'score'"),
    ],
    ids=["repeated document", "empty document", "no ids", "repeated query", "none relevant", "unknown", "columns"],
)  # fmt: skip
def test_what_is_wrong_with_the_files_is_said(tmp_path, files, fault):
    with pytest.raises(UserError, match=fault.replace("(", r"\(")):
        searching(tmp_path, **files).load(["test"])


def test_an_empty_text_is_left_out_and_counted(tmp_path):
    made = task(tmp_path, text=["text"], metrics=["agreement@10"])
    rows = rows_of(tmp_path, made, [{"text": f"text {n}"} for n in range(200)] + [{"text": "  "}])
    assert len(rows) == 200
    assert "an empty text in the column 'text'" in made.remarks[-1]


def test_training_texts_stand_once_whichever_column_they_are_from(tmp_path, tokenizer):
    made = task(tmp_path, **SEARCH)
    rows = rows_of(tmp_path, made, [{"question": f"what {n}", "context": TEXTS[0]} for n in range(3)], "train")
    assert len(made.features(rows, tokenizer, training=True)) == 4


def test_prompts_stand_before_queries_and_documents(tmp_path, tokenizer):
    made = task(tmp_path, **SEARCH, embeddings=EmbeddingsConfig(query_prompt="the soup ", document_prompt="was "))
    rows = rows_of(tmp_path, made, [{"question": "good", "context": "cold"}])
    given = made.features(rows, tokenizer, training=False)["input_ids"][:]
    assert given == [tokenizer("the soup good")["input_ids"], tokenizer("was cold")["input_ids"]]


def test_a_batch_of_pairs_has_all_first_texts_and_then_all_second(tmp_path, tokenizer):
    made = task(tmp_path, **SEARCH, embeddings=EmbeddingsConfig(contrastive=True))
    rows = rows_of(tmp_path, made, [{"question": text, "context": f"{text} and good"} for text in TEXTS], "train")
    features = made.features(rows, tokenizer, training=True)
    batch = made.collator(tokenizer)([dict(row) for row in features.remove_columns([LENGTH, "truncated"])])
    assert batch["input_ids"].shape == (6, max(features[LENGTH][:]))
    texts = tokenizer.batch_decode(batch["input_ids"], skip_special_tokens=True)
    assert texts[3:] == [f"{text} and good" for text in texts[:3]]


def test_the_contrastive_loss_by_hand():
    points = torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0], [1.0, 1.0]])  # cosines: 1, 0.707; 0, 0.707
    half = math.sqrt(0.5)
    rows = -math.log(math.exp(1) / (math.exp(1) + math.exp(half))) - math.log(math.exp(half) / (1 + math.exp(half)))
    columns = -math.log(math.exp(1) / (math.exp(1) + 1)) - math.log(0.5)
    found = contrastive_loss(1.0)({"embeddings": points}, {})
    assert found.item() == pytest.approx((rows + columns) / 4, rel=1e-6)


def test_squared_gradients_of_sampled_labels_are_the_fisher_information():
    """Of embeddings W x with x = (1, 2): the diagonal of the Fisher information is the square of x for every row."""
    weight, inputs = torch.zeros(3, 2, requires_grad=True), torch.tensor([[1.0, 2.0]])
    loss, squares = sampled_loss(0), torch.zeros(3, 2)
    for _ in range(4000):
        (gradient,) = torch.autograd.grad(loss({"embeddings": inputs @ weight.T}, {}), weight)
        squares += gradient**2 / 4000
    assert squares.numpy() == pytest.approx(np.asarray([[1.0, 4.0]] * 3), rel=0.1)


def test_rows_of_an_evaluation_tell_corpora_apart(tmp_path):
    first = searching(tmp_path).load(["test"])["test"]
    second = searching(tmp_path, corpus=[CORPUS[0] | {"text": "It is warm."}, CORPUS[1]]).load(["test"])["test"]
    assert isinstance(first, Dataset)
    assert first[0] != second[0]
