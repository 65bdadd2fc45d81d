"""Values of which a setting has one."""

from __future__ import annotations

from enum import Enum


class Finish(str, Enum):
    """How a pruned network is finished."""

    fold = "fold"
    compact = "compact"
    fill = "fill"


class Scope(str, Enum):
    """Among which grains a density is reached."""

    matrix = "matrix"
    site = "site"


class Start(str, Enum):
    """Which weights and scores pruning starts from."""

    pretrained = "pretrained"
    dense = "dense"
    one_shot = "one_shot"


class Precision(str, Enum):
    """Number format of training."""

    auto = "auto"
    float32 = "float32"
    bfloat16 = "bfloat16"


class Runtime(str, Enum):
    """What runs a model while it is timed."""

    torch = "torch"
    torch_compile = "torch_compile"
    onnx = "onnx"
    onnx_int8 = "onnx_int8"
    openvino = "openvino"
    openvino_int8 = "openvino_int8"


class SpeedReference(str, Enum):
    """How the unpruned model runs that a target of speed compares with."""

    same = "same"
    torch = "torch"


class Objective(str, Enum):
    """The objective."""

    metric = "metric"
    speedup = "speedup"
    both = "both"


class TokenOperator(str, Enum):
    """How fewer tokens are made of many."""

    none = "none"
    top_k = "top_k"
    attention = "attention"
    successive_halving = "successive_halving"
    mean_pool = "mean_pool"


class Control(str, Enum):
    """What stands in for a mask or for its weights, to see what either is worth."""

    none = "none"
    random = "random"
    shuffled = "shuffled"
    inverted = "inverted"
    reinitialised = "reinitialised"
    layers_permuted = "layers_permuted"


class RateOf(str, Enum):
    """What a round removes a share of."""

    original = "original"
    remaining = "remaining"


class ClassWeights(str, Enum):
    """How much the examples of each label count."""

    none = "none"
    balanced = "balanced"


class RerankingLoss(str, Enum):
    """How the scores of documents are learned from labels."""

    binary = "binary"
    squared = "squared"
    listwise = "listwise"


class Pooling(str, Enum):
    """How the outputs for the tokens of a text become one vector."""

    mean = "mean"
    cls = "cls"


NO_GRAIN = "none"
