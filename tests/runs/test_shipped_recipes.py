"""Each kind of recipe that ships is carried out: two steps of each training, on a tiny model and a few rows."""

import functools

import pytest
from transformers import BartConfig, BertConfig, BertModel

from prune.models import loading
from prune.recipes import library
from prune.results.record import Record
from tests.runs.tiny import command
from tests.tasks.files import write

QUICK = (
    "schedule.budget_flops=null", "schedule.eval_every=null",
    "model.path=model", "teacher=dense", "task.path=data", "task.train_examples=16",
    "task.eval_from_train=0", "task.max_length=40", "schedule.batch_size=8", "schedule.epochs=1",
    "schedule.dense_epochs=1", "schedule.fill_epochs=1", "schedule.warmup=0.0", "schedule.cooldown=0.0",
    "schedule.score_learning_rate=3.0", "evaluate.speed.pairs=2", "evaluate.speed.batch_sizes=[1]",
    "evaluate.speed.length=8",
)  # fmt: skip
FINISHED = ("squad_retrieval",)
"""Tasks whose unpruned model is none from scratch."""
OF_METHOD = {
    "lottery_ticket": ("method.rounds=[1]", "method.rate=0.5"),
    "structured_ticket": ("method.rounds=[1]", "method.rate=0.5", "method.importance_examples=8"),
    "at_initialization": ("target.density=0.5", "method.examples_per_class=4"),
    "one_shot": (
        "target.speedup=null", "target.density=0.5", "method.importance_examples=8", "method.refit_tokens=80",
    ),
}  # fmt: skip
OF_TASK = {
    "question_answering": ("task.answers.question_length=8", "task.answers.stride=4"),
    "reranking": ("task.train_examples=2",),
    "summarization": (
        "task.summaries.num_beams=2", "task.summaries.max_new_tokens=4", "task.summaries.min_new_tokens=1",
        "evaluate.speed.generation_pairs=2", "evaluate.speed.generation_batch_sizes=[1]",
        "evaluate.speed.generated_length=2",
    ),
}  # fmt: skip
TEXT = "the soup was very good and the waiter was rude"


def answers(number, unanswerable):
    if unanswerable and number % 2:
        return {"text": [], "answer_start": []}
    return {"text": ["very good"], "answer_start": [TEXT.index("very good")]}


def row(task, number):
    """A row with the columns of a data set of the hub."""
    label = {"label": number % 2}
    return {
        "demo": label | {"text": TEXT},
        "mlm": {"text": TEXT, "sentence": TEXT},
        "sst2": label | {"sentence": TEXT},
        "qqp": label | {"question1": TEXT, "question2": TEXT},
        "mnli": {"label": number % 3, "premise": TEXT, "hypothesis": TEXT},
        "squad": {"id": str(number), "question": "soup", "context": TEXT, "answers": answers(number, False)},
        "squad_v2": {"id": str(number), "question": "soup", "context": TEXT, "answers": answers(number, True)},
        "squad_retrieval": {"id": str(number), "question": "soup", "context": f"{TEXT} {number}"},
        "reranking": label | {"query": f"soup {number // 8}", "document": f"{TEXT} {number}"},
        "cnn_dailymail": {"id": str(number), "article": TEXT, "highlights": "the soup was good"},
    }[task]


def save_model(folder, task):
    """A config with the demo's words, whose matrices blocks of 32 x 32 divide."""
    tokenizer = loading.tokenizer("pkg://demo/model")
    special = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id, "bos_token_id": 2}
    special |= {"eos_token_id": tokenizer.sep_token_id, "max_position_embeddings": 64}
    if task == "cnn_dailymail":
        sizes = dict.fromkeys(("encoder_layers", "decoder_layers", "encoder_attention_heads"), 2)
        sizes |= {"d_model": 64, "decoder_attention_heads": 2, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64}
        BartConfig(**sizes, **special, decoder_start_token_id=2, forced_eos_token_id=None).save_pretrained(folder)
    else:
        sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
        config = BertConfig(**sizes, **special)
        (BertModel(config) if task in FINISHED else config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@functools.cache
def examples():
    """The first recipe for each kind of task with each kind of method, and the choices it makes."""
    found, classifies = {}, ("demo", "mnli", "qqp", "sst2")
    for name in library.names():
        chosen = library.choices_of(library.read(library.find(name)))
        task = "classification" if chosen["task"] in classifies else chosen["task"]
        found.setdefault((task, chosen["method"] if chosen["method"] in OF_METHOD else "trained"), (name, chosen))
    return list(found.values())


@pytest.mark.parametrize(("name", "chosen"), examples(), ids=[name for name, _ in examples()])
def test_a_recipe_starts_and_ends(name, chosen, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_model(tmp_path / "model", chosen["task"])
    for split in ("train", "validation", "validation_matched", "validation_mismatched"):
        write(tmp_path / "data" / f"{split}.jsonl", [row(chosen["task"], number) for number in range(16)])
    config = library.read(library.find(name))
    kind = {"squad": "question_answering", "squad_v2": "question_answering", "cnn_dailymail": "summarization"}
    words = (*OF_TASK.get(kind.get(chosen["task"], chosen["task"]), ()), *OF_METHOD.get(chosen["method"], ()))
    start = "model.pretrained=" + ("true" if chosen["task"] in FINISHED else "false")
    code, _, err = command(f"recipe={name}", start, *QUICK, *words)
    assert code == 0, err
    (file,) = tmp_path.glob("outputs/*/*/*/*/seed_*/record.json")
    record = Record.read(file)
    named = config.get("task", {}).get("name", chosen["task"])
    assert (record.task, record.method) == (named, chosen["method"])
    assert record.config["method"]["penalty"] == config.get("method", {}).get("penalty", 10.0)
    assert record.num_examples["train"] == 16
    assert 0 <= record.linear_density < 1
