"""Reads the documentation: its pages, their links, and the command lines and tables of settings that they show."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks/README.md"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", BENCHMARKS, *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]\n]*(?:\n[^\]\n]*)?\]\(([^)\s]+)\)")
_SHELLS = {"sh", "console", "bash", "shell"}


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> list[tuple[str, str]]:
    """(language, text) of every fenced block."""
    return [(found[1], found[2]) for found in _FENCE.finditer(page.read_text(encoding="utf-8"))]


def links(page: Path) -> list[str]:
    """Targets of links outside of code that lead to files or headings of the repository."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return [target for target in _LINK.findall(text) if not re.match(r"[a-z]+:", target)]


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub links to them."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def command_lines(page: Path) -> Iterator[list[str]]:
    """The words after `perfkit` of every perfkit call in shell blocks and in inline code of more than one word."""
    text = page.read_text(encoding="utf-8")
    for language, block in blocks(page):
        if language in _SHELLS:
            yield from _calls(block.replace("\\\n", " "), console=language == "console")
    if page == BENCHMARKS:
        return  # inline, its tables name what is compared (`perfkit run, entered`), not what is to be typed
    for inline in re.findall(r"`(perfkit [^`]+)`", _FENCE.sub("", text)):
        yield from _calls(" ".join(inline.split()), console=False)


def _calls(block: str, *, console: bool) -> Iterator[list[str]]:
    for line in block.splitlines():
        if console:
            if not line.startswith("$ "):
                continue
            line = line[2:]
        if "perfkit" in line:
            yield from _calls_of_line(line)


def _calls_of_line(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="&|;")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if set(word) <= set("&|;"):
            while words and (re.match(r"\w+=", words[0]) or words[0] in ("sudo", "time")):
                words.pop(0)
            if words and (words[0].rpartition("/")[2] == "perfkit" or words[0] == "$(command -v perfkit)"):
                yield words[1:]
            words = []
        else:
            words.append(word)
