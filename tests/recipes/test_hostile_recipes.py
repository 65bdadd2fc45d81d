"""A recipe from a stranger is data: whatever else it tries is refused in a sentence; nothing is run or created."""

import os
import pickle
import subprocess
import sys

import pytest

from prune.cli import main
from prune.files.paths import PACKAGE
from tests.composing import HEAD, composed, refused, written

pytestmark = pytest.mark.usefixtures("elsewhere")

NOT_PLAIN = "only plain references"
NO_CODE = "runs no code"
NO_FILES = "a recipe reads no files"
NO_DEFAULT = "is not allowed: only `override /group: choice`"
TRICKS = {
    "environment": ("seed: '${oc.env:HOME}'", NOT_PLAIN),
    "environment of a place": ("model: {path: '${oc.env:HOME}'}", NOT_PLAIN),
    "environment in a list": ("task: {text: ['${oc.env:HOME}']}", NOT_PLAIN),
    "environment in a mapping of a list": ("target: {density: [{a: '${oc.env:HOME}'}]}", NOT_PLAIN),
    "environment in a key": ("reference: {scores: {'${oc.env:HOME}': {f1: 0.5}}}", NOT_PLAIN),
    "environment in reference": ("reference: {source: '${oc.env:HOME}'}", NOT_PLAIN),
    "nested reference": ("model: {name: '${${oc.env:A}}'}", NOT_PLAIN),
    "reference in reference": ("model: {name: '${model.${task.name}}'}", NOT_PLAIN),
    "reference to no value": ("model: {name: '${a.b}'}", NOT_PLAIN),
    "reference to hydra": ("model: {name: '${hydra.runtime.cwd}'}", NOT_PLAIN),
    "relative reference": ("model: {name: '${.path}'}", NOT_PLAIN),
    "reference to the outputs": ("reference: {source: '${outputs}'}", NOT_PLAIN),
    "escaped reference": ("model: {name: '\\${oc.env:HOME}'}", NOT_PLAIN),
    "open reference": ("model: {name: '${seed'}", NOT_PLAIN),
    "decoding": ("seed: '${oc.decode:1}'", NOT_PLAIN),
    "creation": ("seed: '${oc.create:{a:1}}'", NOT_PLAIN),
    "resolver of its own": ("seed: '${eval:1+1}'", NOT_PLAIN),
    "hydra's resolver": ("seed: '${hydra:runtime.cwd}'", NOT_PLAIN),
    "python object": ("model: {path: !!python/object/apply:os.system ['touch pwned']}", "tags (!...) are not allowed"),
    "python name": ("seed: !!python/name:os.system", "tags (!...) are not allowed"),
    "tag of its own": ("seed: !mine 1", "tags (!...) are not allowed"),
    "harmless tag": ("seed: !!int '1'", "tags (!...) are not allowed"),
    "_target_": ("method: {_target_: os.system}", NO_CODE),
    "_target_ at the top": ("_target_: os.system", NO_CODE),
    "_target_ in a list": ("target: {speedup: [{_target_: os.system, command: 'touch pwned'}]}", NO_CODE),
    "_target_ in lists": ("target: {speedup: [[[{_target_: os.system}]]]}", NO_CODE),
    "_partial_": ("reference: {environment: {packages: {_partial_: a}}}", NO_CODE),
    "remote code": ("model: {trust_remote_code: true}", NO_CODE),
    "remote code in a list": ("target: {speedup: [{trust_remote_code: true}]}", NO_CODE),
    "hydra": ("hydra: {run: {dir: /tmp}}", "there is no key hydra.run.dir"),
    "hydra empty": ("hydra: {}", "there is no key hydra"),
    "hydra callbacks": ("hydra: {callbacks: {a: {_target_: os.system}}}", "there is no key hydra"),
    "hydra searchpath": ("hydra: {searchpath: [file:///tmp]}", "there is no key hydra.searchpath"),
    "hydra/launcher": ("hydra/launcher: joblib", "there is no key hydra/launcher"),
    "outputs": ("outputs: /tmp", "does not say where or whether"),
    "force": ("force: true", "does not say where or whether"),
    "tracking": ("tracking: [wandb]", "nor how it is watched"),
    "hydra's group": ("defaults: [{override hydra/launcher: joblib}]", NO_DEFAULT),
    "hydra's group from the root": ("defaults: [{override /hydra/launcher: joblib}]", NO_DEFAULT),
    "added group": ("defaults: [{/method: struct}]", NO_DEFAULT),
    "config file": ("defaults: [../../secret]", NO_DEFAULT),
    "other recipe": ("defaults: [{override /recipe: demo}]", NO_DEFAULT),
    "two in one default": ("defaults: [{override /model: demo, override /task: demo}]", NO_DEFAULT),
    "list as choice": ("defaults: [{override /model: [demo]}]", NO_DEFAULT),
    "path as choice": ("defaults: [{override /model: ../../secret}]", "there is no such model"),
    "reference as choice": ("defaults: [{override /model: '${model.path}'}]", "there is no such model"),
    "choice outside defaults": ("method: hybrid", "a choice stands in defaults"),
    "anchor": ("method: &a {penalty: 3.0}", "anchors and aliases are not allowed"),
    "alias": ("method: &a {penalty: 3.0}\nreference: *a", "anchors and aliases are not allowed"),
    "merge key": ("method: {<<: {penalty: 3.0}}", "merge keys are not allowed"),
    "merge key at the top": ("<<: [{seed: 1}, {seed: 2}]", "merge keys are not allowed"),
    "many laughs": ("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nseed: *c", "anchors and aliases are not allowed"),
    "deep": ("seed: " + "[" * 90_000, "more than 12 levels"),
    "deep mappings": ("{a: " * 20 + "1" + "}" * 20, "more than 12 levels"),
    "deep blocks": ("\n".join(" " * n + "a:" for n in range(200)), "more than 12 levels"),
    "unknown key": ("method: {penality: 3.0}", "did you mean 'method.penalty'?"),
    "unknown key of the reference": ("reference: {scors: {}}", "did you mean 'reference.scores'?"),
    "wrong type": ("method: {penalty: much}", "could not be converted to Float"),
    "wrong type in the reference": ("reference: {scores: {test: {f1: good}}}", "could not be converted to Float"),
    "no YAML": ("method: [", "no plain YAML"),
    "a list": ("- method", "holds no mapping"),
    "a text": ("method", "holds no mapping"),
    "empty": ("", "holds no mapping"),
    "two documents": ("seed: 1\n---\nseed: 2", "no plain YAML"),
    "no such day": ("seed: 2024-13-32", "no plain YAML"),
    "long number": ("seed: " + "1" * 5000, "no plain YAML"),
    "a date": ("seed: 2024-01-01", "seed=2024-01-01"),
    "too large": ("# " + "x" * 100_001, "a recipe has at most 100000"),
    "50 MB": ("seed: 1\n" * 6_250_000, "a recipe has at most 100000"),
    "key that is no text": ("1: 2", "there is no key 1"),
    "inner key that is no text": ("method: {1: 2}", "there is no key method.1"),
    "key that is a list": ("? [a]\n: 1", "no plain YAML"),
    "defaults that are a mapping": ("defaults: {override /model: demo}", "defaults"),
    "defaults that are a number": ("defaults: 3", "defaults"),
    "a key twice": ("seed: 1\nseed: 2", "a key stands twice"),
    "an inner key twice": ("model: {path: a}\nmethod: {density: 1, penalty: 2, density: 0.5}", "a key stands twice"),
    "dotted key": ("method.penalty: 3.0", "a key with a dot"),
    "list for a text": ("model: {path: [a]}", "model.path"),
    "missing value": ("seed: ???", "seed=???: say a value"),
    "absolute folder of data": ("task: {path: /etc}", NO_FILES),
    "relative folder of data": ("task: {path: ../data}", NO_FILES),
    "folder of home": ("model: {path: '~/models'}", NO_FILES),
    "folder of a model": ("model: {path: a/b/c}", NO_FILES),
    "folder of a dense model": ("model: {dense: ./dense}", NO_FILES),
    "folder of a teacher": ("teacher: /srv/teacher", NO_FILES),
    "climbing in the package": ("task: {path: 'pkg://demo/../../secret'}", NO_FILES),
    "address": ("task: {path: 'https://example.org/data'}", NO_FILES),
    "file system": ("task: {path: 'hf://datasets/a/b'}", NO_FILES),
    "empty folder name": ("task: {path: ''}", NO_FILES),
    "reference as folder": ("task: {path: '${model.name}/../..'}", NOT_PLAIN),
    "reference alone as folder": ("task: {path: '${model.name}'}", NO_FILES),
    "references that double": ("reference: {source: '" + "${reference.measured}" * 2 + "'}", NOT_PLAIN),
    "lists that double": ("target: {density: ['${target.params}', '${target.params}'], params: [1, 2]}", NOT_PLAIN),
    "huge number": ("method: {recovery: 1" + "0" * 400 + "}", "(401 characters): a number must be below 2^31"),
    "huge number in hexadecimals": ("seed: 0x" + "f" * 6000, "seed=(too large to be shown): a number must be"),
    "huge number in sixties": ("seed: 1" + ":59" * 300, "a number must be below 2^31"),
    "long text": ("task: {label: " + "a" * 50_000 + "}", "(50,000 characters): a text has at most 1,000 characters"),
    "long list": (f"task: {{text: [{'a, ' * 5000}]}}", "a list has at most 1,000 entries"),
    "moves the cursor": ('model: {path: "a\\e[2Jb"}', "'a\\x1b[2Jb' holds a character that cannot be shown"),
    "moves the cursor in a key": ('"\\e[2J": 1', "'\\x1b[2J' holds a character that cannot be shown"),
    "new line": ('model: {name: "a\\nb"}', "cannot be shown"),
    "writes from right to left": ("model: {name: \"a\u202eb\"}", "cannot be shown"),
}  # fmt: skip


def untouched(folder):
    return [path.name for path in folder.iterdir()] == []


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.replace(" ", "_"))
def test_a_trick_is_refused_and_nothing_is_created(trick, tmp_path, monkeypatch):
    text, said = TRICKS[trick]
    file = written(tmp_path, HEAD + text + "\n")
    (folder := tmp_path / "empty").mkdir()
    monkeypatch.chdir(folder)
    message = refused(f"recipe={file}")
    assert said in message
    assert all(line.startswith(str(file)) for line in message.splitlines())
    assert untouched(folder)


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00\x80", b"seed: \x00 1", b"seed: \x1b[2J", "seed: 1".encode("utf-16")]
)
def test_what_is_no_text_is_refused(content, tmp_path):
    (tmp_path / "mine.yaml").write_bytes(content)
    assert "is no plain YAML" in refused("recipe=mine.yaml")


@pytest.mark.parametrize("name", ["../../elsewhere", "/tmp/elsewhere", "a/b", "a: b", "", "..", ".hidden"])
@pytest.mark.parametrize("key", ["task: {name: ", "model: {name: ", "method: {name: ", "task: {train_split: "])
def test_a_name_cannot_lead_out_of_its_folder(key, name, tmp_path):
    written(tmp_path, HEAD + f"{key}'{name}'}}\n")
    message = refused("recipe=mine.yaml", "model.path=pkg://demo/model")
    assert "letters, digits, `_`, `-` and `.` only" in message
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


def test_a_split_cannot_lead_out_of_the_folder_of_predictions(tmp_path):
    written(tmp_path, HEAD + "task: {eval_splits: [validation, ../../../pwned]}\n")
    assert "the split ../../../pwned is part of a file's name" in refused("recipe=mine.yaml", "model=demo")


def test_a_hub_name_that_is_a_folder_here_is_not_read(tmp_path):
    (tmp_path / "owner" / "data").mkdir(parents=True)
    written(tmp_path, HEAD + "task: {path: owner/data}\n")
    assert "there is a folder of that name here" in refused("recipe=mine.yaml")


def test_a_place_that_the_user_has_to_name_is_asked_for(tmp_path):
    written(tmp_path, HEAD + "defaults: [{override /model: demo}]\ntask: {path: <folder>}\nteacher: <folder>\n")
    message = refused("recipe=mine.yaml", "task=demo")
    assert message.splitlines() == [
        "task.path: the recipe was made with a folder; name yours with task.path=",
        "teacher: the recipe was made with a folder; name yours with teacher=",
    ]
    assert composed("recipe=mine.yaml", "task=demo", "task.path=pkg://demo/data", "teacher=none").teacher == "none"


def test_what_is_no_file_is_refused(tmp_path):
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "zeros.yaml").symlink_to("/dev/zero")
    for name in ("folder.yaml", "pipe.yaml", "zeros.yaml"):
        assert refused(f"recipe={name}") == f"recipe={name}: is no file"


def test_a_file_that_may_not_be_read_is_refused(tmp_path, monkeypatch):
    file = written(tmp_path, "seed: 1")
    monkeypatch.setattr(type(file), "open", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    assert refused(f"recipe={file}") == f"{file} cannot be read: Permission denied"


def test_of_very_many_mistakes_the_first_are_told_in_short(tmp_path):
    file = written(tmp_path, "".join(f"{'k' * 9}{number}: {'v' * 100}\n" for number in range(800)))
    lines = refused(f"recipe={file}").splitlines()
    assert 10 <= len(lines) <= 100
    assert max(map(len, lines)) < 1000


def test_everything_wrong_with_a_recipe_is_said_together(tmp_path):
    file = written(tmp_path, HEAD + "defaults: [{override /model: dmo}]\nforce: true\nmethod: {penality: 3.0}\n")
    lines = refused(f"recipe={file}").splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"{file}: ") for line in lines)


@pytest.mark.parametrize("option", ["model.path", "model.dense", "teacher"])
def test_weights_in_a_pickle_are_refused_before_they_are_read(option, tmp_path):
    class Pwned:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "pwned"),)

    (folder := tmp_path / "model").mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((PACKAGE / "demo" / "model" / name).read_bytes())
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Pwned()))
    message = refused("model=demo", "task=demo", "model.pretrained=true", f"{option}={folder}")
    assert message.startswith(f"{option}={folder}: its weights are a pickle (pytorch_model.bin)")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]


def test_an_error_moves_no_cursor(capsys):
    with pytest.raises(SystemExit) as end:
        main.main(["recipe='\x1b[2J\u202e.yaml'"])
    assert end.value.code == main.USER_ERROR
    shown = capsys.readouterr().err
    assert "\\x1b[2J\\u202e.yaml" in shown
    assert shown.replace("\n", "").isprintable()


def test_a_hostile_recipe_ends_the_command_with_code_2(tmp_path):
    file = written(tmp_path, HEAD + "seed: '${oc.env:HOME}'\n")
    result = subprocess.run(
        [sys.executable, "-m", "prune", f"recipe={file}"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert "Traceback" not in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]
