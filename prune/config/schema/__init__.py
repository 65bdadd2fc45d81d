"""The typed configuration: every field with its meaning, unit and range.

Imports nothing heavy: a mistake in a config is found before torch is loaded.
"""

from __future__ import annotations

from prune.config.reference import ReferenceConfig
from prune.config.schema.choices import (
    NO_GRAIN,
    ClassWeights,
    Control,
    Finish,
    Objective,
    Pooling,
    Precision,
    RateOf,
    RerankingLoss,
    Runtime,
    Scope,
    SpeedReference,
    Start,
    TokenOperator,
)
from prune.config.schema.method import (
    MethodConfig,
    SiteConfig,
    TokensConfig,
)
from prune.config.schema.run import (
    CompactConfig,
    Config,
    DistillationConfig,
    EvaluateConfig,
    ModelConfig,
    ScheduleConfig,
    SearchConfig,
    SpeedConfig,
    TargetConfig,
)
from prune.config.schema.task import (
    AnswersConfig,
    EmbeddingsConfig,
    ProbeConfig,
    RerankingConfig,
    RetrievalConfig,
    SummariesConfig,
    TaskConfig,
)

__all__ = [
    "NO_GRAIN",
    "AnswersConfig",
    "ClassWeights",
    "CompactConfig",
    "Config",
    "Control",
    "DistillationConfig",
    "EmbeddingsConfig",
    "EvaluateConfig",
    "Finish",
    "MethodConfig",
    "ModelConfig",
    "Objective",
    "Pooling",
    "Precision",
    "ProbeConfig",
    "RateOf",
    "ReferenceConfig",
    "RerankingConfig",
    "RerankingLoss",
    "RetrievalConfig",
    "Runtime",
    "ScheduleConfig",
    "Scope",
    "SearchConfig",
    "SiteConfig",
    "SpeedConfig",
    "SpeedReference",
    "Start",
    "SummariesConfig",
    "TargetConfig",
    "TaskConfig",
    "TokenOperator",
    "TokensConfig",
]
