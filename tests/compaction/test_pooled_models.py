"""Models that pool their tokens: every family that can, by every operator."""

import pytest
import torch

import prune
from prune.compaction import saved_model
from prune.compaction.stock import plain
from prune.compaction.structure import Structure
from prune.compaction.token_pooling import OPERATORS, tokens_left
from prune.compaction.tokens import TokenPooling
from prune.config.schema import TokenOperator
from prune.errors import UserError
from prune.models.architecture import family_of, sublayers_of
from prune.models.units import all_units
from tests.architectures import ARCHITECTURES, NO_TOKENIZER, inputs

POOLING = [name for name, one in ARCHITECTURES.items() if family_of(one.model().config).stacks[0].tokens_know_positions]
CLASSIFYING = [name for name in POOLING if not ARCHITECTURES[name].reads_pairs]
AFTER, KEEP = (1, 2), (0.5, 0.2)


def pooled(name, operator, *, first_token_only=False, after=AFTER, keep=KEEP):
    model = ARCHITECTURES[name].model(**({"encoder_layers": 3} if name == "bart" else {}))
    sublayers = sublayers_of(model)
    structure = Structure(
        model.config.model_type,
        all_units(sublayers),
        first_token_only=first_token_only,
        pooling=TokenPooling(operator, after, keep),
    )
    structure.apply(model.base_model, sublayers)
    return model, structure, sublayers


def one_of(batch, number):
    """The example alone, without padding."""
    tokens = int(batch["attention_mask"][number].sum())
    own = {name: values[number : number + 1] for name, values in batch.items()}
    return own | {name: own[name][:, :tokens] for name in ("input_ids", "attention_mask")}


def test_every_operator_that_can_be_named_is_there():
    assert {"none", *OPERATORS} == {one.value for one in TokenOperator}


def test_which_families_can():
    assert set(POOLING) == {"bert", "roberta", "xlm_roberta", "camembert", "electra", "distilbert", "bart"}


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("name", POOLING)
def test_an_example_gives_the_same_alone(name, operator):
    model, _, _ = pooled(name, operator)
    batch = inputs(ARCHITECTURES[name])
    with torch.no_grad():
        logits = model(**batch).logits
        for number in range(3):
            alone = model(**one_of(batch, number)).logits
            torch.testing.assert_close(alone, logits[number : number + 1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", POOLING)
def test_layers_are_given_the_tokens_that_are_left(name):
    model, structure, sublayers = pooled(name, "mean_pool")
    encoder = [s for s in sublayers if s.site == "feed_forward" and s.name.partition(".")[0] != "decoder"]
    seen = []
    for sublayer in encoder:
        module = model.base_model.get_submodule(sublayer.matrices[0].module)
        module.register_forward_hook(lambda _, args, __: seen.append(args[0].shape[1]))
    model(**inputs(ARCHITECTURES[name]))
    first = tokens_left(7, 0.5)
    assert seen == [7, first, tokens_left(first, 0.4)] == [7, 4, 3]
    shares = structure.pooling.shares(sublayers)
    assert [shares[s.name] for s in encoder] == [1.0, *KEEP]


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("name", POOLING)
def test_it_is_saved_and_loaded(name, operator, tmp_path):
    model, structure, _ = pooled(name, operator)
    saved_model.save(model, structure, NO_TOKENIZER, tmp_path)
    loaded = prune.load(tmp_path)
    assert Structure.read(tmp_path) == structure
    batch = inputs(ARCHITECTURES[name])
    with torch.no_grad():
        assert loaded(**batch).logits.equal(model(**batch).logits)


def test_no_stock_code_pools(tmp_path):
    model, structure, _ = pooled("bert", "mean_pool")
    saved_model.save(model, structure, NO_TOKENIZER, tmp_path)
    with pytest.raises(UserError, match="format=plain: it pools tokens, and stock code lets all of them go on"):
        plain(prune.load(tmp_path))


@pytest.mark.parametrize("operator", ["top_k", "successive_halving"])
def test_what_scores_tokens_is_learned(operator):
    model, _, _ = pooled("bert", operator)
    model(**inputs(ARCHITECTURES["bert"])).logits.square().sum().backward()
    gradients = [p.grad for name, p in model.named_parameters() if "token_scorer.weight" in name]
    assert len(gradients) == len(AFTER)
    assert all(gradient.abs().max() > 0 for gradient in gradients)


@pytest.mark.parametrize("name", CLASSIFYING)
def test_the_first_token_alone_gives_the_same_logits(name):
    batch = inputs(ARCHITECTURES[name])
    logits = [pooled(name, "attention", first_token_only=alone)[0](**batch).logits for alone in (False, True)]
    torch.testing.assert_close(*logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", CLASSIFYING)
def test_the_mean_over_all_tokens_is_that_of_those_left(name):
    model, _, sublayers = pooled(name, "top_k")
    left = []
    last = model.base_model.get_submodule(sublayers[-1].name.rpartition(".")[0])
    last.register_forward_hook(lambda _, __, out: left.append(out[0] if isinstance(out, tuple) else out))
    batch = inputs(ARCHITECTURES[name])
    with torch.no_grad():
        vectors = model.base_model(**batch).last_hidden_state
    assert vectors.shape[:2] == batch["input_ids"].shape
    for number, tokens in enumerate((4, 7, 7)):
        kept = tokens_left(tokens_left(tokens, 0.5), 0.4)
        expected = left[0][number, :kept].mean(0)
        torch.testing.assert_close(vectors[number, :tokens].mean(0), expected, rtol=1e-4, atol=1e-5)
        assert vectors[number, 0].equal(left[0][number, 0])


def test_a_summary_is_the_same_alone():
    model, _, _ = pooled("bart", "successive_halving")
    batch = {name: values for name, values in inputs(ARCHITECTURES["bart"]).items() if name != "decoder_input_ids"}
    settings = {"max_new_tokens": 6, "min_new_tokens": 6, "num_beams": 2}
    together = model.generate(**batch, **settings)
    for number in range(3):
        assert model.generate(**one_of(batch, number), **settings)[0].tolist() == together[number].tolist()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"operator": "pool", "after": [1], "keep": [0.5]}, "is no operator"),
        ({"operator": "top_k", "after": [], "keep": []}, "layers must rise"),
        ({"operator": "top_k", "after": [2, 1], "keep": [0.5, 0.4]}, "layers must rise"),
        ({"operator": "top_k", "after": [1, 2], "keep": [0.5, 0.5]}, "shares of all tokens fall"),
        ({"operator": "top_k", "after": [1, 2], "keep": [0.5]}, "layers must rise"),
        ({"operator": "top_k", "after": [True], "keep": [0.5]}, "layers must rise"),
    ],
)
def test_what_is_no_pooling_is_refused(content, message):
    with pytest.raises(ValueError, match=message):
        TokenPooling.read(content)


def test_a_layer_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="after one of the layers 1 to 2, not 3"):
        TokenPooling("top_k", (3,), (0.5,)).check(sublayers_of(ARCHITECTURES["bert"].model()))


def test_layers_that_are_told_where_tokens_stand_pool_none():
    sublayers = sublayers_of(ARCHITECTURES["t5"].model())
    structure = Structure("t5", all_units(sublayers), pooling=TokenPooling("mean_pool", (1,), (0.5,)))
    with pytest.raises(ValueError, match="the layers of a t5 are told where tokens stand"):
        structure.check(sublayers)
