"""What the pages show is run: each example of an addition is written where it belongs and used."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from docs.generate import pages
from prune.files.paths import PACKAGE

EXAMPLE = re.compile(r"<!-- test: (\w+) (\w+) -->\n```\w+\n(.*?)```", flags=re.S)
EXAMPLES = [example for page in pages() for example in EXAMPLE.findall(page.read_text())]

TRY = {
    "criterion": """
import torch
from prune.runtime.registry import module, names
assert "largest" in names("criteria")
mask = module("criteria", "largest").CRITERION.mask(torch.tensor([-3.0, 1.0, 2.0]), 2.0, True)
assert mask.tolist() == [1.0, 0.0, 1.0]
""",
    "weight_saliency": """
from prune.cli.main import main
main(["run", "model=demo", "task=demo", "schedule=demo", "method=at_initialization", "method.criterion=gradient",
      "target.density=0.5", "task.train_examples=64", "task.eval_examples=32", "schedule.dense_epochs=1",
      "evaluate.speed.pairs=2", "evaluate.speed.batch_sizes=[1]", "outputs=outputs"])
""",
    "method": """
from prune.config.keys import choices
assert "magnitude_struct" in choices("method")
from prune.cli.main import main
main(["run", "model=demo", "task=demo", "schedule=demo", "method=magnitude_struct", "task.train_examples=64",
      "task.eval_examples=32", "schedule.epochs=8", "schedule.dense_epochs=1", "evaluate.speed.pairs=2",
      "evaluate.speed.batch_sizes=[1]", "outputs=outputs"])
""",
    "task": """
import shutil
from prune.files.paths import PACKAGE
shutil.copytree(PACKAGE / "demo" / "data", "data/reviews")
from prune.cli.main import main
main(["run", "model=demo", "task=reviews", "schedule=demo", "method=struct", "method.penalty=400",
      "task.train_examples=256", "task.eval_examples=32", "schedule.epochs=4", "schedule.dense_epochs=1",
      "evaluate.speed.pairs=2", "evaluate.speed.batch_sizes=[1]", "schedule.score_learning_rate=0.3",
      "outputs=outputs"])
""",
    "family": """
import torch
from transformers import ErnieConfig, ErnieForSequenceClassification
from prune.models.architecture import sublayers_of
from prune.config.schema import MethodConfig, SiteConfig
from prune.masking.attach import fold
from prune.methods.fine_pruning.training import spread
from prune.compaction.compact import compact
config = ErnieConfig(vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=4,
                       intermediate_size=24)
model = ErnieForSequenceClassification(config).eval()
sublayers = sublayers_of(model)
site = lambda grain: SiteConfig(criterion="random", grain=grain)
method = MethodConfig(attention=site("head"), feed_forward=site("dimension"))
masks = spread(model, model.base_model, sublayers, method, seed=0)
masks.advance(1.0)
ids = torch.arange(12).view(2, 6)
before = model(ids).logits
fold(model)
structure = compact(model, sublayers)
assert len(structure.kept["encoder.layer.0.attention"]) == 2
assert torch.allclose(before, model(ids).logits, atol=1e-6)
""",
}
FOLDERS = {
    "criterion": "criteria",
    "weight_saliency": "criteria/weight_saliency",
    "family": "models/families",
}


def test_every_kind_of_addition_has_an_example() -> None:
    assert sorted(kind for kind, *_ in EXAMPLES) == sorted(TRY)


def test_the_examples_work_side_by_side(tmp_path: Path) -> None:
    copy = tmp_path / "checkout"
    for folder in ("prune", "configs", "recipes"):
        shutil.copytree(PACKAGE.parent / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for kind, name, text in EXAMPLES:
        part = copy / (f"prune/{FOLDERS[kind]}/{name}.py" if kind in FOLDERS else f"configs/{kind}/{name}.yaml")
        assert not part.exists(), "the example should not be part of the project"
        part.write_text(text)
    code = "\n".join([f"import sys; sys.path.insert(0, {str(copy)!r})", *TRY.values()])
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert result.returncode == 0, result.stderr
