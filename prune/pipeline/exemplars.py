"""Exemplars of an audit among the training examples, which pruning and fill may weight."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from prune.config.schema import TaskConfig
from prune.errors import UserError
from prune.files import strict_json
from prune.runtime.sanitize import shown
from prune.runtime.wording import counted

_KINDS = ("modal", "largest_losses")


def weighted_rows(task: TaskConfig, ids: Sequence[str]) -> list[int]:
    """The row of each training example, whose `ids` these are; of an exemplar `task.exemplar_weight` times.

    The exemplars are those of all audits of the task that the file `task.weights` holds.

    Raises:
        UserError: if the file is no audit, has none of the training split, or of other examples.
    """
    exemplars, where = _exemplars(task), f"task.weights={shown(task.weights)}"
    if unknown := exemplars - set(ids):
        raise UserError(
            f"{where}: {counted(len(unknown), 'exemplar')} of it, as {shown(min(unknown))}, are none "
            f"of the {len(ids)} training examples: audit runs that were trained on the same ones"
        )
    return [row for row, id_ in enumerate(ids) for _ in range(task.exemplar_weight if id_ in exemplars else 1)]


def _exemplars(task: TaskConfig) -> set[str]:
    where = f"task.weights={shown(task.weights)}"
    try:
        content = strict_json.read(Path(task.weights))
        splits = [splits for splits in _splits(content, task) if task.train_split in splits]
        found = [splits[task.train_split].get(kind) for splits in splits for kind in _KINDS]
    except FileNotFoundError:
        raise UserError(f"{where}: there is no such file. `prune audit` writes it") from None
    except (AttributeError, TypeError, LookupError):
        raise UserError(f"{where} is no audit") from None
    listed = [ids for ids in found if isinstance(ids, list)]
    if not listed:
        raise UserError(
            f"{where} has no exemplars of the split {shown(task.train_split)} of {shown(task.name)}. "
            f"Audit three runs or more with task.eval_splits=[{task.eval_splits[0]},{task.train_split}]"
        )
    return {str(id_) for ids in listed for id_ in ids}


def _splits(content: Mapping[str, Any], task: TaskConfig) -> Iterator[Mapping[str, Any]]:
    """Of run folders there is a list of audits, of bare files a single one."""
    if "splits" in content:
        yield content["splits"]
    for audit in content.get("audits", []):
        if audit["task"] == task.name:
            yield audit["splits"]
