"""The model card: what a pruned model is, beside its weights, as the Hugging Face hub reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import EvalResult, ModelCard, ModelCardData

from prune.config.keys import choices
from prune.files import confined
from prune.files.paths import locate, shipped
from prune.masking.grains import GRAINS
from prune.report.detail import Detail, detail_of
from prune.report.figures.files import save
from prune.report.figures.of_run import MAPS, figures_of, kinds
from prune.report.figures.theme import LIGHT
from prune.results.layout import RunFolder, find_records
from prune.results.reading import UnreadableRecord
from prune.results.record import Record
from prune.runtime.sanitize import for_markdown, one_line

CARD = "README.md"
PICTURE = "weights.png"
_TEMPLATE = Path(__file__).parent / "templates" / "card.md"
_AUTO_CLASSES = {
    "text_classification": "AutoModelForSequenceClassification",
    "question_answering": "AutoModelForQuestionAnswering",
    "summarization": "AutoModelForSeq2SeqLM",
}
_AUTO_CLASS = re.compile(r"AutoModel(For[A-Za-z0-9]{1,60})?", re.ASCII)
_OWN_CODE = re.compile(r"modeling_pruned\.Pruned\w{1,100}", re.ASCII)
_MODULE = re.compile(r"[A-Za-z_][\w.]{0,200}", re.ASCII)
_HUB_NAME = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?", re.ASCII)
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
    drawn = [(one, save(specs[one.kind], one.data, run.path, one.name)) for one in figures_of(record, detail)]
    maps = [files for one, files in drawn if one.kind == MAPS]
    if maps:
        confined.write(run.path, run.model / PICTURE, maps[-1][1].read_bytes())
    card = ModelCard.from_template(
        _front_matter(record), template_path=str(_TEMPLATE), **_told(run, record, detail, bool(maps))
    )
    confined.write(run.path, run.model / CARD, str(card) + "\n")
    return run.model / CARD


def _front_matter(record: Record) -> ModelCardData:
    task, model = record.config["task"], record.config["model"]
    base, dataset = hub_name("model", model), hub_name("task", task)
    kind = one_line(task["kind"]).replace("_", "-")
    return ModelCardData(
        base_model=base,
        datasets=[dataset] if dataset else None,
        metrics=list(map(one_line, task["metrics"])),
        library_name="transformers",
        pipeline_tag=kind,
        tags=["pruned", "prune"],
        model_name=f"{record.model}-{record.task}-{record.method}",
        eval_results=[
            EvalResult(
                task_type=kind,
                dataset_type=dataset or record.task,
                dataset_name=record.task,
                dataset_config=one_line(task.get("subset") or "") or None,
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
    name, named = settings["name"], [settings["path"]]
    if name in choices(group):
        named.append(yaml.safe_load((shipped("configs") / group / f"{name}.yaml").read_text("utf-8"))["path"])
    return next((path for path in named if _HUB_NAME.fullmatch(path) and locate(path) is None), None)


def _told(run: RunFolder, record: Record, detail: Detail, with_picture: bool) -> dict[str, Any]:
    config, recipe = record.config, detail.recipe.split("\nreference:")[0].rstrip()
    method, described = config["method"], _config_of_model(run)
    auto_class = _own_class(described.get("auto_map"))
    return {
        "title": for_markdown(f"{record.model} pruned on {record.task}"),
        "base": for_markdown(hub_name("model", config["model"]) or str(config["model"]["name"])),
        "task": for_markdown(record.task),
        "method": for_markdown(f"{record.method}, {record.setting}"),
        "sites": [
            (site.replace("_", "-"), for_markdown(method[site]["criterion"]), for_markdown(_grain(method[site])))
            for site in ("attention", "feed_forward")
        ],
        "finish": _FINISHES.get(str(method["finish"]), for_markdown(str(method["finish"]))),
        "heads": record.heads_kept,
        "dimensions": record.dimensions_kept,
        "rows": [tuple(map(for_markdown, row)) for row in _results(record)],
        "speeds": [tuple(map(for_markdown, row)) for row in _speeds(record)],
        "hardware": for_markdown(record.measured_on),
        "packages": for_markdown(", ".join(f"{k} {v}" for k, v in record.environment.get("packages", {}).items())),
        "seed": record.seed,
        "difference": f"{record.largest_logit_difference:.1e}",
        "auto_class": auto_class or _AUTO_CLASSES.get(config["task"]["kind"], "AutoModel"),
        "trusted": bool(auto_class),
        "first_token": _first_token(described.get("pruned_shape")),
        "picture": PICTURE if with_picture else "",
        "recipe": recipe,
        "fence": "`" * (1 + max([3, *map(len, re.findall("`+", recipe))])),
    }  # fmt: skip


def _own_class(auto_map: Any) -> str:
    """Of transformers, what loads the model by our code beside its weights; empty where another's would be run."""
    found = auto_map.items() if isinstance(auto_map, dict) else ()
    return next((name for name, code in found if _AUTO_CLASS.fullmatch(name) and _OWN_CODE.fullmatch(str(code))), "")


def _first_token(pruned_shape: Any) -> str:
    """The module after which only the first token is computed; empty where there is none."""
    entries = pruned_shape if isinstance(pruned_shape, list) else []
    named = (one.get("first_token") for one in entries if isinstance(one, dict))
    return next((name for name in named if isinstance(name, str) and _MODULE.fullmatch(name)), "")


def _grain(site: Mapping[str, Any]) -> str:
    grain = str(site["grain"])
    tiled = grain in GRAINS and GRAINS[grain].reads_block
    return f"{grain} of {' x '.join(map(str, site['block']))}" if tiled else grain


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


def _config_of_model(run: RunFolder) -> dict[str, Any]:
    try:
        return dict(confined.read_json(run.path, run.model / "config.json"))
    except (OSError, ValueError, TypeError):
        return {}


def write_missing_cards(outputs: Path) -> list[str]:
    """Writes the cards of all finished runs under `outputs` that have a model and no card newer than their record;
    returns what went wrong."""
    problems = []
    for file in find_records(outputs):
        run = RunFolder(file.parent)
        card = run.model / CARD
        try:
            if run.model.is_dir() and not (card.exists() and card.stat().st_mtime >= file.stat().st_mtime):
                write_card(run.path)
        except UnreadableRecord:
            continue  # the table names it
        except (OSError, ValueError, TypeError, LookupError, RuntimeError) as error:
            problems.append(f"{card} is not written: {error}")
    return problems
