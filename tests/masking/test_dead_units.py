"""A head or dimension with one empty slice is dead: all its slices and biases are masked."""

import pytest
import torch

REMOVED, KEPT = -9.0, 9.0
BLOCKS = [(1, 1), (2, 2), (4, 4), (8, 8), (8, 2), (2, 8), (16, 4), (4, 16), (8, 4), (4, 8), (16, 16), (1, 4), (8, 1)]


def expanded(mask, matrix):
    rows, columns = mask.shape
    return torch.kron(mask.detach(), torch.ones(matrix.rows // rows, matrix.columns // columns))


def left_of(layer, by_column=False):
    """1 where a weight is not masked, column by column or row by row as columns say, and where a bias is not."""
    weight, bias = (one.ne(0).float() for one in layer.masked)
    return (weight if by_column else weight.t()).tolist(), bias.tolist()


def without_dead_units(masks, sublayer):
    """Full masks of one sublayer after the rule of dead units, unit by unit."""
    masks = [mask.clone() for mask in masks]
    for unit in range(sublayer.num_units):
        slices = []
        for mask, matrix in zip(masks, sublayer.matrices, strict=True):
            features = slice(unit * matrix.unit_size, (unit + 1) * matrix.unit_size)
            slices.append(mask[features] if matrix.unit_axis == 0 else mask[:, features])
        if any(part.eq(0).all() for part in slices):
            for part in slices:
                part.zero_()
    return masks


def check_against_naive(masks):
    for bank in masks.banks.values():
        own = [(torch.sigmoid(scores) > bank.threshold).float() for scores in bank.scores]
        for index, sublayer in enumerate(bank.sublayers):
            full = [expanded(one[index], m) for one, m in zip(own, sublayer.matrices, strict=True)]
            expected = without_dead_units(full, sublayer)
            for mask, matrix, wanted in zip(bank.masks, sublayer.matrices, expected, strict=True):
                assert expanded(mask[index], matrix).equal(wanted)


def empty_slices(masks):
    """Empties the query of head 0, the output of head 2, the first row of up and the last column of down."""
    attention, feed_forward = (bank.scores for bank in masks.banks.values())
    for scores, rows in ((attention[0], 16), (feed_forward[0], 24)):
        scores.data[:, : max(1, (4 if rows == 16 else 1) * scores.shape[1] // rows)] = REMOVED
    width = attention[3].shape[2]
    attention[3].data[:, :, width // 2 : width // 2 + max(1, width // 4)] = REMOVED
    feed_forward[1].data[:, :, -1:] = REMOVED


@pytest.mark.parametrize("block", [block for block in BLOCKS if 24 % block[0] == 0 and 24 % block[1] == 0])
def test_dead_units_are_masked_in_all_matrices_for_any_block(block, make_bert, mask, shuffle):
    masks = mask(make_bert(), grain="block", block=block, threshold=0.5)
    shuffle(masks, mean=1.0)
    empty_slices(masks)
    masks.advance(1.0)
    masks.refresh()
    check_against_naive(masks)


@pytest.mark.parametrize(
    "block", [(16, 4), (4, 16), (16, 16), (6, 6), (12, 8), (8, 12), (6, 16), (3, 3), (48, 2), (2, 48)]
)
@pytest.mark.parametrize("seed", [0, 1])
def test_dead_units_are_masked_where_blocks_and_heads_do_not_divide_each_other(block, seed, make_bert, mask, shuffle):
    model = make_bert(hidden_size=48, num_attention_heads=12, intermediate_size=48, num_hidden_layers=1)
    masks = mask(model, grain="block", block=block, threshold=0.5)
    shuffle(masks, seed=seed)
    masks.advance(1.0)
    masks.refresh()
    check_against_naive(masks)


@pytest.mark.parametrize("grain", ["element", "row", "column"])
def test_dead_units_are_masked_for_other_grains(grain, make_bert, mask, shuffle):
    masks = mask(make_bert(), grain=grain, threshold=0.5)
    shuffle(masks)
    if grain == "element":
        empty_slices(masks)
    masks.advance(1.0)
    masks.refresh()
    check_against_naive(masks)


@pytest.mark.parametrize(("block", "dead"), [((2, 2), [0]), ((4, 4), [0]), ((8, 8), [0, 1])])
def test_a_head_without_query_loses_key_value_output_and_biases(block, dead, make_bert, mask):
    model = make_bert()
    masks = mask(model, grain="block", block=block)
    for bank in masks.banks.values():
        for scores in bank.scores:
            scores.data.fill_(KEPT)
    masks.banks["attention"].scores[0].data[0, : max(1, 4 // block[0])] = REMOVED
    masks.advance(1.0)
    masks.refresh()
    rows = [float(unit // 4 not in dead) for unit in range(16)]
    first, second = (layer.attention for layer in model.bert.encoder.layer)
    for linear in (first.self.query, first.self.key, first.self.value):
        assert left_of(linear) == ([rows] * 16, rows)
    assert left_of(first.output.dense, by_column=True) == ([rows] * 16, [1.0] * 16)
    assert left_of(second.self.key) == ([[1.0] * 16] * 16, [1.0] * 16)


@pytest.mark.parametrize("index", range(4))
def test_any_empty_slice_kills_a_head(index, make_bert, mask):
    masks = mask(make_bert(), grain="block", block=(4, 4))
    bank = masks.banks["attention"]
    for scores in bank.scores:
        scores.data.fill_(KEPT)
    bank.scores[index].data[(1, 2) if index < 3 else (1, slice(None), 2)] = REMOVED
    masks.advance(1.0)
    masks.refresh()
    units = [
        one[1].amax(1 if matrix.unit_axis == 0 else 0) for one, matrix in zip(bank.masks, bank.matrices, strict=True)
    ]
    assert [unit.tolist() for unit in units] == [[1, 1, 0, 1]] * 4


def test_a_half_empty_query_kills_nothing(make_bert, mask):
    masks = mask(make_bert(), grain="block", block=(2, 2))
    bank = masks.banks["attention"]
    for scores in bank.scores:
        scores.data.fill_(KEPT)
    bank.scores[0].data[:, 0] = REMOVED
    masks.advance(1.0)
    masks.refresh()
    assert [int(one.eq(0).sum()) for one in bank.masks] == [2 * 8, 0, 0, 0]


def test_bias_is_masked_exactly_where_the_whole_row_is(make_bert, mask):
    model = make_bert()
    masks = mask(model)
    for scores in masks.parameters():
        scores.data.fill_(KEPT)
    output = masks.banks["attention"].scores[3].data
    output[0, 3] = REMOVED
    output[0, 5, 1:] = REMOVED
    masks.advance(1.0)
    masks.refresh()
    layer = model.bert.encoder.layer[0].attention.output.dense
    assert left_of(layer)[1] == [float(row != 3) for row in range(16)]
    outputs = layer(torch.randn(2, 16))
    assert outputs[:, 3].eq(0).all()
    assert outputs[:, [0, 5]].ne(0).all()
