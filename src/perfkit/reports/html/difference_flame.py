"""HTML report: trees of two sides come in, the differential flame graph's markup and its data block go out.

The payload is columnar as that of `flame`, with depth, name, baseline, current and error of all trees one behind the other, in
billionths of `seconds` of their tree; the JSON behind it is `{"names": [[function, file, origin], …], "trees": [{"begin", "end",
"seconds", "least"}, …]}`. What reads it is `flame_graph.js` with `flame_difference.js`.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from perfkit.model.difference import DifferenceTree, Per
from perfkit.model.recording import Frame
from perfkit.reports.html.flame import WHOLE, pack
from perfkit.reports.html.markup import text
from perfkit.reports.labels import shown
from perfkit.reports.relative import Paths
from perfkit.reports.visible import visible

# Of a name or a file, in characters.
_LONGEST = 200
_LIMIT = 2**32 - 1
PER = {"request": " per request", "run": "", "second": " per second"}
_LEGEND = (
    (("slower-3", "slower-2", "slower-1"), "slower: by 20%, by 5%, by 1% of all time or more"),
    (("faster-3", "faster-2", "faster-1"), "faster by as much"),
    (("root",), "no change larger than chance"),
)


def flame(trees: Sequence[tuple[str, DifferenceTree]], per: Per) -> str:
    """Hidden until the script has drawn it: without JavaScript the tables stand alone. A tree comes with what it is of."""
    trees = [(label, tree) for label, tree in trees if max(tree.baseline[0], tree.current[0]) > 0]
    if not trees:
        return ""
    return f"""<div id="flame" data-per="{text(PER[per])}" hidden>
<div class="tools">{_choice([label for label, _ in trees])}
<fieldset><legend>Widths are the time</legend>
<label><input type="radio" name="flame-side" value="current" checked> after</label>
<label><input type="radio" name="flame-side" value="baseline"> before</label></fieldset></div>
<div class="tools"><label for="flame-search">Find a function, file or statement</label>
<input id="flame-search" type="search" placeholder="press / to search" autocomplete="off" spellcheck="false">
<button id="flame-reset" type="button">Reset zoom</button></div>
<p class="quiet" id="flame-help">Colour is what changed. Click or Enter zooms, arrow keys move, Esc resets. What is gone has a
width before, and what is new after.</p>
<ul class="legend">{_legend()}</ul>
<canvas id="flame-canvas" tabindex="0" role="application" aria-label="Flame graph of what changed"
 aria-describedby="flame-help"></canvas>
<p id="flame-line" class="quiet">&nbsp;</p>
<p id="flame-status" class="unseen" role="status"></p>
</div>
<script id="flame-data" type="application/octet-stream;base64">{payload(trees)}</script>"""


def _choice(labels: Sequence[str]) -> str:
    if len(labels) < 2:
        return ""
    options = "".join(f'<option value="{number}">{text(label)}</option>' for number, label in enumerate(labels))
    return f'<label for="flame-tree">Of</label>\n<select id="flame-tree" autocomplete="off">{options}</select>'


def _legend() -> str:
    return "".join(f"<li>{''.join(map(_swatch, shades))}{words}</li>" for shades, words in _LEGEND)


def _swatch(shade: str) -> str:
    return f'<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true"><rect class="shade-{shade}" width="10" height="10"/></svg>'


def payload(trees: Sequence[tuple[str, DifferenceTree]]) -> str:
    """The data block. The same trees give the same bytes."""
    columns = [array("I") for _ in range(5)]
    names: dict[tuple[str, str, str], int] = {}
    parts = []
    for label, tree in trees:
        begin = len(columns[0])
        seconds = max(tree.baseline[0], tree.current[0])
        named = [(f"({_short(label)})", "", ""), *map(_name, tree.names[1:])]
        numbers = [names.setdefault(name, len(names)) for name in named]
        columns[0].extend(iter(tree.depth))
        columns[1].extend(numbers[name] for name in tree.name)
        for column, values in zip(columns[2:], (tree.baseline, tree.current, tree.error), strict=True):
            column.extend(min(_LIMIT, round(value / seconds * WHOLE)) for value in values)
        parts.append({"begin": begin, "end": len(columns[0]), "seconds": seconds, "least": tree.least})
    return pack(columns, {"names": list(names), "trees": parts})


def _name(frame: Frame) -> tuple[str, str, str]:
    found = shown(frame, Paths(()))
    return ("", "", "") if found is None else (_short(found.name), _short(found.file), found.origin)


def _short(value: str) -> str:
    value = visible(value)
    return value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"
