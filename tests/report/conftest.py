"""Figures are drawn once: the same description gives the same picture. One browser for the tests of a file."""

import json
from functools import lru_cache

import pytest
import vl_convert

from tests.report.browser import Browser


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


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A page of a browser; its tests skip where there is none."""
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()
