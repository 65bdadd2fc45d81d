"""What is compared: the rows of the results table, or their single runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from prune.overlap.comparison import Member, Run
from prune.overlap.kept import Kept
from prune.results.record import Record
from prune.results.rows import RUN, Row
from prune.runtime.sanitize import one_line


def members_of(rows: Sequence[Row], kept_of: Callable[[Record], Kept | None], single: bool) -> list[Member]:
    """The configurations among `rows` or, if `single`, their runs, in the order of the table.

    Args:
        kept_of: What is left of a record's model; None where that is not known. Such runs are left out.
    """
    runs = [row for row in rows if row.kind == RUN]
    varied = [field for field in ("task", "model") if len({getattr(row, field) for row in runs}) > 1]
    return [member for row in runs for member in _members(row, varied, kept_of, single)]


def _members(
    row: Row, varied: Sequence[str], kept_of: Callable[[Record], Kept | None], single: bool
) -> Iterator[Member]:
    parts = [*(getattr(row, field) for field in varied), row.method, row.setting, row.distinguishing_settings]
    name = one_line(", ".join(filter(None, parts)))
    known = [Run(record.seed, kept) for record in row.records if (kept := kept_of(record)) is not None]
    if single:
        yield from (Member(f"{name}, seed {run.seed}", row.model, [run]) for run in known)
    elif known:
        yield Member(name, row.model, known)
