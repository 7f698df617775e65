"""What the pages say can be followed: links lead somewhere, command lines parse, and the product speaks of itself only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from docs_reading import PAGES, ROOT, anchors, command_lines, links, name
from perfkit.cli import COMMANDS, build, is_subcommand

CALLS = [(name(page), words) for page in PAGES for words in command_lines(page)]
PARSED: Any = get_command(build([]))
UsageError: Any = typer.BadParameter.__base__  # unknown options and commands too; typer exports only this child of it


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_the_index_leads_to_every_page() -> None:
    index = ROOT / "docs/index.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}
    assert {page for page in PAGES if "docs" in page.parts and page != index} <= linked


def test_there_are_command_lines_to_check() -> None:
    assert len(CALLS) > 40
    assert {words[0] for _, words in CALLS if words} >= set(COMMANDS) - {"schema"}


@pytest.mark.parametrize(("page", "words"), CALLS, ids=[f"{page}: {' '.join(words)[:60]}" for page, words in CALLS])
def test_a_command_line_parses(page: str, words: list[str]) -> None:
    if words[0] in ("--version", "--help"):
        return
    inner = is_subcommand(words)
    parsed = get_command(build(words)).commands[words[0]] if inner else PARSED  # type: ignore[attr-defined]
    words = words[1:] if inner else words
    command = parsed.commands.get(words[0])
    assert command is not None, f"{page}: there is no perfkit {words[0]}"
    if words[1:] == ["--help"]:
        return
    try:
        command.make_context(words[0], list(words[1:]), resilient_parsing=_is_a_form(words))
    except UsageError as error:
        pytest.fail(f"{page}: perfkit {' '.join(words)}: {error.format_message()}")


def _is_a_form(words: list[str]) -> bool:
    """`perfkit doctor --pid PID` shows a form: what stands in capitals is not a value yet."""
    return len(words) == 1 or any(re.fullmatch(r"[A-Z|]+…?", word) for word in words)


_OF_THE_MAKING = re.compile(
    r"\bissue #?\d+|\bthis issue\b|\bshared/(?!lib)(?:facts|design|style|mockups)|\bmock-?ups?\b|\b(?:coding|agent|previous|later|this) sessions?\b"
    r"|\bAI[- ]generated\b|\bTODO\b|\bFIXME\b",
    re.IGNORECASE,
)
_PRODUCT = [
    *PAGES,
    ROOT / "noxfile.py",
    ROOT / ".ci/run",
    ROOT / "pyproject.toml",
    *(
        f
        for d in ("src", "tests", "examples", "benchmarks")
        for f in (ROOT / d).rglob("*")
        if f.suffix in (".py", ".md")
    ),
]


def test_the_product_speaks_of_itself_only() -> None:
    said = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in _PRODUCT
        if path != Path(__file__) and path.is_file()
        for found in _OF_THE_MAKING.finditer(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert said == []
