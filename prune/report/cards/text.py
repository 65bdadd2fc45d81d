"""The text of a card, as values of its template: everything in it that others wrote is made inert."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from prune.compaction.tokens import TokenPooling
from prune.files import confined
from prune.masking.grains import TILED
from prune.report.cards.metadata import hub_name
from prune.report.cards.usage import AUTO_CLASSES, SENTENCE_TRANSFORMERS, lines_of
from prune.report.detail.run import Detail
from prune.results.layout import RunFolder
from prune.results.record import Record
from prune.runtime.sanitize import for_markdown
from prune.runtime.wording import batch_in_words
from prune.tasks.metrics.specs import spec_of

_AUTO_CLASS = re.compile(r"AutoModel(For[A-Za-z0-9]{1,60})?", re.ASCII)
_OWN_CODE = re.compile(r"modeling_pruned\.\w{1,100}", re.ASCII)
_MODULE = re.compile(r"[A-Za-z_][\w.]{0,200}", re.ASCII)
_FINISHES = {
    "fold": "the zeros stay in place",
    "compact": "empty heads and dimensions are physically removed",
    "fill": "empty heads and dimensions are physically removed, the zeros that remained are freed, and the model is "
    "fine-tuned again",
}


def template_values(run: RunFolder, record: Record, detail: Detail, picture: str) -> dict[str, Any]:
    """Name in the template -> value.

    Args:
        picture: File beside the card that shows the weights; empty if there is none.
    """
    config, recipe = record.config, detail.recipe.split("\nreference:")[0].rstrip()
    method, model_config = config["method"], _config_of_model(run)
    auto_class = AUTO_CLASSES.get(config["task"]["kind"]) or _auto_class(model_config)
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
        "in_points": record.scored_in_points,
        "difference": f"{record.largest_logit_difference:.1e}",
        "auto_class": auto_class,
        "usage": lines_of(config["task"]),
        "sentence_class": SENTENCE_TRANSFORMERS.get(config["task"]["kind"], ("", ""))[0],
        "trusted": _has_own_code(model_config.get("auto_map"), auto_class),
        "poolings": _poolings(model_config.get("pruned_structure")),
        "first_token": _first_token(model_config.get("pruned_shape")),
        "picture": picture,
        "recipe": recipe,
        "fence": "`" * (1 + max([3, *map(len, re.findall("`+", recipe))])),
    }  # fmt: skip


def _auto_class(model_config: Mapping[str, Any]) -> str:
    """The one that finds the model's own class beside the weights; that of models without a head if none is named."""
    classes, auto_map = model_config.get("architectures"), model_config.get("auto_map")
    own = f"modeling_pruned.{classes[0]}" if isinstance(classes, list) and classes else None
    entries = auto_map.items() if isinstance(auto_map, dict) else ()
    return next((name for name, code in entries if code == own and _AUTO_CLASS.fullmatch(name)), "AutoModel")


def _has_own_code(auto_map: Any, auto_class: str) -> bool:
    """Whether the model is loaded by our code beside its weights; other code is not named to be run."""
    return isinstance(auto_map, dict) and _OWN_CODE.fullmatch(str(auto_map.get(auto_class))) is not None


def _first_token(pruned_shape: Any) -> str:
    """The module after which only the first token is computed; empty where there is none."""
    entries = pruned_shape if isinstance(pruned_shape, list) else []
    named = (entry.get("first_token") for entry in entries if isinstance(entry, dict))
    return next((name for name in named if isinstance(name, str) and _MODULE.fullmatch(name)), "")


def _poolings(structure: Any) -> list[str]:
    """Where fewer tokens go on, in words; nothing where config.json does not say it as it was written."""
    written = structure.get("tokens") if isinstance(structure, dict) else None
    try:
        return TokenPooling.read(written).in_words() if isinstance(written, dict) else []
    except ValueError:
        return []


def _grain(site: Mapping[str, Any]) -> str:
    grain = str(site["grain"])
    return f"{grain} of {' x '.join(map(str, site['block']))}" if grain in TILED else grain


def _results(record: Record) -> Iterator[tuple[str, str, str]]:
    for split, metrics in record.scores.items():
        for metric, value in metrics.items():
            spec, dense = spec_of(metric), record.dense_scores.get(split, {}).get(metric)
            yield f"{spec.title}, {split}", spec.format_value(value), "" if dense is None else spec.format_value(dense)
    yield "parameters", f"{record.params:,}", f"{record.dense_params:,}"
    yield "weights on disk", f"{record.bytes / 1e6:.1f} MB", f"{record.dense_bytes / 1e6:.1f} MB"
    yield "density of the prunable layers", f"{record.linear_density:.3f}", "1"


def _speeds(record: Record) -> Iterator[tuple[str, ...]]:
    for timing in record.speed:
        times = [f"{timing[key]:.3g} ms" if key in timing else "" for key in ("model_ms", "dense_ms")]
        yield batch_in_words(timing), *times, f"{timing['speedup']:.2f}"


def _config_of_model(run: RunFolder) -> dict[str, Any]:
    try:
        return dict(confined.read_json(run.path, run.model / "config.json"))
    except (OSError, ValueError, TypeError):
        return {}
