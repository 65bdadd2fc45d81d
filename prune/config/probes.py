"""Probes: data sets beside a task's own, each described by a YAML file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from prune.config.schema import ProbeConfig, TaskConfig
from prune.errors import UserError
from prune.files import strict_yaml
from prune.files.paths import expanded, shipped
from prune.runtime.registry import nearest
from prune.runtime.sanitize import shown


def names() -> list[str]:
    """The probes that ship with the package."""
    return sorted(file.stem for file in (shipped("configs") / "probe").glob("*.yaml"))


def of_task(task: TaskConfig) -> list[ProbeConfig]:
    """The probes of a task.

    Raises:
        UserError: where one is not known, or says what a probe cannot.
    """
    if not isinstance(task.probes, list):  # as a reference to another part of the config gives it
        raise UserError(f"task.probes={shown(task.probes)}: name a list, as in task.probes=[hans]")
    return [_probe(entry) for entry in task.probes]


def in_full(task: TaskConfig) -> list[dict[str, Any]]:
    """`task.probes` with all that their files say, so that a record or a recipe needs none of these.

    Raises:
        UserError: likewise.
    """
    return [asdict(probe) for probe in of_task(task)]


def problems_with_labels(probe: ProbeConfig, names: Sequence[str]) -> Iterator[str]:
    """Labels of the task, `names`, that count as none of the probe's."""
    for name in names:
        counts_as = probe.label_of.get(name, name)
        if counts_as not in probe.labels:
            yield (
                f"task.probes: {shown(probe.name)}: the task's label {shown(name)} counts as {shown(counts_as)}, "
                f"which is none of {', '.join(map(shown, probe.labels))}. Say what it counts as in label_of"
            )


def _probe(entry: Any) -> ProbeConfig:
    if isinstance(entry, Mapping):
        name = entry.get("name")
        if not isinstance(name, str):
            raise UserError(f"task.probes: {shown(entry)} has no name")
        base = _content(name) if name in names() else {}
        return _typed(name, {**base, **entry})
    if not isinstance(entry, str):
        raise UserError(f"task.probes: {shown(entry)} is no name, no file and no mapping")
    return _typed(entry, _content(entry))


def _content(name: str) -> dict[str, Any]:
    if name.endswith((".yaml", ".yml")):
        file = expanded(name)
        if not file.is_file():
            raise UserError(f"task.probes: there is no file {shown(name)}")
        return strict_yaml.read(file)
    if name not in names():
        raise UserError(
            f"task.probes={shown(name)}: not known{nearest(name, names())}. There: {', '.join(names())}; or name a file"
        )
    return strict_yaml.read(Path(shipped("configs")) / "probe" / f"{name}.yaml")


def _typed(name: str, content: Mapping[str, Any]) -> ProbeConfig:
    try:
        probe: ProbeConfig = OmegaConf.to_object(  # type: ignore[assignment]
            OmegaConf.merge(OmegaConf.structured(ProbeConfig), OmegaConf.create(dict(content)))
        )
    except OmegaConfBaseException as error:
        raise UserError(f"task.probes={shown(name)}: {shown(str(error).splitlines()[0], most=200)}") from error
    return probe
