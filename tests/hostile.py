"""Values that a stranger may write into a file of JSON, as they stand there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ODD = {
    "null": "null", "negative": "-1", "zero": "0", "a million": "1000000", "a billion": "1000000000",
    "thirty digits": "1" + 30 * "0", "six thousand digits": 6000 * "9", "a large float": "1e308", "infinite": "1e999",
    "NaN": "NaN", "true": "true", "a long text": json.dumps("x" * 1000), "a path": '"../../x"', "NUL": '"a\\u0000b"',
    "half a character": '"\\ud800"', "an escape": '"\\u001b[2J"', "[]": "[]", "{}": "{}", "lists": "[[1]]",
    "deep lists": 10_000 * "[" + 10_000 * "]", "deep mappings": 500 * '{"a":' + "1" + 500 * "}",
}  # fmt: skip
FEW = {name: ODD[name] for name in ("null", "negative", "thirty digits", "true", "a long text", "lists", "deep lists")}
"""Enough where there is no time for all."""
NO_JSON = {
    "empty": b"", "no UTF-8": b"\xff\xfe\x00", "NUL": b"\x00", "a list": b"[]", "null": b"null",
    "cut": b'{"version": 1', "deep": 100_000 * b"[",
}  # fmt: skip
"""What a whole file may hold."""

CODE = """
from pathlib import Path
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer
Path({ran!r}).touch()
class Config(BertConfig): model_type = "strange"
class Model(BertForSequenceClassification): config_class = Config
class Tokenizer(BertTokenizer): pass
"""
"""Leaves the file `ran` when it is run."""
FOREIGN = {"AutoConfig": "evil.Config", "AutoModelForSequenceClassification": "evil.Model", "AutoModel": "evil.Model"}
"""An `auto_map` to it."""


def edit(file: Path, **values: Any) -> None:
    """Sets values of a file of JSON."""
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def put(file: Path, key: str, text: str) -> None:
    """Sets `key` of a file of JSON to a value that is given as JSON, well-formed or not."""
    content = json.loads(file.read_text()) | {key: "@@"}
    file.write_text(json.dumps(content).replace('"@@"', text))
