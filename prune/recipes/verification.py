"""How far a run came from the reference of its recipe, figure by figure.

Near enough is what `reference.tolerance` says. Where it says nothing: equality, for scores and density of a run of the
same settings, seed, data and software on the CPU of the same kind of machine, unless times that were measured chose the
shape; otherwise one point of a score and two of
the density. Speeds may be a tenth off, and are judged on the same hardware only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.markup import escape
from rich.table import Table

from prune.config.keys import flatten
from prune.config.reference import ReferenceConfig
from prune.config.schema import Config
from prune.config.targets import TIMES
from prune.recipes.reproduction import reference_of
from prune.results.record import Record
from prune.tasks.metrics.specs import MetricSpec, spec_of

EXACT = 1e-9
_DENSITY = MetricSpec("density")
_OF_DENSITY, _OF_SPEED = 0.02, 0.1
WHERE = ("outputs", "force", "task.path", "model.path", "schedule.checkpoint_every", "schedule.eval_batch_size")
"""Keys that say where things lie and how often to save, not what is done."""
_SAME = ("python", "packages", "system", "processor", "cores", "processes", "threads", "gpu", "data")


@dataclass(frozen=True)
class Comparison:
    """One figure."""

    name: str
    reference: float
    found: float
    tolerance: float | None
    """Largest difference that agrees; None: it is not judged, and `remark` says why."""
    remark: str = ""
    is_speed: bool = False
    spec: MetricSpec = _DENSITY
    """How it is shown, unless it is a speed."""

    @property
    def difference(self) -> float:
        """Found minus reference."""
        return self.found - self.reference

    @property
    def agrees(self) -> bool | None:
        """None where it is not judged."""
        return None if self.tolerance is None else abs(self.difference) <= self.tolerance


def differing(recipe: Config, run: Config, removed: Mapping[str, Any] | None = None) -> list[str]:
    """What two configs differ in, as `key=value`; where things lie and how they are measured left aside.

    `removed`: settings of an older version that the run was made with.
    """
    mine, theirs = ({a.key: a.value for a in flatten(asdict(config))} for config in (run, recipe))
    ignored = ("reference.", "evaluate.")
    keys = [key for key in mine if key not in WHERE and not key.startswith(ignored)]
    changed = {key: mine[key] for key in keys if mine[key] != theirs.get(key)}
    return [f"{key}={_plain(value)}" for key, value in (changed | dict(removed or {})).items()]


def _plain(value: Any) -> str:
    return "null" if value is None else str(getattr(value, "value", value))


def compare(reference: ReferenceConfig, record: Record, changed: Sequence[str] = ()) -> list[Comparison]:
    """All figures of `reference`; `changed`: what the run's settings and those of the recipe differ in.

    Another seed is a replicate, whose scores are judged, though not for equality. With any other change nothing is.
    """
    replicate = any(change.startswith("seed=") for change in changed)
    if len(changed) > replicate:
        remark, exact = "other settings", False
    else:
        remark, exact = "", not replicate and not environment_differs(reference, record) and not _timed(record)
    return [*_scores(reference, record, remark, exact), *_sizes(reference, record, remark, exact)]


def _timed(record: Record) -> bool:
    """Whether measured times chose the shape, which no recipe could say: they are never quite the same."""
    target = record.config.get("target") or {}
    timed = any(target.get(kind) is not None for kind in TIMES)
    return timed and not record.config.get("method", {}).get("shape")


def environment_differs(reference: ReferenceConfig, record: Record) -> list[str]:
    """What forbids to expect the very same figures."""
    theirs, mine = asdict(reference.environment), reference_of(record)["environment"]
    return [name for name in _SAME if theirs[name] != mine.get(name)] or (["gpu"] if theirs["gpu"] else [])


def _scores(reference: ReferenceConfig, record: Record, remark: str, exact: bool) -> Iterator[Comparison]:
    given = reference.tolerance.scores
    for scores, found, of_whom in (
        (reference.scores, record.scores, ""),
        (reference.dense_scores, record.dense_scores, "dense "),
    ):
        for split, metrics in scores.items():
            for metric, value in metrics.items():
                name, spec = f"{of_whom}{metric}, {split}", spec_of(metric)
                tolerance = given if given is not None else EXACT if exact else spec.margin
                if (mine := found.get(split, {}).get(metric)) is None:
                    yield Comparison(name, value, float("nan"), None, "not measured", spec=spec)
                else:
                    yield Comparison(name, value, mine, None if remark else tolerance, remark, spec=spec)


def _sizes(reference: ReferenceConfig, record: Record, remark: str, exact: bool) -> Iterator[Comparison]:
    density, speedup, given = reference.linear_density, reference.speedup, reference.tolerance
    if density is not None:
        tolerance = given.density if given.density is not None else EXACT if exact else _OF_DENSITY
        yield Comparison("density", density, record.linear_density, None if remark else tolerance, remark)
    if speedup is not None:
        mine = reference_of(record)
        if reference.hardware != mine["hardware"]:
            remark = remark or "other hardware"
        elif reference.measured != mine["measured"]:
            remark = remark or "measured otherwise"
        share = given.speedup if given.speedup is not None else _OF_SPEED
        yield Comparison("speed-up", speedup, record.speedup, None if remark else share * speedup, remark, True)


def agree(comparisons: Sequence[Comparison]) -> bool:
    """Whether a score or the density was judged, and all that was judged agrees."""
    judged = [one for one in comparisons if one.agrees is not None]
    return any(not one.is_speed for one in judged) and all(one.agrees for one in judged)


def in_words(comparisons: Sequence[Comparison]) -> str:
    """One line: what there was, and what is here."""
    return "; ".join(f"{one.name} {_shown(one, one.reference)}, here {_shown(one, one.found)}" for one in comparisons)


def as_rich(comparisons: Sequence[Comparison], caption: str) -> Table:
    """For the terminal."""
    columns = ("figure", "reference", "found", "difference", "allowed", "")
    table = Table(*columns, caption=escape(caption), caption_justify="left")
    for one in comparisons:
        verdict = {True: "agrees", False: "differs", None: f"not judged: {one.remark}"}[one.agrees]
        values = (_shown(one, one.reference), _shown(one, one.found), _shown(one, one.difference, sign="+"))
        table.add_row(*map(escape, (one.name, *values, _allowed(one), verdict)))
    return table


def _allowed(one: Comparison) -> str:
    if one.tolerance is None:
        return ""
    return "equal" if one.tolerance <= EXACT else _shown(one, one.tolerance)


def _shown(one: Comparison, value: float, sign: str = "") -> str:
    if one.is_speed:
        return f"{value:{sign}.2f}x"
    return one.spec.format_difference(value) if sign else one.spec.format_value(value)
