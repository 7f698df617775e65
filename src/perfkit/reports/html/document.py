"""HTML report: a page's parts come in, the whole page goes out.

The page loads nothing. Its content security policy allows the one style sheet and the one script by their hashes, so that no
text from the target can become code. Without JavaScript everything but the flame graph is there.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

from perfkit.reports.html.markup import text


@dataclass(frozen=True, slots=True)
class Document:
    """`header` and `sections` are HTML, empty sections being left out; `titles` name those that the navigation leads to, by their
    id. `styles` and `scripts` are files of this folder, joined in their order."""

    title: str
    header: str
    sections: Sequence[str]
    titles: Mapping[str, str]
    version: str
    styles: Sequence[str] = ("style.css",)
    scripts: Sequence[str] = ("flame_graph.js", "flame.js")

    def html(self) -> str:
        """Deterministic: the same parts give the same bytes."""
        style, script = _resources(self.styles), _resources(self.scripts)
        main = "\n".join(part for part in self.sections if part)
        return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{text(self.title)} · perfkit</title>
<style>{style}</style>
</head>
<body>
{self.header}
{_navigation(self.titles, main)}
<main>
{main}
</main>
<footer><p class="quiet">perfkit {text(self.version)}</p></footer>
<script>{script}</script>
</body>
</html>
"""


def _resources(names: Sequence[str]) -> str:
    return "".join(files("perfkit.reports.html").joinpath(name).read_text("utf-8") for name in names)


def _policy(style: str, script: str) -> str:
    allowed = f"style-src {_source(style)}; script-src {_source(script)}"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _source(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


def _navigation(titles: Mapping[str, str], main: str) -> str:
    links = [f'<a href="#{name}">{title}</a>' for name, title in titles.items() if f'<section id="{name}"' in main]
    return f'<nav aria-label="Sections">{" ".join(links)}</nav>'
