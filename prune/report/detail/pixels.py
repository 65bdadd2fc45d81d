"""Where a matrix has weights left, as a small picture: one pixel for each block of it, or for each element.

The PNG is written here: that takes a few lines, where Pillow would be one more package, with decoders for files of any
origin.
"""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

REMOVED, ZERO, SPARSE, FULL = (255, 255, 255), (196, 196, 196), (198, 219, 239), (8, 69, 148)
"""Colours: units that are gone; cells of zeros; cells with few and with all of their weights."""
_LEVELS = 16
_HEAD = "data:image/png;base64,"
_START, _FORM = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", b"\x08\x02\0\0\0"
"""What a PNG file of ours begins with, and what stands after its size: 8 bits of each of three colours."""
_LARGEST = 1024


def picture(nonzero: NDArray[np.bool_], kept: NDArray[np.bool_], cell: tuple[int, int]) -> str:
    """The picture as a `data:` address.

    Args:
        nonzero: (rows, columns), where a weight is left and not zero.
        kept: (columns,), which columns are left.
        cell: Rows and columns of the matrix that make a pixel.
    """
    rows, columns = (np.arange(0, size, step) for size, step in zip(nonzero.shape, cell, strict=True))
    number = np.add.reduceat(np.add.reduceat(nonzero, rows, axis=0, dtype=np.int64), columns, axis=1)
    area = np.outer(np.diff(rows, append=nonzero.shape[0]), np.diff(columns, append=nonzero.shape[1]))
    levels = np.ceil(number / area * (_LEVELS - 1)).astype(np.int64)
    gone = ~np.logical_or.reduceat(kept, columns)
    pixels = _palette()[levels]
    pixels[:, gone] = REMOVED
    return _address(pixels)


def swatch(color: tuple[int, int, int]) -> str:
    """One pixel of a colour, for a legend."""
    return _address(np.array([[color]], dtype=np.uint8))


def is_picture(address: str) -> bool:
    """Whether `address` is such a picture: it holds a small PNG file, and asks for none."""
    if not address.startswith(_HEAD):
        return False
    try:
        content = base64.b64decode(address.removeprefix(_HEAD), validate=True)
        width, height = struct.unpack(">II", content[16:24])
    except (ValueError, struct.error):
        return False
    small = 0 < width <= _LARGEST and 0 < height <= _LARGEST
    return small and content.startswith(_START) and content[24:29] == _FORM


def _address(pixels: NDArray[np.uint8]) -> str:
    return _HEAD + base64.b64encode(_png(pixels)).decode()


def _palette() -> NDArray[np.uint8]:
    blues = np.linspace(SPARSE, FULL, _LEVELS - 1)
    return np.vstack([[ZERO], blues]).round().astype(np.uint8)


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG file of (height, width, 3) bytes."""
    height, width, _ = pixels.shape
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", head)
        + _chunk(b"IDAT", zlib.compress(lines, level=9))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
