"""Keeps what a report needs to be made again elsewhere: whose each sampled file is, and the text of the hot functions.

Runs once, when measuring has ended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

from perfkit.collectors.interface import Sink
from perfkit.collectors.target_files import content
from perfkit.model.recording import Frame, SourceFile, SourceText, StackTable
from perfkit.shared.functiontext import function_around
from perfkit.shared.origin import distribution_root

# A line below this share of all sampled time explains nothing, and its text is not kept.
LEAST_SHARE = 0.002
MOST_FUNCTIONS = 600
LARGEST_FILE = 2_000_000


def keep_sources(sink: Sink, seconds: Mapping[int, float], root: str = "") -> None:
    """Write the SourceFile of every sampled file, and the SourceText of the functions around hot lines. `seconds` is by
    stack of the sink's table, `root` the target's, where its files are not ours."""
    by_line = line_seconds(sink.stacks, seconds)
    installed = InstalledFiles()
    for file, origin in {frame.file: frame.origin for frame in sink.stacks.frames}.items():
        name, version = installed.distribution_of(file)
        sink.file(SourceFile(file, origin, name, version))
    total = max(by_line.values(), default=0.0)
    hot = [line for line, spent in by_line.items() if spent >= LEAST_SHARE * total and line[1] > 0]
    hot.sort(key=lambda line: -by_line[line])
    for source in function_texts(hot, root):
        sink.source(source)


def line_seconds(stacks: StackTable, seconds: Mapping[int, float]) -> Mapping[tuple[str, int], float]:
    """(file, line) → seconds of the samples that pass through it, a line counted once a stack."""
    by_line: defaultdict[tuple[str, int], float] = defaultdict(float)
    for stack, spent in seconds.items():
        for line in {_line(frame) for frame in stacks.expand(stack)}:
            by_line[line] += spent
    return by_line


def _line(frame: Frame) -> tuple[str, int]:
    return frame.file, frame.line


def function_texts(lines: Iterable[tuple[str, int]], root: str = "") -> Iterable[SourceText]:
    """The functions around lines, each once, hottest first; files that cannot be read are left out."""
    texts: dict[str, list[str] | None] = {}
    kept: dict[str, list[SourceText]] = defaultdict(list)
    count = 0
    for file, line in lines:
        if any(s.first_line <= line < s.first_line + s.text.count("\n") + 1 for s in kept[file]):
            continue
        if file not in texts:
            texts[file] = _read(file, root)
        text = texts[file]
        if text is None or line > len(text):
            continue
        first, last = function_around(text, line)
        source = SourceText(file, first, "\n".join(text[first - 1 : last]))
        kept[file].append(source)
        yield source
        count += 1
        if count >= MOST_FUNCTIONS:
            return


def _read(file: str, root: str) -> list[str] | None:
    if file.startswith("<") or Path(file).suffix in {".so", ".pyc"}:
        return None
    read = content(file, root, LARGEST_FILE)
    return None if read is None else read.decode("utf-8", "replace").splitlines()


class InstalledFiles:
    """Which distribution installed a file, from the metadata beside it in its own site-packages."""

    def __init__(self) -> None:
        self._folders: dict[str, Mapping[str, tuple[str, str]]] = {}

    def distribution_of(self, file: str) -> tuple[str | None, str | None]:
        """Name and version, or two None."""
        found = distribution_root(file)
        if found is None:
            return None, None
        folder, inside = found
        if folder not in self._folders:
            self._folders[folder] = _top_levels(folder)
        name, version = self._folders[folder].get(inside.split("/")[0], (None, None))
        return name, version


def _top_levels(folder: str) -> Mapping[str, tuple[str, str]]:
    """First path component below site-packages → distribution."""
    found: dict[str, tuple[str, str]] = {}
    for distribution in distributions(path=[folder]):
        try:
            name, version = distribution.metadata["Name"], distribution.version
            for top in _top_level_of(distribution):
                found.setdefault(top, (name, version))
        except (OSError, KeyError, ValueError, TypeError):
            continue  # broken metadata of one package says nothing about the others
    return found


def _top_level_of(distribution: Distribution) -> set[str]:
    listed = distribution.read_text("top_level.txt")
    tops = {name.split("/")[0] for name in listed.split()} if listed else set()
    record = distribution.read_text("RECORD") or ""
    tops.update(line.split("/", 1)[0].split(",", 1)[0] for line in record.splitlines() if line)
    return {top for top in tops if top and not top.endswith((".dist-info", ".egg-info")) and top != ".."}
