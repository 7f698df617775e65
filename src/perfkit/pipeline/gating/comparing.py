"""Comparing: two revisions are run and sampled one after the other; what changed between them goes out, and nothing is judged."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from perfkit.gate.revisions import named
from perfkit.gate.worktree import worktree
from perfkit.model.difference import Difference
from perfkit.model.target import Command
from perfkit.pipeline.diffing import diff
from perfkit.pipeline.gating.gate import GateOptions
from perfkit.pipeline.gating.sampling import sampled
from perfkit.pipeline.gating.sides import Side, both, moved


def diff_revisions(
    command: Command, after: str | None, options: GateOptions, say: Callable[[str], None] = lambda text: None
) -> Difference:
    """Of `options.baseline`, as it is and not as the work tree left it, and `after`; None is the work tree. `options.seconds` for
    each side of a server. Raises PerfkitError."""
    with tempfile.TemporaryDirectory(prefix="perfkit-diff-") as place, _sides(command, after, options, say) as sides:
        paths = []
        for side in sides:
            say(f"measuring {side.name}")
            paths.append(sampled(side, side.urls, Path(place), options.ready_timeout, options.seconds))
        return diff(paths[0], paths[1], options.silences)


@contextmanager
def _sides(
    command: Command, after: str | None, options: GateOptions, say: Callable[[str], None]
) -> Iterator[tuple[Side, Side]]:
    folder = Path(command.cwd)
    before = named(folder, options.baseline)
    with both(command, before, options.urls, options.ready, options.copied, options.environment, say) as sides:
        if after is None:
            yield sides
            return
        with worktree(named(folder, after), options.copied) as other:
            yield sides[0], moved(sides[1], before.root, other)
