"""Where a report goes and in which format: suffixes, terminals, and who may read the file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from perfkit_command import CONSOLE_SCRIPT, Here, Terminal, program


@pytest.fixture
def recorded(here: Here) -> Here:
    ended = here.run(*program("computes.py"))
    assert ended.code == 0, ended.err
    return here


def test_the_suffix_of_the_file_decides_where_no_format_is_given(recorded: Here) -> None:
    beginnings = {
        "a.html": "<!doctype html>",
        "a.md": "### ",
        "a.json": '{\n  "schema": "perfkit.report/1"',
        "a.speedscope.json": '{"$schema": "https://www.speedscope.app',
        "a.collapsed": "<module> (",
        "a.folded": "<module> (",
    }
    for name, beginning in beginnings.items():
        assert recorded("report", "-o", name).code == 0
        assert (recorded.folder / name).read_text().startswith(beginning), name
    terminal = recorded("report").text
    recorded("report", "-o", "a.txt")
    assert (recorded.folder / "a.txt").read_text() == terminal


def test_a_format_that_is_given_wins_over_the_suffix(recorded: Here) -> None:
    recorded("report", "--format", "json", "-o", "a.html")
    assert json.loads((recorded.folder / "a.html").read_text())["schema"] == "perfkit.report/1"


def test_files_beside_a_recording_are_their_owners_alone(recorded: Here) -> None:
    (html,) = (path for path in (recorded.folder / ".perfkit").glob("*.html") if not path.is_symlink())
    assert html.stat().st_mode & 0o777 == 0o600
    recorded("report", "-o", ".perfkit/again.md")
    assert (recorded.folder / ".perfkit/again.md").stat().st_mode & 0o777 == 0o600
    recorded("report", "-o", "shared.md")
    assert (recorded.folder / "shared.md").stat().st_mode & 0o044 == 0o044


@pytest.mark.parametrize(("format", "suffix"), [("html", ".html"), ("speedscope", ".speedscope.json")])
def test_what_nobody_reads_on_a_terminal_becomes_a_file(
    recorded: Here, terminal: Callable[..., Terminal], format: str, suffix: str
) -> None:
    shown = terminal([str(CONSOLE_SCRIPT), "report", "--format", format], recorded.folder)
    assert shown.end() == 0
    (said,) = shown.shown.split("\r\n")[:-1]
    path = Path(said.removeprefix("perfkit  wrote "))
    assert path.parent == Path(".perfkit") and path.name.endswith(suffix)
    assert (recorded.folder / path).stat().st_size > 200


def test_the_list_stands_in_columns_under_a_head(recorded: Here) -> None:
    (recorded.folder / ".perfkit/torn.perfkit").write_text("nothing")
    head, *rows = recorded("list").text.splitlines()
    assert head.split() == ["RECORDING", "STARTED", "LENGTH", "SIZE", "COMMAND"]
    assert len(rows) == 2
    column = head.index("COMMAND")
    assert {row[column - 2 : column] for row in rows} == {"  "}
    assert sorted(row[column:][:14] for row in rows)[-1] == "cannot be read"


def test_the_help_ends_no_line_in_the_middle_of_a_sentence(here: Here) -> None:
    text = here("--help").text
    assert "Launch a command" in text
    assert "..." not in text.partition("Commands:")[2]


def test_progress_leaves_the_cursor_where_the_targets_next_line_begins(
    here: Here, terminal: Callable[..., Terminal]
) -> None:
    shown = terminal([str(CONSOLE_SCRIPT), "run", "-d", "2.5", "--", *program("endless.py")], here.folder)
    shown.read_until(r"perfkit  \d+ s · [^\r\x1b]*\x1b\[K\r")
    assert shown.end() == 0
