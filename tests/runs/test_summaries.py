"""A whole run on texts with summaries, by words of the command alone; BART and T5 from scratch."""

import contextlib
import io
import json
import os
import random
from pathlib import Path

import pytest
import torch

import prune
from prune.cli import main
from prune.demo.generate import ADJECTIVES, ADVERBS, THINGS
from prune.models import loading
from prune.results.record import Record
from tests.architectures import ARCHITECTURES
from tests.runs.tiny import TINY, call, folders
from tests.tasks.files import write

TASK = (
    "task=summarization", "task.name=menu", "task.path=./menu", "task.text=[long]", "task.label=short",
    "task.max_length=40", "task.metrics=[rougeL]", "task.summaries.num_beams=2", "task.summaries.min_new_tokens=2",
    "task.summaries.max_new_tokens=6", "task.summaries.no_repeat_ngram_size=0", "evaluate.speed.generated_length=3",
    "evaluate.speed.generation_pairs=2", "evaluate.speed.generation_batch_sizes=[1,2]",
)  # fmt: skip
SIZES = {"train": 48, "validation": 12}


def menu(split, size):
    """How things are; the summary is the first of them."""
    draw = random.Random(split)
    for _ in range(size):
        things = draw.sample(list(THINGS), 4)
        said = [f"the {one} was {draw.choice(list(ADVERBS))} {draw.choice(list(ADJECTIVES))}" for one in things]
        yield {"long": " . ".join(said), "short": said[0].split("the ")[1]}


def save_model(folder, name):
    """A tiny model's config with the demo's words."""
    tokenizer = loading.tokenizer("pkg://demo/model")
    special = {
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.cls_token_id,
        "eos_token_id": tokenizer.sep_token_id,
        "decoder_start_token_id": tokenizer.cls_token_id,
        "forced_eos_token_id": None,
        "vocab_size": len(tokenizer),
    }
    architecture = ARCHITECTURES[name]
    type(architecture.model().config)(**architecture.shape | special).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@pytest.fixture(scope="module", params=["bart", pytest.param("t5_gated", marks=pytest.mark.slow)])
def finished(request, tmp_path_factory):
    """The folder of a run, in the folder that it was called in."""
    folder = tmp_path_factory.mktemp("summaries")
    for split, size in SIZES.items():
        write(folder / "menu" / f"{split}.jsonl", list(menu(split, size)))
    save_model(folder / "small", request.param)
    before = Path.cwd()
    os.chdir(folder)
    try:
        words = (
            "method.attention.block=[4,4]",
            "method.penalty=20",
            "schedule.epochs=4",
            "model.path=./small",
            "model.name=small",
        )
        code, out, err = call(*words, method="hybrid_filled", run=(*TASK, *TINY))
        assert code == 0, err
        yield folders(folder / "outputs")["hybrid_filled"], out
    finally:
        os.chdir(before)


def test_a_run_on_summaries_leaves_a_record(finished):
    record = Record.read(finished[0] / "record.json")
    assert (record.metric, record.num_examples, record.baseline) == ("rougeL", SIZES, "lead-3")
    assert set(record.scores["validation"]) == {"rouge1", "rouge2", "rougeL", "rougeLsum"}
    assert 0 < record.linear_density_before_fill < record.linear_density <= 1
    assert record.largest_logit_difference <= 1e-5


def test_the_baseline_stands_in_the_table(finished):
    assert "lead-3" in finished[1]


def test_the_speed_of_generation_is_in_the_record(finished):
    found = Record.read(finished[0] / "record.json").generation
    assert [(one["batch_size"], one["generated"]) for one in found] == [(1, 3), (2, 3)]
    assert all(one["dense_tokens_per_second"] > 0 and one["speedup"] > 0 for one in found)


def test_the_summaries_of_a_run_score_as_its_record_says(finished):
    record = Record.read(finished[0] / "record.json")
    file = finished[0] / "predictions" / "validation" / "predictions.json"
    assert len(json.loads(file.read_text())) == SIZES["validation"]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        main.main(["score", *TASK, f"predictions={file}"])
    assert json.loads(out.getvalue()) == pytest.approx(record.scores["validation"])


def test_training_on_summaries_learns_from_the_teacher(finished):
    (file,) = Path("outputs/pruned").glob("*/history.json")
    last = [line for line in json.loads(file.read_text()) if "loss" in line][-1]
    assert last["teacher_loss"] > 0


def test_the_loaded_model_writes(finished):
    model = prune.load(finished[0] / "model")
    with torch.no_grad():
        written = model.generate(torch.arange(4, 12).unsqueeze(0), max_new_tokens=4, min_new_tokens=4)
    assert written.shape == (1, 5)
