"""The model card: what a pruned model is, beside its weights, as the Hugging Face hub reads it."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import EvalResult, ModelCard, ModelCardData

from prune.outputs import RunFolder, find_records, write_at_once
from prune.places import locate, shipped
from prune.report.detail import Detail, detail_of
from prune.report.figures.files import save
from prune.report.figures.of_run import MAPS, figures_of, kinds
from prune.report.figures.theme import LIGHT
from prune.report.reading import UnreadableRecord
from prune.report.record import Record

CARD = "README.md"
PICTURE = "weights.png"
_TEMPLATE = Path(__file__).parent / "templates" / "card.md"
_AUTO_CLASSES = {
    "text_classification": "AutoModelForSequenceClassification",
    "question_answering": "AutoModelForQuestionAnswering",
    "summarization": "AutoModelForSeq2SeqLM",
}
_FINISHES = {
    "fold": "the zeros stay in place",
    "compact": "empty heads and dimensions are physically removed",
    "fill": "empty heads and dimensions are physically removed, the zeros that remained are freed, and the model is "
    "fine-tuned again",
}


def write_card(folder: Path) -> Path:
    """Writes the card of a finished run's model, and the run's figures as files; returns the card's path.

    Raises:
        UserError, ValueError: if the run has no record that can be read.
    """
    run = RunFolder(folder)
    record = Record.read(run.record)
    detail = detail_of(folder, record)
    specs = kinds(LIGHT)
    drawn = [(one, save(specs[one.kind], one.data, run.figures, one.name)) for one in figures_of(record, detail)]
    maps = [files for one, files in drawn if one.kind == MAPS]
    if maps:
        (run.model / PICTURE).write_bytes(maps[-1][1].read_bytes())
    card = ModelCard.from_template(
        _front_matter(record), template_path=str(_TEMPLATE), **_told(run, record, detail, bool(maps))
    )
    write_at_once(run.model / CARD, str(card) + "\n")
    return run.model / CARD


def _front_matter(record: Record) -> ModelCardData:
    task, model = record.config["task"], record.config["model"]
    base, dataset = hub_name("model", model), hub_name("task", task)
    kind = str(task["kind"]).replace("_", "-")
    return ModelCardData(
        base_model=base,
        datasets=[dataset] if dataset else None,
        metrics=list(task["metrics"]),
        library_name="transformers",
        pipeline_tag=kind,
        tags=["pruned", "prune"],
        model_name=f"{record.model}-{record.task}-{record.method}",
        eval_results=[
            EvalResult(
                task_type=kind,
                dataset_type=dataset or record.task,
                dataset_name=record.task,
                dataset_config=task.get("subset"),
                dataset_split=split,
                metric_type=metric,
                metric_value=value,
            )
            for split, metrics in record.scores.items()
            for metric, value in metrics.items()
            if metric in task["metrics"]
        ],
    )


def hub_name(group: str, settings: Mapping[str, Any]) -> str | None:
    """Of a model or a data set: what was named, or, for a local copy, what the shipped choice of that name says."""
    choice = shipped("configs") / group / f"{settings['name']}.yaml"
    known = yaml.safe_load(choice.read_text())["path"] if choice.is_file() else ""
    return next((path for path in (str(settings["path"]), str(known)) if path and locate(path) is None), None)


def _told(run: RunFolder, record: Record, detail: Detail, with_picture: bool) -> dict[str, Any]:
    config = record.config
    method, described = config["method"], _config_of_model(run.model)
    maps, shape = described.get("auto_map", {}), described.get("pruned_shape", [])
    return {
        "title": plain(f"{record.model} pruned on {record.task}"),
        "base": plain(hub_name("model", config["model"]) or str(config["model"]["name"])),
        "task": plain(record.task),
        "method": plain(f"{record.method}, {record.setting}"),
        "sites": [(site.replace("_", "-"), plain(str(method[site]["criterion"])), plain(_grain(method[site])))
                  for site in ("attention", "feed_forward")],
        "finish": _FINISHES.get(str(method["finish"]), plain(str(method["finish"]))),
        "heads": record.heads_kept,
        "dimensions": record.dimensions_kept,
        "rows": [tuple(map(plain, row)) for row in _results(record)],
        "speeds": [tuple(map(plain, row)) for row in _speeds(record)],
        "hardware": plain(record.measured_on),
        "packages": plain(", ".join(f"{k} {v}" for k, v in record.environment.get("packages", {}).items())),
        "seed": record.seed,
        "difference": f"{record.largest_logit_difference:.1e}",
        "auto_class": next(iter(maps), _AUTO_CLASSES.get(config["task"]["kind"], "AutoModel")),
        "trusted": bool(maps),
        "first_token": plain(next((one["first_token"] for one in shape if "first_token" in one), "")),
        "picture": PICTURE if with_picture else "",
        "recipe": detail.recipe.split("\nreference:")[0].rstrip(),
    }  # fmt: skip


def plain(text: str) -> str:
    """`text` as Markdown that shows it, whatever it holds."""
    return html.escape(text, quote=False).replace("|", "\\|").replace("\n", " ")


def _grain(site: Mapping[str, Any]) -> str:
    grain = str(site["grain"])
    return "{} of {} x {}".format(grain, *site["block"]) if grain == "block" else grain


def _results(record: Record) -> Iterator[tuple[str, str, str]]:
    for split, metrics in record.scores.items():
        for metric, value in metrics.items():
            dense = record.dense_scores.get(split, {}).get(metric)
            yield f"{metric}, {split}", f"{100 * value:.2f}", "" if dense is None else f"{100 * dense:.2f}"
    yield "parameters", f"{record.params:,}", f"{record.dense_params:,}"
    yield "weights on disk", f"{record.bytes / 1e6:.1f} MB", f"{record.dense_bytes / 1e6:.1f} MB"
    yield "density of the prunable layers", f"{record.linear_density:.3f}", "1"


def _speeds(record: Record) -> Iterator[tuple[str, ...]]:
    for one in record.speed:
        times = [f"{one[key]:.3g} ms" if key in one else "" for key in ("model_ms", "dense_ms")]
        yield f"{one['batch_size']} x {one['length']} tokens", *times, f"{one['speedup']:.2f}"


def _config_of_model(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "config.json").read_text()))
    except (OSError, ValueError):
        return {}


def write_missing_cards(outputs: Path) -> list[str]:
    """Writes the cards of all finished runs under `outputs` that have a model and no card newer than their record;
    returns what went wrong."""
    problems = []
    for file in find_records(outputs):
        run = RunFolder(file.parent)
        card = run.model / CARD
        if not run.model.is_dir() or (card.exists() and card.stat().st_mtime >= file.stat().st_mtime):
            continue
        try:
            write_card(run.path)
        except UnreadableRecord:
            continue  # the table names it
        except (OSError, ValueError, TypeError, LookupError, RuntimeError) as error:
            problems.append(f"{card} is not written: {error}")
    return problems
