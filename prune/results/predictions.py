"""Files of predictions: what a model says about each example of a split."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prune.errors import UserError
from prune.files import strict_json
from prune.runtime.sanitize import shown
from prune.runtime.wording import counted

_SHOWN = 3


def of_examples(file: Path, ids: Sequence[str], key: str) -> dict[str, Any]:
    """Example's id -> what the file, which the setting `key` names, holds of it.

    Raises:
        UserError: if it cannot be read, or if its ids are not `ids`, each once.
    """
    try:
        content = strict_json.read(file)
    except (OSError, UserError) as error:
        raise UserError(f"{key}={file}: cannot be read ({error}); expected an object, id -> value") from error
    for what, found in (("lacks", set(ids) - content.keys()), ("does not know", content.keys() - set(ids))):
        if found:
            some = ", ".join(map(shown, sorted(found)[:_SHOWN]))
            whom = ("the file", "the split") if what == "lacks" else ("the split", "the file")
            raise UserError(f"{key}={file}: {whom[0]} {what} {counted(len(found), 'example')} of {whom[1]}: {some} ...")
    return content
