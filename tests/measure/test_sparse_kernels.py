"""Kernels for sparse matrices: right results, and verdicts that follow from times."""

import pytest
import torch

from prune.cli import main
from prune.measure import sparse_kernels
from prune.measure.sparse_kernels import KernelTiming, compare_kernels, shape_of_layers

SHAPE = (96, 64)


@pytest.fixture(scope="module")
def timings():
    found = list(compare_kernels(SHAPE, (0.5, 0.25), tokens=32, pairs=2))
    return {(one.kernel, one.density): one for one in found}


def test_every_kernel_is_timed_or_says_why_not(timings):
    for one in timings.values():
        assert (one.speedup is None) == one.verdict.startswith("not here: ")


@pytest.mark.parametrize("density", [0.5, 0.25])
def test_block_sparse_products_are_exact(density, timings):
    one = timings["BSR 32 x 32", density]
    assert one.error is None or one.error < 1e-5


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_two_of_four_needs_a_gpu_and_one_density(timings):
    assert timings["2 of 4", 0.5].verdict == "not here: torch's kernels for it need a GPU"
    assert ("2 of 4", 0.25) not in timings


def test_a_matrix_that_blocks_do_not_divide_is_left_out():
    (one,) = (one for one in compare_kernels((50, 64), (0.5,), tokens=8, pairs=2) if one.kernel.startswith("BSR"))
    assert one.verdict == "not here: 50 x 64 is no multiple of 32 x 32"


@pytest.mark.parametrize("density", [0.5, 0.25])
def test_blocks_are_left_whole_and_as_many_as_asked(density):
    mask = sparse_kernels._blocks(torch.zeros(64, 64), (32, 16), density)
    blocks = mask.reshape(2, 32, 4, 16).permute(0, 2, 1, 3).flatten(2)
    assert set(blocks.mean(-1).flatten().tolist()) <= {0.0, 1.0}
    assert mask.mean() == density


@pytest.mark.parametrize(
    ("kernel", "speedup", "error", "verdict"),
    [
        ("BSR", 4.5, 0.0, "pays: faster than compaction to as many weights"),
        ("BSR", 3.9, 0.0, "as fast as compaction to as many weights"),
        ("BSR", 2.0, 0.0, "compaction is 2.0 times as fast"),
        ("int8, blocks", 9.0, 12.0, "wrong result"),
        ("int8, blocks", 9.0, 0.5, "pays: faster than compaction to as many weights"),
    ],
)
def test_verdicts_by_hand(kernel, speedup, error, verdict):
    compacted = KernelTiming("compaction", 0.25, 1.0, 4.0, 0.0)
    assert sparse_kernels._judged(KernelTiming(kernel, 0.25, 1.0, speedup, error), compacted).verdict == verdict


def test_the_layers_are_those_of_the_model():
    assert shape_of_layers(None) == (3072, 768)
    assert shape_of_layers("pkg://demo/model")[0] > 0


def test_the_command_draws_a_table(monkeypatch, capsys):
    monkeypatch.setattr(sparse_kernels, "compare_kernels", lambda _: [KernelTiming("BSR", 0.5, 2.0, 0.8, 0.0, "slow")])
    main.main(["bench", "sparse"])
    shown = capsys.readouterr().out
    assert "3072 x 768" in shown
    assert "0.80x" in shown


def test_bench_names_what_there_is(capsys):
    for words in (["bench"], ["bench", "nothing"]):
        with pytest.raises(SystemExit) as end:
            main.main(words)
        assert end.value.code == 2
        said = " ".join(capsys.readouterr().err.split())
        assert "prune bench published or prune bench runtimes or prune bench sparse" in said
