"""Every probe that ships says all that a probe can, and fits some task that ships."""

from dataclasses import fields

import pytest

from prune.config import probes
from prune.config.keys import choices
from prune.config.schema import ProbeConfig, TaskConfig
from prune.files import strict_yaml
from prune.files.paths import shipped

FILES = sorted((shipped("configs") / "probe").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_shipped_probe_says_everything(file):
    content = strict_yaml.read(file)
    assert content.keys() == {item.name for item in fields(ProbeConfig)}
    assert content["name"] == file.stem


@pytest.mark.parametrize("name", probes.names())
def test_a_shipped_probe_fits_a_task(name):
    (probe,) = probes.of_task(TaskConfig(probes=[name]))
    labelled = [
        content
        for task in choices("task")
        if (content := strict_yaml.read(shipped("configs") / "task" / f"{task}.yaml"))["kind"] == "text_classification"
    ]
    assert any(
        len(task["text"]) == len(probe.text) and not list(probes.problems_with_labels(probe, task["labels"]))
        for task in labelled
        if task["labels"]
    )


def test_what_a_mapping_says_counts_more_than_the_file():
    (probe,) = probes.of_task(TaskConfig(probes=[{"name": "hans", "examples": 10}]))
    assert (probe.examples, probe.split) == (10, "validation")


def test_resolved_probes_resolve_to_themselves():
    full = probes.in_full(TaskConfig(probes=["hans"]))
    assert probes.in_full(TaskConfig(probes=full)) == full
