"""Figures are drawn once: the same description gives the same picture."""

import json
from functools import lru_cache

import pytest
import vl_convert


def _once(draw):
    """`draw` for descriptions and texts, each of which is drawn once."""

    @lru_cache(maxsize=512)
    def drawn(text, options):
        return draw(json.loads(text), **dict(options))

    return lambda content, **options: drawn(json.dumps(content), tuple(options.items()))


@pytest.fixture(scope="session", autouse=True)
def drawn_once():
    """Drawing takes most of the time of a test that writes a page or a card."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("vegalite_to_svg", "vega_to_svg", "svg_to_png"):
            patch.setattr(vl_convert, name, _once(getattr(vl_convert, name)))
        yield
