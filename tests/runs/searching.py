"""A small embedder of random weights, a reranker, and what they learn from: the demo's texts."""

import json

import torch
from transformers import BertConfig, BertModel

from prune.config.schema import Pooling
from prune.files.paths import PACKAGE
from prune.models import loading
from prune.models.embedder import Embedder
from prune.results.layout import RunFolder
from tests.runs.tiny import NEEDED, TINY, command, folders
from tests.tasks.files import write

TEXTS = [json.loads(line)["text"] for line in (PACKAGE / "demo/data/validation.jsonl").read_text().splitlines()[:400]]
SMALL = ("model.name=small", "task.max_length=32", *TINY[1:], "schedule.learning_rate=1e-3", *NEEDED["one_shot"]())


def question_of(text):
    """Its first words."""
    return " ".join(text.split()[:4])


def write_embedder(folder):
    """A dense embedder, as sentence-transformers has them, with a prompt for queries."""
    tokenizer = loading.tokenizer("pkg://demo/model")
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
             "initializer_range": 0.3}  # fmt: skip
    BertModel(BertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, **sizes)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    Embedder(Pooling.cls, prompts={"query": "the "}).save(folder, width=32, max_length=64)
    return folder


def write_questions(folder):
    """Questions and the texts that they are about, texts that occur twice among them."""
    rows = [{"question": question_of(text), "context": text, "text": text} for text in TEXTS[:320]]
    write(folder / "train.jsonl", rows[:256])
    write(folder / "validation.jsonl", rows[256:])
    return folder


def embedding_words(embedder, data, task, outputs):
    """Of a run on embeddings."""
    named = [f"task.path={data}", "model=minilm", f"model.path={embedder}", f"outputs={outputs}"]
    return [f"task={task}", *named, *SMALL, "method=one_shot"]


def run_retrieval(embedder, data, outputs):
    """The folder of a run that searches."""
    code, _, err = command(*embedding_words(embedder, data, "squad_retrieval", outputs), "task.id=null", "report=true")
    assert code == 0, err
    return RunFolder(folders(outputs)["one_shot"])


def write_candidates(folder):
    """Four texts for each query, which is made of words of one of them."""
    rows = []
    for start in range(0, 400, 4):
        texts = TEXTS[start : start + 4]
        right = start // 4 % 4
        query = " ".join(texts[right].split()[:3]) + " " + " ".join(texts[right].split()[-2:])
        rows += [{"query": query, "document": text, "label": float(n == right)} for n, text in enumerate(texts)]
    write(folder / "train.jsonl", rows[:320])
    write(folder / "validation.jsonl", rows[320:])
    return folder


def run_reranking(data, outputs, *more):
    """The folder of a run that reranks."""
    words = [f"task.path={data}", "task.max_length=48", f"outputs={outputs}", *TINY, *NEEDED["one_shot"]()]
    code, _, err = command("task=reranking", *words, "method=one_shot", *more)
    assert code == 0, err
    return RunFolder(folders(outputs)["one_shot"])
