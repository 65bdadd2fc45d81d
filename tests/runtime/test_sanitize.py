"""What others wrote, made inert for each kind of output."""

import io
import re

import pytest

from prune.runtime.console import SafeConsole
from prune.runtime.sanitize import file_name, for_csv, for_markdown, for_terminal, one_line

CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x200B, 0x202E, 0x2028, 0xFEFF, 0xD800, 0xE0001)]


@pytest.mark.parametrize("one", CONTROLS, ids=ascii)
def test_a_control_character_is_shown_not_sent(one):
    assert for_terminal(f"a{one}b").replace("\n", "").isprintable()
    assert one_line(f"a{one}b").isprintable()
    assert one_line(one).isprintable()


@pytest.mark.parametrize("text", ["", "a b", "模型", "é", "a\u00a0b", "[red]", "\\x1b", "±"])
def test_a_plain_text_stays_as_it_is(text):
    assert for_terminal(text) == one_line(text) == text


def test_a_console_sends_its_own_codes_only():
    console = SafeConsole(file=io.StringIO(), force_terminal=True, color_system="standard", highlight=False)
    console.print("[bold]a[/bold]")
    console.print("\x1b[2J\x1b]0;title\x07b", markup=False, style="red")
    sent = console.file.getvalue()
    assert set(re.findall(r"\x1b[^m]*m", sent)) == {"\x1b[1m", "\x1b[0m", "\x1b[31m"}
    assert "\x1b" not in re.sub(r"\x1b\[\d+m", "", sent)
    assert "\x07" not in sent


@pytest.mark.parametrize("value", ["=1", "+1", "-1", "@a", " =1", "\N{FULLWIDTH EQUALS SIGN}1", "\N{NO-BREAK SPACE}=1"])
def test_a_formula_is_a_text(value):
    assert for_csv(value).startswith("'")


@pytest.mark.parametrize("value", [-1, -0.5, None, True, "a=1", "1-2", "'=1", ""])
def test_numbers_and_other_texts_stay(value):
    assert for_csv(value) is value or for_csv(value) == value


@pytest.mark.parametrize(
    "text", ["[a](b)", "![a](b)", "<b>", "`a`", "*a*", "_a_", "a|b", "http://a.b", "www.a.b", "&lt;"]
)
def test_nothing_is_markdown(text):
    escaped = for_markdown(text)
    assert escaped != text
    assert re.sub(r"\\(.)", r"\1", escaped) == text
    assert not re.search(r"(?<!\\)[`*\[\]<>|!]", escaped)


NAMES = [
    "a",
    "a b",
    "a/b",
    "a\\b",
    "../a",
    "/a",
    "..",
    ".",
    "",
    "a\0b",
    "A" * 64,
    "a" * 65,
    "a" * 66,
    "é",
    "\ud800",
    "a.b",
    "-a",
]


@pytest.mark.parametrize("text", NAMES, ids=ascii)
def test_a_file_name_is_of_a_safe_alphabet(text):
    assert re.fullmatch(r"[A-Za-z0-9][\w-]{0,63}", file_name(text), flags=re.ASCII)


def test_file_names_stay_different():
    assert len({file_name(text) for text in NAMES}) == len(NAMES)
    assert file_name("sst2-speedup") == "sst2-speedup"
