"""Embedders: a model without a head, whose outputs for the tokens of a text are pooled into one vector.

Their folders are those of sentence-transformers: `modules.json` names the steps, each with a folder of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from transformers.utils.hub import cached_file

from prune.config.schema import Pooling
from prune.errors import UserError
from prune.files import strict_json
from prune.files.paths import locate
from prune.runtime.sanitize import quoted

EMBEDDINGS = "embeddings"
"""Name of the output that an embedder has beside those of its model: (batch, width)."""
_MODULES, _SETTINGS, _LENGTH = "modules.json", "config_sentence_transformers.json", "sentence_bert_config.json"
_POOLING = "1_Pooling"
_MODES = {Pooling.mean: "pooling_mode_mean_tokens", Pooling.cls: "pooling_mode_cls_token"}
_OLD_MODE = "pooling_mode_"
_STEPS = ("Transformer", "Pooling", "Normalize")


@dataclass(frozen=True)
class Embedder:
    """What makes a vector of a model's outputs for the tokens of a text, and how such vectors are compared."""

    pooling: Pooling = Pooling.mean
    """mean: over the tokens that are no padding; cls: the first token's."""
    normalize: bool = True
    """Whether vectors get length 1."""
    similarity: str = "cosine"
    """`cosine` or `dot`."""
    prompts: Mapping[str, str] = field(default_factory=dict)
    """Name -> what is put before texts."""
    default_prompt: str | None = None
    """The name of the one for texts that are neither queries nor documents."""

    def attach(self, model: nn.Module) -> None:
        """Lets `model`, which is called with keywords, return embeddings, too."""

        def pool(_model: nn.Module, _args: Any, inputs: Mapping[str, Tensor], outputs: Any) -> Any:
            outputs[EMBEDDINGS] = self._pooled(outputs, inputs)
            return outputs

        model.register_forward_hook(pool, with_kwargs=True)

    def completed(self, outputs: Mapping[str, Any], inputs: Mapping[str, Tensor]) -> dict[str, Any]:
        """The outputs of a model, and the embeddings."""
        return dict(outputs) | {EMBEDDINGS: self._pooled(outputs, inputs)}

    def _pooled(self, outputs: Mapping[str, Any], inputs: Mapping[str, Tensor]) -> Tensor:
        return self.pooled(outputs["last_hidden_state"], inputs["attention_mask"])

    def pooled(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Of `tokens` (batch, tokens, width), of which `mask` (batch, tokens) is 1 where there is no padding, the
        embeddings (batch, width)."""
        if self.pooling is Pooling.cls:
            vectors = tokens[:, 0]
        else:
            read = mask.unsqueeze(-1).to(tokens.dtype)
            vectors = (tokens * read).sum(1) / read.sum(1).clamp(min=1.0)
        return F.normalize(vectors, dim=-1) if self.normalize else vectors

    def save(self, folder: Path, width: int, max_length: int) -> None:
        """Writes beside the model in `folder` what sentence-transformers needs of it."""
        steps = _STEPS if self.normalize else _STEPS[:2]
        modules = [
            {
                "idx": number,
                "name": str(number),
                "path": f"{number}_{step}" if number else "",
                "type": f"sentence_transformers.models.{step}",
            }
            for number, step in enumerate(steps)
        ]
        modes = {name: mode is self.pooling for mode, name in _MODES.items()}
        settings = {"prompts": dict(self.prompts), "default_prompt_name": self.default_prompt}
        settings |= {"similarity_fn_name": self.similarity}
        _write(folder / _MODULES, modules)
        _write(folder / _POOLING / "config.json", {"word_embedding_dimension": width} | modes)
        _write(folder / _LENGTH, {"max_seq_length": max_length, "do_lower_case": False})
        _write(folder / _SETTINGS, settings)
        if self.normalize:
            (folder / "2_Normalize").mkdir(exist_ok=True)


def read_embedder(path: str) -> Embedder | None:
    """What the folder, or the hub, says of the embedder at `path`; None where it is a model and no more.

    Raises:
        UserError: if a file is damaged, or names a step that is not known here.
    """
    if (file := _file(path, _MODULES)) is None:
        return None
    modules = strict_json.read_list(file)
    steps = [str(one.get("type")).rpartition(".")[2] for one in modules]
    if tuple(steps) not in (_STEPS, _STEPS[:2]):
        raise UserError(
            f"{path}: {_MODULES} names {', '.join(map(quoted, steps))}; known are {', '.join(_STEPS[:2])}, and "
            f"{_STEPS[2]} after them"
        )
    settings = _read(path, _SETTINGS) or {}
    similarity, prompts = settings.get("similarity_fn_name") or "cosine", settings.get("prompts") or {}
    if similarity not in ("cosine", "dot"):
        raise UserError(f"{path}: {_SETTINGS}: similarity_fn_name is {quoted(similarity)}; known are cosine and dot")
    if not isinstance(prompts, dict) or not all(isinstance(text, str) for text in prompts.values()):
        raise UserError(f"{path}: {_SETTINGS}: prompts are no texts by name")
    default = settings.get("default_prompt_name")
    if default is not None and default not in prompts:
        raise UserError(f"{path}: {_SETTINGS}: default_prompt_name is {quoted(str(default))}, which no prompt has")
    folder = str(modules[1].get("path") or _POOLING)
    return Embedder(_mode(path, folder), steps[-1] == _STEPS[2], similarity, prompts, default)


def _mode(path: str, folder: str) -> Pooling:
    file = f"{folder}/config.json"
    if ".." in Path(file).parts or Path(file).is_absolute():
        raise UserError(f"{path}: {_MODULES} names a folder outside it, {quoted(folder)}")
    content = _read(path, file)
    if content is None:
        raise UserError(f"{path}: {_MODULES} names {quoted(file)}, which is not there")
    old = [name.removeprefix(_OLD_MODE) for name, on in content.items() if name.startswith(_OLD_MODE) and on is True]
    mode = content.get("pooling_mode") or ", ".join(old)
    known = {mode.value: mode for mode in Pooling} | {name.removeprefix(_OLD_MODE): m for m, name in _MODES.items()}
    if not isinstance(mode, str) or mode not in known:
        names = ", ".join(one.value for one in Pooling)
        raise UserError(f"{path}: {file}: pooling is {quoted(str(mode))}; known are {names}")
    return known[mode]


def _read(path: str, name: str) -> dict[str, Any] | None:
    file = _file(path, name)
    return None if file is None else strict_json.read(file)


def _file(path: str, name: str) -> Path | None:
    """A file beside a model; None where it is not there."""
    folder = locate(path)
    if folder is not None:
        return folder / name if (folder / name).is_file() else None
    try:
        found = cached_file(path, name, _raise_exceptions_for_missing_entries=False)
    except OSError:  # loading the model says so
        return None
    return None if found is None else Path(found)


def _write(file: Path, content: Any) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(content, indent=2) + "\n")
