"""Data folders of a few rows, in every format."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from prune.errors import UserError


def write(file, rows):
    """Writes `rows`, or a text as it is; in CSV a cell that is a mapping is JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(rows, str):
        file.write_text(rows)
    elif file.suffix == ".jsonl":
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif file.suffix == ".csv":
        cells = [
            {key: json.dumps(cell) if isinstance(cell, dict) else cell for key, cell in row.items()} for row in rows
        ]
        pd.DataFrame(cells).to_csv(file, index=False)
    else:
        pd.DataFrame(rows).to_parquet(file)


def task_over(folder, kind, config, train, validation, suffix=".jsonl", **values):
    """The task of a kind over two splits, which are written into `folder`."""
    for split, rows in (("train", train), ("validation", validation)):
        write(folder / f"{split}{suffix}", rows)
    return kind(replace(config, path=str(folder), **values), 0)


def refused(task):
    """Why the data of `task` are refused."""
    with pytest.raises(UserError) as error:
        task.load()
    return str(error.value)
