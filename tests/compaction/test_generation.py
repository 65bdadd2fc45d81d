"""What a model writes is the same with masks, with zeros, compact, and reloaded; with and without a key/value cache."""

import copy
from itertools import product

import pytest
import torch
from transformers import DynamicCache, EncoderDecoderCache
from transformers.cache_utils import DynamicLayer

import prune
from prune.compaction import saved_model
from prune.compaction.compact import compact
from prune.compaction.modeling_pruned import CountingLayer
from prune.masking.attach import attach, fold
from prune.models.architecture import sublayers_of
from tests.architectures import ARCHITECTURES, NO_TOKENIZER, inputs

WRITERS = [name for name, one in ARCHITECTURES.items() if one.writes]
READERS = [name for name in WRITERS if ARCHITECTURES[name].reads_pairs]
SEARCHES = {
    "greedy": {"no_repeat_ngram_size": 2},
    "beams": {"num_beams": 4, "no_repeat_ngram_size": 3},
}
LOST = {
    # Parts of the names of sublayers that lose all their units; the others lose some, by chance.
    "some": (),
    "self-attention of the first decoder layer": ("decoder.layers.0.self", "decoder.block.0.self", "h.0.attention"),
    "self-attention of the decoder": ("self_attention", "h.0.attention", "h.1.attention", "h.2.attention"),
    "cross-attention": ("cross_attention",),
    "cross-attention of the first layer": ("layers.0.cross", "block.0.cross"),
    "encoder": ("encoder.",),
    "decoder": ("decoder.",),
}
CASES = {
    f"{lost}-{search}": (LOST[lost], SEARCHES[search])
    for lost in LOST
    for search in SEARCHES
    # A decoder that knows no positions gives some beams equal scores: then rounding chooses, in the dense model too.
    if search == "greedy" or lost not in ("self-attention of the decoder", "decoder")
}


@pytest.fixture(params=WRITERS)
def architecture(request):
    """One after the other."""
    return ARCHITECTURES[request.param]


@pytest.fixture
def masked(architecture, site):
    """A model with masks on whole heads and dimensions."""

    def make(lost=(), seed=0):
        model = architecture.model(seed)
        sublayers = sublayers_of(model)
        sites = {"attention": site(grain="head"), "feed_forward": site(grain="dimension")}
        masks = attach(model, model.base_model, sublayers, sites, seed)
        generator = torch.Generator().manual_seed(seed)
        for bank in masks.banks.values():
            scores = 5 * torch.randn(bank.scores[0].shape, generator=generator)
            for row, sublayer in zip(scores, bank.sublayers, strict=True):
                if any(part in sublayer.name for part in lost):
                    row.fill_(-9.0)
            bank.scores[0].data.copy_(scores)
        masks.advance(1.0)
        return model, sublayers

    return make


def written(model, architecture, longest=6, **settings):
    """Tokens, and the logits that chose them."""
    batch = {name: values for name, values in inputs(architecture).items() if name != "decoder_input_ids"}
    found = model.generate(
        **batch, max_new_tokens=longest, min_new_tokens=longest - 2, do_sample=False, output_logits=True,
        return_dict_in_generate=True, **settings,
    )  # fmt: skip
    return found.sequences, torch.stack(found.logits)


def assert_same(found, expected):
    assert found[0].equal(expected[0])
    torch.testing.assert_close(found[1], expected[1], rtol=1e-4, atol=1e-4)


def forms():
    """The quick suite has each loss with a greedy search and a cache, and each search without any of them."""
    for case, use_cache in product(CASES, (True, False)):
        lost, search = case.rsplit("-", 1)
        is_quick = lost == "some" or (use_cache and search == "greedy")
        name = f"{case}-{'cache' if use_cache else 'no_cache'}"
        yield pytest.param(*CASES[case], use_cache, marks=() if is_quick else pytest.mark.slow, id=name)


@pytest.mark.parametrize(("lost", "search", "use_cache"), list(forms()))
def test_every_form_of_a_model_writes_the_same(lost, search, use_cache, architecture, masked, tmp_path):
    model, sublayers = masked(lost)
    expected = written(model, architecture, use_cache=False, **search)
    assert_same(written(model, architecture, use_cache=use_cache, **search), expected)
    fold(model)
    assert_same(written(model, architecture, use_cache=use_cache, **search), expected)
    structure = compact(model, sublayers)
    assert_same(written(model, architecture, use_cache=use_cache, **search), expected)
    saved_model.save(model, structure, NO_TOKENIZER, tmp_path)
    assert_same(written(prune.load(tmp_path), architecture, use_cache=use_cache, **search), expected)


def test_what_is_written_varies(architecture, masked):
    tokens = [written(masked(seed=seed)[0], architecture, 10, **SEARCHES["greedy"])[0] for seed in range(2)]
    assert not tokens[0].equal(tokens[1])
    assert all(len(one.unique()) > 6 for one in tokens)


@pytest.mark.parametrize("lost", [LOST["some"], LOST["self-attention of the first decoder layer"]])
def test_a_static_cache_works_too(lost, architecture, masked):
    model, sublayers = masked(lost)
    fold(model)
    expected = written(model, architecture)
    compact(model, sublayers)
    assert_same(written(model, architecture, cache_implementation="static"), expected)


def test_a_copy_of_a_compact_model_writes_the_same(architecture, masked):
    model, sublayers = masked(LOST["self-attention of the first decoder layer"])
    fold(model)
    compact(model, sublayers)
    expected = written(model, architecture)
    again = copy.deepcopy(model)
    for parameter in model.parameters():
        parameter.data.zero_()
    assert_same(written(again, architecture), expected)


@pytest.mark.parametrize("architecture", READERS, indirect=True)
def test_scores_that_changed_show_in_what_the_encoder_reads(architecture, masked):
    """`generate` calls the encoder by itself, before the model."""
    model, _ = masked()
    encoder, batch = model.get_encoder(), inputs(architecture)
    before = encoder(input_ids=batch["input_ids"]).last_hidden_state
    for bank in model.masks.banks.values():
        bank.scores[0].data.neg_()
    assert not torch.allclose(encoder(input_ids=batch["input_ids"]).last_hidden_state, before, atol=1e-3)


def keys(heads, tokens):
    return torch.zeros(2, heads, tokens, 3)


def test_a_counting_layer_counts_tokens_without_heads():
    layer = CountingLayer.of(DynamicLayer())
    assert layer.get_seq_length() == 0
    layer.update(keys(0, 5), keys(0, 5))
    layer.update(keys(0, 1), keys(0, 1))
    assert (layer.get_seq_length(), DynamicLayer.get_seq_length(layer)) == (6, 0)
    layer.reorder_cache(torch.tensor([1, 1, 0]))
    assert layer.keys.shape == (3, 0, 6, 3)
    layer.crop(-2)
    assert layer.get_seq_length() == 4
    layer.reset()
    assert layer.get_seq_length() == 0


def test_a_counting_layer_holds_what_the_layer_held():
    layer = DynamicLayer()
    layer.update(keys(4, 5), keys(4, 5) + 1)
    counting = CountingLayer.of(layer)
    assert counting.get_seq_length() == 5
    assert counting.values.equal(layer.values)


@pytest.mark.parametrize("architecture", READERS, indirect=True)
def test_only_attentions_without_heads_change_the_cache(architecture, masked):
    for lost, expected in ((LOST["some"], DynamicLayer), (LOST["self-attention of the decoder"], CountingLayer)):
        model, sublayers = masked(lost)
        fold(model)
        structure = compact(model, sublayers)
        headless = any(not units for name, units in structure.kept.items() if name.endswith("self_attention"))
        assert headless == (expected is CountingLayer)
        cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
        model(**inputs(architecture), past_key_values=cache, use_cache=True)
        assert {type(layer) for layer in cache.self_attention_cache.layers} == {expected}
        assert cache.get_seq_length() == 5
