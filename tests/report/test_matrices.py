"""What is left of each matrix, read off files: the same as the network itself says, for every architecture."""

import base64
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest

from prune.compaction import saved_model
from prune.compaction.depth import depth_of, shallower
from prune.compaction.structure import Structure
from prune.models.architecture import skeleton, sublayers_of
from prune.models.units import features_of
from prune.report.detail import matrices
from prune.report.detail.pixels import FULL, REMOVED, ZERO, picture
from tests.architectures import ARCHITECTURES, NO_TOKENIZER

ELEMENTS = {"attention": (1, 1), "feed_forward": (1, 1)}


def pixels(url):
    """(height, width, 3) of a picture."""
    content = base64.b64decode(url.removeprefix("data:image/png;base64,"))
    width, height = struct.unpack(">II", content[16:24])
    start = content.index(b"IDAT")
    size = int.from_bytes(content[start - 4 : start], "big")
    lines = np.frombuffer(zlib.decompress(content[start + 4 : start + 4 + size]), np.uint8)
    return lines.reshape(height, 1 + 3 * width)[:, 1:].reshape(height, width, 3)


def pruned(architecture, folder):
    """A tiny dense model and a pruned one, saved: its sublayers, and the units each of them keeps."""
    model = architecture.model()
    base = model.base_model
    sublayers = sublayers_of(skeleton(model.config))
    for sublayer in sublayers:
        for matrix in sublayer.matrices:
            matrix.weight(base).data[::3] = 0.0
    model.save_pretrained(folder / "dense")
    kept = {s.name: tuple(range(number % 2, s.num_units, 2)) for number, s in enumerate(sublayers)}
    kept[sublayers[0].name] = ()
    truth = {s.name: [_density(matrix, base, kept[s.name]) for matrix in s.matrices] for s in sublayers}
    structure = Structure(model.config.model_type, kept)
    structure.apply(base, sublayers)
    saved_model.save(model, structure, NO_TOKENIZER, folder / "model")
    return sublayers, kept, truth


def _density(matrix, base, units):
    weight = matrix.weight(base).detach()
    return (weight.index_select(matrix.unit_axis, features_of(matrix, units)) != 0).sum().item() / weight.numel()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_files_tell_what_the_network_holds(name, tmp_path):
    sublayers, kept, truth = pruned(ARCHITECTURES[name], tmp_path)
    for dense in (tmp_path / "dense", None):
        found = matrices.sublayers_of({"compact": tmp_path / "model"}, dense, ELEMENTS)
        by_name = {one.name: one for one in found}
        with_masks = matrices.masks_of(tmp_path / "model", dense, with_weights=True)
        assert [one for one, _ in with_masks] == [replace(one, matrices=[]) for one in found]
        masks = {one.name: of_one.values() for one, of_one in with_masks}
        assert set(by_name) == set(kept)
        for sublayer in sublayers:
            one = by_name[sublayer.name]
            assert (one.site, one.num_kept) == (sublayer.site, len(kept[sublayer.name]))
            assert [number for number, unit in enumerate(one.units()) if unit] == list(kept[sublayer.name])
            if dense:
                assert one.num_units == sublayer.num_units
                assert [m.density["compact"] for m in one.matrices] == pytest.approx(truth[sublayer.name])
                assert [(m.rows, m.columns) for m in one.matrices] == [(m.rows, m.columns) for m in sublayer.matrices]
                assert [mask.num_kept / mask.size for mask in masks[sublayer.name]] == pytest.approx(
                    truth[sublayer.name]
                )


def test_a_layer_left_out_has_no_units_and_no_matrices(make_bert, tmp_path):
    dense = make_bert(num_hidden_layers=3)
    dense.save_pretrained(tmp_path / "dense")
    depth = depth_of(dense.config, 0.67)
    model = shallower(dense, depth)
    sublayers = sublayers_of(skeleton(model.config))
    structure = Structure("bert", {s.name: tuple(range(s.num_units)) for s in sublayers}, depth)
    saved_model.save(model, structure, NO_TOKENIZER, tmp_path / "model")
    found = matrices.sublayers_of({"compact": tmp_path / "model"}, tmp_path / "dense", ELEMENTS)
    assert [(one.name.split(".")[2], one.num_kept, len(one.matrices)) for one in found if one.site == "attention"] == [
        ("0", 4, 4), ("1", 0, 0), ("2", 4, 4),
    ]  # fmt: skip


def test_a_folder_without_weights_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no weights"):
        matrices.sublayers_of({"compact": tmp_path}, None, ELEMENTS)


def test_a_pixel_is_a_block():
    nonzero = np.zeros((4, 6), dtype=bool)
    nonzero[:2, :2] = True
    nonzero[2, 2] = True
    found = pixels(picture(nonzero, np.array([1, 1, 1, 1, 0, 0], dtype=bool), (2, 2)))
    assert found.shape == (2, 3, 3)
    assert tuple(found[0, 0]) == FULL
    assert tuple(found[0, 1]) == tuple(found[1, 0]) == ZERO
    assert tuple(found[0, 2]) == tuple(found[1, 2]) == REMOVED
    assert tuple(found[1, 1]) not in (ZERO, FULL, REMOVED)


def test_one_weight_of_many_is_not_drawn_as_none():
    nonzero = np.zeros((100, 100), dtype=bool)
    nonzero[3, 3] = True
    assert tuple(pixels(picture(nonzero, np.ones(100, dtype=bool), (100, 100)))[0, 0]) != ZERO


def test_what_does_not_divide_is_drawn_to_its_end():
    found = pixels(picture(np.ones((5, 7), dtype=bool), np.ones(7, dtype=bool), (2, 3)))
    assert found.shape == (3, 3, 3)
    assert (found == FULL).all()
