"""HTML report: measured stacks come in, the flame graph's markup and its data block go out.

The payload is columnar, little-endian Uint32: `n`, then `n` each of depth, name, self and total (preorder, weights in
billionths of the whole), then UTF-8 JSON `{"seconds", "names": [[function, file, origin], …]}`; gzip, base64. What reads it is
`flame_graph.js` with `flame.js`.
"""

from __future__ import annotations

import json
import sys
from array import array
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from gzip import compress

from perfkit.model.analysis import Analysis
from perfkit.reports import phrases
from perfkit.reports.html.markup import text
from perfkit.reports.relative import Paths
from perfkit.reports.stacks import Frames
from perfkit.reports.visible import visible

WHOLE = 1_000_000_000
CUT = WHOLE // 10_000  # nodes below 0.01 % of the whole are not drawn
ROOT = {"server": "(all requests)", "script": "(all)"}
ORIGINS = (
    ("route", "Endpoints"),
    ("app", "Your code"),
    ("library", "Libraries"),
    ("stdlib", "Standard library"),
    ("native", "Native"),
    ("database", "Database"),
    ("waiting", "Waiting"),
)
ALWAYS = {"app", "library", "stdlib"}

Name = tuple[str, str, str]


@dataclass(slots=True)
class Tree:
    """Merged frames. Node 0 is the root; parents come before their children."""

    names: dict[Name, int] = field(default_factory=dict)
    parent: array[int] = field(default_factory=lambda: array("l", [0]))
    name: array[int] = field(default_factory=lambda: array("l", [0]))
    self_seconds: array[float] = field(default_factory=lambda: array("d", [0.0]))

    def add(self, parent: int, name: int) -> int:
        self.parent.append(parent)
        self.name.append(name)
        self.self_seconds.append(0.0)
        return len(self.parent) - 1


def flame(analysis: Analysis, paths: Paths) -> str:
    """Hidden until the script has drawn it: without JavaScript the table beside it stands alone."""
    if not analysis.times:
        return ""
    tree = _merge(analysis, paths)
    columns = _preorder(tree)
    names = list(tree.names)
    used = ALWAYS | {names[name][2] for name in set(columns[1])}
    legend = "".join(
        f'<li><svg class="swatch" viewBox="0 0 10 10" aria-hidden="true"><rect class="origin-{origin}" width="10" '
        f'height="10"/></svg>{label}</li>'
        for origin, label in ORIGINS
        if origin in used
    )
    word = phrases.time_word(analysis)
    return f"""<div id="flame" data-word="{text(word)}" hidden>
<div class="tools"><label for="flame-search">Find a function, file or statement</label>
<input id="flame-search" type="search" placeholder="press / to search" autocomplete="off" spellcheck="false">
<button id="flame-reset" type="button">Reset zoom</button></div>
<p class="quiet" id="flame-help">Width is time. Click or Enter zooms, arrow keys move, Esc resets.</p>
<ul class="legend">{legend}</ul>
<canvas id="flame-canvas" tabindex="0" role="application" aria-label="Flame graph of {text(word)}"
 aria-describedby="flame-help"></canvas>
<p id="flame-line" class="quiet">&nbsp;</p>
<p id="flame-status" class="unseen" role="status"></p>
</div>
<script id="flame-data" type="application/octet-stream;base64">{_packed(tree, columns)}</script>"""


def payload(analysis: Analysis, paths: Paths) -> str:
    """The data block. The same analysis gives the same bytes."""
    tree = _merge(analysis, paths)
    return _packed(tree, _preorder(tree))


def _packed(tree: Tree, columns: list[array[int]]) -> str:
    used = sorted(set(columns[1]))
    number = {name: i for i, name in enumerate(used)}
    depth, name, own, total = columns
    names = list(tree.names)
    meta = {"seconds": sum(tree.self_seconds), "names": [names[i] for i in used]}
    return pack([depth, array("I", [number[i] for i in name]), own, total], meta)


def pack(columns: Sequence[array[int]], meta: Mapping[str, object]) -> str:
    """Columns of one length, and what JSON says beside them."""
    raw = array("I", [len(columns[0])])
    for column in columns:
        raw.extend(column)
    if sys.byteorder == "big":
        raw.byteswap()
    tail = json.dumps(meta, separators=(",", ":"), allow_nan=False).encode()
    return b64encode(compress(raw.tobytes() + tail, 9, mtime=0)).decode()


def _merge(analysis: Analysis, paths: Paths) -> Tree:
    """One node per name and level; the lines of a function fall together."""
    tree = Tree()
    tree.names[(ROOT[analysis.kind], "", "")] = 0
    stacks = analysis.stacks
    frames = Frames(stacks, paths)
    names = [
        tree.names.setdefault((visible(f.name), visible(f.file), f.origin), len(tree.names)) if f else -1
        for f in frames.shown
    ]
    children: dict[tuple[int, int], int] = {}
    nodes = array("l", [0])
    for stack in range(1, len(stacks)):
        leaf = stacks.leaves[stack]
        node = 0 if frames.begins[leaf] else nodes[stacks.parents[stack]]
        if names[leaf] >= 0:
            key = (node, names[leaf])
            found = children.get(key)
            node = children[key] = tree.add(*key) if found is None else found
        nodes.append(node)
    for time in analysis.times:
        tree.self_seconds[nodes[time.stack]] += time.seconds
    return tree


def _preorder(tree: Tree) -> list[array[int]]:
    """Columns depth, name, self, total; siblings from heavy to light, cut nodes left out."""
    totals = array("d", tree.self_seconds)
    for node in range(len(totals) - 1, 0, -1):
        totals[tree.parent[node]] += totals[node]
    scale = WHOLE / totals[0] if totals[0] > 0 else 0.0
    children: dict[int, list[int]] = {}
    for node in range(1, len(totals)):
        if totals[node] * scale >= CUT:
            children.setdefault(tree.parent[node], []).append(node)
    depth, name, self_weight, total_weight = columns = [array("I") for _ in range(4)]
    pending = [(0, 0)]
    while pending:
        node, level = pending.pop()
        depth.append(level)
        name.append(tree.name[node])
        self_weight.append(round(tree.self_seconds[node] * scale))
        total_weight.append(round(totals[node] * scale))
        pending += [(child, level + 1) for child in sorted(children.get(node, ()), key=lambda c: totals[c])]
    return columns
