"""The context that training computes in: number format, and which attention."""

import pytest
import torch
import torch.nn.functional as F

from prune.config.schema import Precision
from prune.training.precision import as_in_training

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("precision", "tokens", "fused"),
    [
        (Precision.float32, 16, True),
        (Precision.bfloat16, 16, False),
        (Precision.bfloat16, 128, False),
        (Precision.bfloat16, 129, True),
        (Precision.bfloat16, 0, True),
    ],
)
def test_plain_attention_is_taken_where_it_is_faster(precision, tokens, fused):
    query = torch.randn(2, 2, 8, 16, requires_grad=True)
    with as_in_training(precision, CPU, tokens):
        found = F.scaled_dot_product_attention(query, query, query)
    assert ("Flash" in type(found.grad_fn).__name__) == fused
    assert found.dtype == (torch.bfloat16 if precision is Precision.bfloat16 else torch.float32)


def test_both_kinds_of_attention_give_the_same():
    query = torch.randn(2, 2, 8, 16, requires_grad=True)
    found = []
    for tokens in (8, 0):
        with as_in_training(Precision.bfloat16, CPU, tokens):
            found.append(F.scaled_dot_product_attention(query, query, query))
    assert torch.allclose(*found, rtol=0.02, atol=0.02)
