"""A model with only some of its layers, as it is usually made smaller before it is trained again.

    python -m benchmarks.cut_layers <folder of the model> <folder to write> --keep 1 3 5

For encoders whose layers are called as BERT's are.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from torch import nn
from transformers import AutoModel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--keep", type=int, nargs="+", required=True, help="numbers of layers, from 0")
    options = parser.parse_args()
    model = AutoModel.from_pretrained(options.source)
    model.encoder.layer = nn.ModuleList(model.encoder.layer[number] for number in options.keep)
    model.config.num_hidden_layers = len(options.keep)
    shutil.copytree(options.source, options.target)
    model.save_pretrained(options.target)


if __name__ == "__main__":
    main()
