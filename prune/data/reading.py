"""Reading a split: a file of a local folder, or from the hub."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from datasets import Dataset, load_dataset
from datasets.config import HF_DATASETS_CACHE

from prune.config.schema import TaskConfig
from prune.errors import UserError, first_line
from prune.files.paths import locate
from prune.runtime.resources import exhausted

# Not `load_dataset`, which asks the hub to count a download, of a local file, too.
_READERS: dict[str, Callable[..., Any]] = {
    ".parquet": Dataset.from_parquet,
    ".jsonl": Dataset.from_json,
    ".json": Dataset.from_json,
    ".csv": Dataset.from_csv,
    ".tsv": Dataset.from_csv,
}


def read_split(config: TaskConfig, split: str) -> Dataset:
    """All rows of a split, as they are.

    Raises:
        UserError: if they cannot be had.
    """
    folder = locate(config.path)
    return _from_hub(config, split) if folder is None else _from_file(_file_of(folder, config, split), config, split)


def _file_of(folder: Path, config: TaskConfig, split: str) -> Path:
    if not folder.is_dir():
        raise UserError(f"task.path={config.path}: there is no such folder")
    files = [folder / f"{split}{suffix}" for suffix in _READERS if (folder / f"{split}{suffix}").is_file()]
    if not files:
        held = ", ".join(sorted(p.name for p in folder.iterdir())) or "nothing"
        raise UserError(
            f"task.path={config.path} has no file for the split {split!r}: expected "
            f"{' or '.join(split + suffix for suffix in _READERS)}; the folder holds {held}. Name yours with "
            "task.train_split= and task.eval_splits=[...]"
        )
    if files[0].stat().st_size == 0:
        raise UserError(f"{files[0]} is empty")
    return files[0]


def _from_file(file: Path, config: TaskConfig, split: str) -> Dataset:
    try:
        state = file.stat()
        return _rows_of(file, (state.st_mtime_ns, state.st_size), split, config.encoding)
    except Exception as error:
        if file.suffix != ".parquet":
            _check_encoding(file, config.encoding)
        remark = exhausted(error, Path(HF_DATASETS_CACHE))
        raise remark or UserError(f"{file} cannot be read: {first_line(error.__cause__ or error)}") from error


@lru_cache(maxsize=8)
def _rows_of(file: Path, _state: tuple[int, int], split: str, encoding: str) -> Dataset:
    """Read once as long as the file is in the same state: data are checked early, and again where they are used."""
    name = re.sub(r"\W", "_", split)  # as `datasets` allows it
    rows: Dataset = _READERS[file.suffix](str(file), split=name, **_options(file.suffix, encoding))
    return rows


def _options(suffix: str, encoding: str) -> dict[str, Any]:
    """Of the cells of CSV only empty ones are null: "None", "null" and "NA" are words."""
    cells: dict[str, Any] = {"keep_default_na": False, "na_values": [""]} if suffix in (".csv", ".tsv") else {}
    if suffix == ".tsv":
        cells["sep"] = "\t"
    return cells if suffix == ".parquet" else {"encoding": encoding, **cells}


def _check_encoding(file: Path, encoding: str) -> None:
    """Raises a UserError that names the first line that is no text in this encoding."""
    try:
        with file.open(encoding=encoding, errors="replace", newline="\n") as lines:
            number = next((number for number, line in enumerate(lines, 1) if "\ufffd" in line), None)
    except LookupError:
        raise UserError(f"task.encoding={encoding}: not known; say utf-8, latin-1, cp1252 or the like") from None
    if number is not None:
        raise UserError(
            f"{file}, line {number}: it is no text in {encoding}. Name its encoding, as in task.encoding=latin-1, or "
            "save it in UTF-8"
        )


def _from_hub(config: TaskConfig, split: str) -> Dataset:
    try:
        return load_dataset(config.path, config.subset, split=split)
    except Exception as error:
        raise exhausted(error, Path(HF_DATASETS_CACHE)) or UserError(
            f"task.path={config.path} is no local folder, and could not be loaded from the hub "
            f"({type(error).__name__}: {first_line(error)}). Without a network, name a folder with task.path="
        ) from error
