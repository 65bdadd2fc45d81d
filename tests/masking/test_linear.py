import pytest
import torch
import torch.nn.functional as F
from torch import nn

from prune.masking.linear import MaskedLinear, masked

ROWS, COLUMNS = 6, 8
TILES = {
    "element": (1, 1),
    "block": (2, 4),
    "row": (1, 8),
    "column": (6, 1),
    "head in": (2, 8),
    "head out": (6, 2),
    "all": (6, 8),
}
PARTS = ("inputs", "weight", "bias", "mask")
tiles = pytest.mark.parametrize("tile", TILES.values(), ids=TILES)
few_and_many_tokens = pytest.mark.parametrize("tokens", [1, 7, 20])  # below, between and above the sides of the weight


def expanded(mask):
    rows, columns = mask.shape
    return torch.kron(mask, torch.ones(ROWS // rows, COLUMNS // columns, dtype=mask.dtype))


def layer_of(tile, tokens=3, bias=True, dtype=torch.float64):
    """A layer with a random 0/1 mask whose first row of tiles is empty if there are others, and random inputs."""
    torch.manual_seed(0)
    layer = MaskedLinear.of(nn.Linear(COLUMNS, ROWS, bias=bias, dtype=dtype))
    mask = (torch.rand(ROWS // tile[0], COLUMNS // tile[1]) > 0.4).to(dtype)
    mask[0] = float(len(mask) == 1)
    mask[-1, 0], mask[-1, -1] = float(mask.numel() == 1), 1.0
    layer.set_mask(mask.requires_grad_(), expanded(mask.detach()).amax(1))
    return layer, torch.randn(1, tokens, COLUMNS, dtype=dtype, requires_grad=True)


def naive(layer, inputs):
    bias = None if layer.bias is None else layer.bias * layer.bias_mask
    return F.linear(inputs, layer.weight * expanded(layer.mask), bias)


def gradients(outputs, layer, inputs):
    torch.manual_seed(1)
    wanted = (inputs, layer.weight, layer.bias, layer.mask)
    return dict(zip(PARTS, torch.autograd.grad(outputs, wanted, torch.randn(outputs.shape).to(outputs)), strict=True))


@pytest.mark.parametrize("bias", [True, False])
@few_and_many_tokens
@tiles
def test_forward_is_a_linear_layer_with_masked_weight_and_bias(tile, tokens, bias):
    layer, inputs = layer_of(tile, tokens, bias)
    torch.testing.assert_close(layer(inputs), naive(layer, inputs))


@pytest.mark.parametrize("part", PARTS)
@few_and_many_tokens
@tiles
def test_gradients_equal_autograd(tile, tokens, part):
    layer, inputs = layer_of(tile, tokens)
    found = gradients(layer(inputs), layer, inputs)
    torch.testing.assert_close(found[part], gradients(naive(layer, inputs), layer, inputs)[part])
    assert found[part].abs().sum() > 0


@tiles
def test_gradient_of_a_grain_sums_over_its_weights_even_where_it_is_removed(tile):
    layer, inputs = layer_of(tile, bias=False)
    effective = (layer.weight * expanded(layer.mask)).detach().requires_grad_()
    F.linear(inputs, effective).pow(2).sum().backward()
    layer(inputs).pow(2).sum().backward()
    for k in range(ROWS // tile[0]):
        for m in range(COLUMNS // tile[1]):
            where = slice(k * tile[0], (k + 1) * tile[0]), slice(m * tile[1], (m + 1) * tile[1])
            torch.testing.assert_close(layer.mask.grad[k, m], (effective.grad[where] * layer.weight[where]).sum())


@few_and_many_tokens
@tiles
def test_gradients_equal_finite_differences_for_soft_masks(tile, tokens):
    layer, inputs = layer_of(tile, tokens)

    def outputs(inputs, weight, bias, mask):
        layer.set_mask(mask, layer.bias_mask)
        return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (inputs,))

    mask = torch.rand_like(layer.mask).requires_grad_()
    assert torch.autograd.gradcheck(outputs, (inputs, layer.weight, layer.bias, mask))


@tiles
def test_frozen_weights_leave_the_mask_its_gradient(tile):
    layer, inputs = layer_of(tile)
    expected = gradients(layer(inputs), layer, inputs)["mask"]
    layer.requires_grad_(False)
    torch.manual_seed(1)
    outputs = layer(inputs)
    found = torch.autograd.grad(outputs, layer.mask, torch.randn(outputs.shape).to(outputs))[0]
    torch.testing.assert_close(found, expected)


@few_and_many_tokens
@tiles
def test_autocast_computes_in_bfloat16_and_gives_float32_gradients(tile, tokens):
    layer, inputs = layer_of(tile, tokens, dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = layer(inputs)
    assert outputs.dtype == torch.bfloat16
    found, expected = gradients(outputs, layer, inputs), gradients(naive(layer, inputs), layer, inputs)
    for part in PARTS:
        assert found[part].dtype == torch.float32
        assert (found[part] - expected[part]).norm() < 0.02 * expected[part].norm()


@pytest.mark.parametrize("bias", [True, False])
@tiles
def test_unmasked_is_a_plain_layer_with_the_masks_multiplied_in(tile, bias):
    layer, inputs = layer_of(tile, bias=bias)
    before, weight = layer(inputs), layer.weight * expanded(layer.mask)
    plain = layer.unmasked()
    assert type(plain) is nn.Linear
    assert plain.weight.equal(weight)
    torch.testing.assert_close(plain(inputs), before)


def test_masked_layer_shares_the_parameters_of_the_linear_layer():
    linear = nn.Linear(COLUMNS, ROWS)
    layer = MaskedLinear.of(linear)
    assert layer.weight is linear.weight
    assert layer.bias is linear.bias
    assert list(layer.state_dict()) == ["weight", "bias"]


def test_masking_leaves_the_weight_as_it_is():
    weight = torch.ones(ROWS, COLUMNS)
    assert masked(weight, torch.zeros(3, 1, COLUMNS)).eq(0).all()
    assert weight.eq(1).all()
