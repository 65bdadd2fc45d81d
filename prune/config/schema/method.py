"""The settings of a method."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from prune.config.metadata import FRACTION, NON_NEGATIVE, POSITIVE, PROBABILITY, Range, within
from prune.config.schema.choices import NO_GRAIN, Control, Finish, RateOf, Scope, TokenOperator


@dataclass
class SiteConfig:
    criterion: str = ""
    """What scores a grain: a file of prune/criteria/."""
    grain: str = ""
    """What is kept or removed together: element, block, row, column; head (attention), dimension (feed_forward); none:
    the site stays as it is."""
    block: list[int] = field(default_factory=lambda: [32, 32])
    """Rows and columns of a block; must divide each matrix. Read only where grain is block."""
    penalty_weight: float = field(default=1.0, metadata=within(NON_NEGATIVE))
    """Share of this site in the penalty, at least 0 (lambda_att and lambda_ffn of the papers)."""

    @property
    def stays(self) -> bool:
        """Whether nothing is pruned at this site."""
        return self.grain == NO_GRAIN


@dataclass
class TokensConfig:
    operator: TokenOperator = TokenOperator.none
    """How fewer tokens are made of many. none: all go on; top_k: those of the highest scores, which are learned;
    attention: those that receive the most attention in the layer; successive_halving: a tournament by learned scores,
    whose pairs are averaged; mean_pool: means of neighbours."""
    after: list[int] = field(default_factory=list)
    """Numbers of the layers after which tokens are pooled, of those that are kept: 1 is the first."""
    keep: list[float] = field(default_factory=list, metadata=within(Range(above=0, below=1)))
    """The fraction of all tokens that goes on after each of them. The first token always does."""


@dataclass
class MethodConfig:
    name: str = ""
    """Short name, used in tables and in the run folder's name."""
    kind: str = "fine_pruning"
    """Kind of method: a file or package of prune/methods/."""
    criterion: str = ""
    """What scores the grains of both sites, where these name no criterion of their own. Read by lottery_ticket and
    at_initialization."""
    attention: SiteConfig = field(default_factory=SiteConfig)
    """Criterion and grain for query, key, value and output matrices."""
    feed_forward: SiteConfig = field(default_factory=SiteConfig)
    """Criterion and grain for the two feed-forward matrices."""
    penalty: float = field(default=10.0, metadata=within(NON_NEGATIVE))
    """Weight of the regulariser on scores (lambda). Read by soft_movement and l0. With a target, it only shapes the
    scores: the target decides how many grains are kept."""
    density: float = field(default=0.5, metadata=within(FRACTION))
    """Fraction of weights kept. Read by magnitude, movement and random, without a target."""
    threshold: float = field(default=0.1, metadata=within(PROBABILITY))
    """Final threshold on sigmoid(score). Read by soft_movement, without a target."""
    layers: float = field(default=1.0, metadata=within(FRACTION))
    """Fraction of the layers of each stack that are kept; the others are dropped before anything is pruned."""
    tokens: TokensConfig = field(default_factory=TokensConfig)
    """Fewer tokens after some layers, once the model is compact."""
    importance_examples: int = field(default=2048, metadata=within(POSITIVE))
    """Training examples from which the importance of units is estimated. Read by one_shot, and with
    schedule.start_from=one_shot."""
    removal_steps: int = field(default=1, metadata=within(POSITIVE))
    """Number of steps in which units are removed; importance is estimated again before each. Read by one_shot."""
    recovery: float = field(default=0.0, metadata=within(PROBABILITY))
    """Fraction of the fill's steps that is spent on recovery between the removal steps, in equal parts, so that
    importance is estimated in a model that has recovered. Read by one_shot, with finish=fill and several steps."""
    refit_tokens: int = field(default=50_000, metadata=within(POSITIVE))
    """Tokens of training examples on which output matrices are refitted. Read by one_shot."""
    refit_examples: int = field(default=512, metadata=within(POSITIVE))
    """At most so many of these examples are refitted on before the last removal step. Read by one_shot, with several
    steps."""
    shape: list[Any] = field(default_factory=list)
    """How many heads (attention) and dimensions (feed_forward) each sublayer keeps: a mapping with two lists of numbers
    for each of the removal_steps, one where nothing else has steps. []: as the target allows. Recipes of runs with a
    target of time have it, since another machine would choose another shape."""
    scope: Scope = Scope.matrix
    """Whether the density is reached in each matrix, or over all matrices of a site together."""
    candidates: list[Any] = field(default_factory=list)
    """Settings of the method to choose from, as in [{layers: 1}, {layers: 0.5}]: each is tried with a short fill, and
    the one whose model has the least loss on training examples is carried out. []: no others. Read by one_shot."""
    candidate_fill: float = field(default=0.1, metadata=within(FRACTION))
    """Length of a candidate's fill, as a fraction of the fill. Read by one_shot, with candidates."""
    finish: Finish = Finish.compact
    """fold: zeros stay in place; compact: empty heads and dimensions are removed; fill: compact and fine-tune again."""
    rounds: Any = 6
    """Rounds of training, pruning and rewinding: 6 gives a result after each of the rounds 1 to 6, [4, 6] after these.
    Read by lottery_ticket."""
    rate: float = field(default=0.1, metadata=within(Range(above=0, below=1)))
    """Fraction of the weights that each round removes. Read by lottery_ticket."""
    rate_of: RateOf = RateOf.original
    """What `rate` is a fraction of: all prunable weights, or those that remain. Read by lottery_ticket."""
    rewind: Any = "pretrained"
    """Where a round's training begins. pretrained: at the very weights that the dense model's began at; a fraction of
    the dense model's training (0.05) or "100 steps": at its weights then; learning_rate: at the trained weights, with
    the learning rate from its start; none: at the trained weights, with a tenth of the learning rate. Read by
    lottery_ticket."""
    mask: str = ""
    """Folder of a finished run or of its model: its zeros are the mask. Read by fixed_mask."""
    at: Any = 0
    """When weights are scored and removed: 0 (before any training), a fraction of the dense model's training, or
    "100 steps". Read by at_initialization."""
    iterations: int | None = field(default=None, metadata=within(POSITIVE))
    """Steps in which weights are removed, scored anew before each; null: as the criterion's authors have it. Read by
    at_initialization."""
    examples_per_class: int = field(default=10, metadata=within(POSITIVE))
    """Training examples of each label that weights are scored on. Read by lottery_ticket and at_initialization, where
    the criterion needs any."""
    control: Control = Control.none
    """What is put in place of the mask or of its weights. random: a random mask, with the density of the ticket's in
    each matrix; shuffled: the mask, shuffled within each matrix; inverted: the weights that would be removed are kept;
    reinitialised: random weights under the mask; layers_permuted: weights of other layers under it. Read by
    lottery_ticket, fixed_mask and at_initialization."""
    pooler: bool = False
    """Whether the pooler's matrix is pruned, too. Read by lottery_ticket, fixed_mask and at_initialization."""

    def __post_init__(self) -> None:
        for site in (self.attention, self.feed_forward):
            site.criterion = site.criterion or self.criterion
