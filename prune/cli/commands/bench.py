"""`prune bench published [key=value ...]`: the published networks, timed here."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from prune.cli.commands import display, given
from prune.errors import UserError
from prune.runtime.sanitize import shown

USAGE = (("prune bench published", "the networks of the literature, rebuilt and timed on this machine"),)


def run_command(words: list[str]) -> None:
    """Times them, writes a file, and shows the table."""
    if not words or words[0] != "published":
        raise UserError("prune bench: say what to time: prune bench published")
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    from prune.composition.overrides import refuse_unreadable

    refuse_unreadable(words)
    from prune.files.atomic import check_writable
    from prune.published.benchmark import PublishedBenchConfig, as_rich, bench
    from prune.runtime.screen import Screen

    given("bench published", words[1:], [field.name for field in fields(PublishedBenchConfig)])
    try:
        merged = OmegaConf.merge(OmegaConf.structured(PublishedBenchConfig), OmegaConf.from_dotlist(words[1:]))
        config: Any = OmegaConf.to_object(merged)
    except (OmegaConfBaseException, YAMLError, ValueError) as error:
        raise UserError(f"prune bench published: {shown(str(error).splitlines()[0])}") from error
    check_writable(str(Path(config.output).parent))
    screen = Screen()
    display(as_rich(bench(config, screen.say)))
    screen.say(f"  written  {config.output}")
