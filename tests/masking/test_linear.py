import pytest
import torch
import torch.nn.functional as F
from torch import nn

from prune.masking.linear import MaskedLinear, mask_together

LAYERS, ROWS, COLUMNS = 2, 6, 8
TILES = {
    "element": (1, 1),
    "block": (2, 4),
    "row": (1, 8),
    "column": (6, 1),
    "head in": (2, 8),
    "head out": (6, 2),
    "all": (6, 8),
}
tiles = pytest.mark.parametrize("tile", TILES.values(), ids=TILES)


def expanded(masks):
    """One number per weight (L, R, C)."""
    rows, columns = masks.shape[1:]
    ones = torch.ones(ROWS // rows, COLUMNS // columns, dtype=masks.dtype)
    return torch.stack([torch.kron(mask, ones) for mask in masks])


def layers_of(tile, bias=True, dtype=torch.float64):
    """Layers, random 0/1 masks whose first row of tiles is empty if there are others, and random inputs."""
    torch.manual_seed(0)
    layers = [MaskedLinear.of(nn.Linear(COLUMNS, ROWS, bias=bias, dtype=dtype)) for _ in range(LAYERS)]
    masks = (torch.rand(LAYERS, ROWS // tile[0], COLUMNS // tile[1]) > 0.4).to(dtype)
    masks[:, 0] = float(masks.shape[1] == 1)
    masks[:, -1, 0], masks[:, -1, -1] = float(masks[0].numel() == 1), 1.0
    masks.requires_grad_()
    mask_together(layers, masks)
    return layers, masks, torch.randn(LAYERS, 3, COLUMNS, dtype=dtype, requires_grad=True)


def outputs_of(layers, inputs):
    return torch.stack([layer(one) for layer, one in zip(layers, inputs, strict=True)])


def naive(layers, masks, inputs):
    """By multiplication; a bias counts where the row of its weight has any weight left."""
    outputs = []
    for layer, mask, one in zip(layers, expanded(masks), inputs, strict=True):
        bias = None if layer.bias is None else layer.bias * mask.detach().amax(1)
        outputs.append(F.linear(one, layer.weight * mask, bias))
    return torch.stack(outputs)


def gradients(outputs, layers, masks, inputs):
    torch.manual_seed(1)
    parameters = {f"{place}.{name}": p for place, layer in enumerate(layers) for name, p in layer.named_parameters()}
    wanted = {"inputs": inputs, "masks": masks} | parameters
    found = torch.autograd.grad(outputs, list(wanted.values()), torch.randn(outputs.shape).to(outputs))
    return dict(zip(wanted, found, strict=True))


@pytest.mark.parametrize("bias", [True, False])
@tiles
def test_forward_is_a_linear_layer_with_masked_weight_and_bias(tile, bias):
    layers, masks, inputs = layers_of(tile, bias)
    torch.testing.assert_close(outputs_of(layers, inputs), naive(layers, masks, inputs))


@pytest.mark.parametrize("bias", [True, False])
@tiles
def test_gradients_equal_autograd(tile, bias):
    layers, masks, inputs = layers_of(tile, bias)
    found = gradients(outputs_of(layers, inputs), layers, masks, inputs)
    expected = gradients(naive(layers, masks, inputs), layers, masks, inputs)
    assert found.keys() == expected.keys()
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, expected[name])
        assert gradient.abs().sum() > 0


@tiles
def test_gradient_of_a_grain_sums_over_its_weights_even_where_it_is_removed(tile):
    layers, masks, inputs = layers_of(tile, bias=False)
    effective = torch.stack([layer.weight for layer in layers]).mul(expanded(masks)).detach().requires_grad_()
    (inputs @ effective.mT).pow(2).sum().backward()
    outputs_of(layers, inputs).pow(2).sum().backward()
    terms = effective.grad * torch.stack([layer.weight for layer in layers])
    for k in range(ROWS // tile[0]):
        for m in range(COLUMNS // tile[1]):
            where = ..., slice(k * tile[0], (k + 1) * tile[0]), slice(m * tile[1], (m + 1) * tile[1])
            torch.testing.assert_close(masks.grad[:, k, m], terms[where].sum((1, 2)))


@tiles
def test_gradients_equal_finite_differences_for_soft_masks(tile):
    layers, masks, inputs = layers_of(tile, bias=False)

    def outputs(inputs, masks, *weights):
        for layer, weight in zip(layers, weights, strict=True):
            del layer.weight  # a parameter; from here on what finite differences put there
            layer.weight = weight
        mask_together(layers, masks)
        return outputs_of(layers, inputs)

    weights = [layer.weight.detach().clone().requires_grad_() for layer in layers]
    soft = torch.rand_like(masks).requires_grad_()
    assert torch.autograd.gradcheck(outputs, (inputs, soft, *weights))


@tiles
def test_frozen_weights_leave_the_mask_its_gradient(tile):
    layers, masks, inputs = layers_of(tile)
    expected = gradients(outputs_of(layers, inputs), layers, masks, inputs)["masks"]
    for layer in layers:
        layer.requires_grad_(False)
    mask_together(layers, masks)
    torch.manual_seed(1)
    outputs = outputs_of(layers, inputs)
    found = torch.autograd.grad(outputs, masks, torch.randn(outputs.shape).to(outputs))[0]
    torch.testing.assert_close(found, expected)


@tiles
def test_fixed_masks_leave_the_weights_their_gradients(tile):
    layers, masks, inputs = layers_of(tile)
    expected = gradients(outputs_of(layers, inputs), layers, masks, inputs)
    mask_together(layers, masks.detach())
    torch.manual_seed(1)
    outputs = outputs_of(layers, inputs)
    found = torch.autograd.grad(outputs, layers[0].weight, torch.randn(outputs.shape).to(outputs))[0]
    torch.testing.assert_close(found, expected["0.weight"])


@tiles
def test_autocast_computes_in_bfloat16_and_gives_float32_gradients(tile):
    layers, masks, inputs = layers_of(tile, dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mask_together(layers, masks)
        outputs = outputs_of(layers, inputs)
    assert outputs.dtype == torch.bfloat16
    assert {one.dtype for layer in layers for one in layer.masked} == {torch.bfloat16}
    found, expected = (gradients(one, layers, masks, inputs) for one in (outputs, naive(layers, masks, inputs)))
    for name, gradient in found.items():
        assert gradient.dtype == torch.float32
        assert (gradient - expected[name]).norm() < 0.02 * expected[name].norm()


@pytest.mark.parametrize("bias", [True, False])
@tiles
def test_unmasked_is_a_plain_layer_with_the_masks_multiplied_in(tile, bias):
    layers, masks, inputs = layers_of(tile, bias=bias)
    before, weight = layers[1](inputs[1]), layers[1].weight * expanded(masks)[1]
    plain = layers[1].unmasked()
    assert type(plain) is nn.Linear
    assert plain.weight.equal(weight)
    torch.testing.assert_close(plain(inputs[1]), before)


def test_masked_layer_shares_the_parameters_of_the_linear_layer():
    linear = nn.Linear(COLUMNS, ROWS)
    layer = MaskedLinear.of(linear)
    assert layer.weight is linear.weight
    assert layer.bias is linear.bias
    assert list(layer.state_dict()) == ["weight", "bias"]


def test_masking_leaves_weights_and_biases_as_they_are():
    layer = MaskedLinear.of(nn.Linear(COLUMNS, ROWS))
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    mask_together([layer], torch.zeros(1, 3, 1))
    assert all(one.eq(0).all() for one in layer.masked)
    assert all(value.equal(before[name]) for name, value in layer.state_dict().items())
