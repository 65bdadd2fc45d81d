"""Hook of MkDocs: README.md becomes the home page, and files of the repository that pages link to become pages.

So the pages link as they do on a code host, and `mkdocs build --strict` still finds every broken link.
"""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"(?<=\]\()(?!https?:|#)([^)#\s]+)")
"""The target of a link or an image, without its anchor."""
_LANGUAGES = {".py": "python", ".yaml": "yaml", ".json": "json", ".toml": "toml"}


def on_files(files: Files, config: Any) -> Files:
    """Adds the home page and a page for each linked file of the repository."""
    texts = {file.src_uri: file.content_string for file in files.documentation_pages()}
    texts["index.md"] = _moved((ROOT / "README.md").read_text("utf-8"))
    files.append(File.generated(config, "index.md", content=texts["index.md"]))
    for path in sorted({path for uri, text in texts.items() for path in _linked(uri, text)} - {"README.md"}):
        files.append(File.generated(config, _page_of(path), content=_content(path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Points links out of docs/ to the pages that were made for them."""
    uri = page.file.src_uri

    def replaced(match: re.Match[str]) -> str:
        path = _outside(uri, match[1])
        return match[1] if path is None else posixpath.relpath(_page_of(path), posixpath.dirname(uri))

    return LINK.sub(replaced, markdown)


def _moved(readme: str) -> str:
    """README.md as if it lay in docs/."""
    return LINK.sub(lambda match: os.path.relpath(ROOT / match[1], ROOT / "docs").replace(os.sep, "/"), readme)


def _linked(uri: str, text: str) -> set[str]:
    return {path for match in LINK.finditer(text) if (path := _outside(uri, match[1])) is not None}


def _outside(uri: str, target: str) -> str | None:
    """The file of the repository that a link from the page `uri` means, if it is one outside docs/."""
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(uri), target))
    if uri.startswith("source/") or path.startswith(("docs/", "..")) or not (ROOT / path).is_file():
        return None
    return path


def _page_of(path: str) -> str:
    return "index.md" if path == "README.md" else f"source/{path}.md"


def _content(path: str) -> str:
    text, language = (ROOT / path).read_text("utf-8"), _LANGUAGES.get(Path(path).suffix, "text")
    return f"# {path}\n\n``````{language}\n{text}``````\n"
