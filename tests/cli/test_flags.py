"""Flags with every command: each combination works, or is refused in the tool's own words with code 2."""

import pytest

READING_CONFIGS = [("run",), ("plan",), ("score", "predictions=answers.json")]
"""Commands that compose a config."""
COMMANDS = [(), *READING_CONFIGS, ("table",), ("show",), ("report",), ("verify",), ("verify", "demo"), ("inspect",),
            ("recipes",), ("export",), ("bench",), ("bench", "published")]  # fmt: skip


def as_ids(words):
    return " ".join(words) or "no command"


@pytest.mark.parametrize("command", READING_CONFIGS, ids=as_ids)
@pytest.mark.parametrize("flags", [("--cfg", "job"), ("--cfg=job", "--resolve"), ("-sc", "install=bash")], ids=as_ids)
def test_a_flag_that_shows_something_does_so_with_every_command_that_reads_configs(command, flags, prune):
    words = ("recipe=demo", "target.density=0.5")
    shown = prune(*command, *flags, *words)
    assert shown == prune(*flags, *words)
    assert shown[0] == 0
    assert ("complete -o" if "-sc" in flags else "density: 0.5") in shown[1]


@pytest.mark.parametrize(
    ("flags", "second", "first"),
    [
        (("-sc", "install=bash", "--cfg", "job"), "--cfg", "--shell-completion"),
        (("--cfg", "job", "-sc", "install=bash"), "--shell-completion", "--cfg"),
        (("-m", "--cfg", "job", "seed=1,2"), "--cfg", "--multirun"),
        (("-sc", "uninstall=zsh", "--multirun"), "--multirun", "--shell-completion"),
        (("-c", "job", "--resolve", "-m"), "--multirun", "--cfg"),
    ],
)
@pytest.mark.parametrize("command", [(), ("plan",)], ids=as_ids)
def test_flags_that_exclude_each_other_are_both_named(command, flags, second, first, prune):
    code, out, err = prune(*command, *flags)
    assert (code, out) == (2, "")
    assert err == f"prune: {second}: does not go together with {first}; leave out one\n"


@pytest.mark.parametrize("flags", [("-p", "x"), ("--info",)], ids=as_ids)
@pytest.mark.parametrize("command", COMMANDS, ids=as_ids)
def test_flags_of_hydra_that_mean_nothing_here_are_refused_by_every_command(command, flags, prune):
    code, out, err = prune(*command, *flags)
    assert (code, out) == (2, "")
    assert err.startswith("prune: ")


@pytest.mark.parametrize("flags", [("--cfg",), ("-c",), ("--cfg=",), ("recipe=demo", "-c")], ids=as_ids)
def test_a_flag_without_its_value_says_what_it_may_be(flags, prune):
    assert prune(*flags)[2] == f"prune: {flags[-1].rstrip('=')}: it needs a value. Allowed: job\n"
