"""Blame in a real repository: which commit touched a line, which lines changed, and what stands around them."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_repositories import Repository
from perfkit.gate.blame import changed_functions, changed_lines, hunk, since
from perfkit.gate.revisions import Revision, baseline
from perfkit.model.finding import Place

OLD = """import os


def quick():
    return 1


def orders(n):
    found = []
    for one in range(n):
        found.append(ask(one))
    return found


TABLE = [
    1,
    2,
]
"""
NEW = OLD.replace("range(n)", "range(2 * n)").replace("    2,", "    3,")


@pytest.fixture
def revision(tmp_path: Path) -> Revision:
    repository = Repository(tmp_path)
    repository.commit("Old", shop__py=OLD)
    repository.git("checkout", "-q", "-b", "feature")
    repository.commit("Twice\nwith a body", shop__py=NEW)
    return baseline(repository.folder, "main")


def _at(revision: Revision, line: int, file: str = "shop.py") -> Place:
    return Place(str(revision.root / file), line, "f", "app")


def test_the_commit_that_touched_a_line(revision: Revision) -> None:
    told = since(revision, _at(revision, 10))
    assert told is not None
    assert told.startswith("changed in ")
    assert told.endswith(" (Twice)")
    assert since(revision, _at(revision, 11)) is None
    assert since(revision, Place("/elsewhere/shop.py", 1, "f", "app")) is None
    (revision.root / "new.py").write_text("x = 1\n")
    assert since(revision, _at(revision, 1, "new.py")) == "not committed yet"


def test_changed_lines_and_the_function_around_them(revision: Revision) -> None:
    file = str(revision.root / "shop.py")
    changed = changed_lines(revision)
    assert changed == {file: frozenset({10, 17})}
    near = changed_functions(changed)[file]
    assert {line: near.get(line) for line in (5, 8, 11, 12, 15)} == {5: None, 8: 10, 11: 10, 12: 10, 15: 17}


def test_names_with_spaces_and_beyond_ascii(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    names = ("my shop.py", "größe.py")
    for text, branch in (("x = 1\n", "main"), ("x = 2\n", "feature")):
        if branch != "main":
            repository.git("checkout", "-q", "-b", branch)
        for name in names:
            repository.write(name, text)
        repository.commit(branch)
    revision = baseline(repository.folder, "main")
    assert changed_lines(revision) == {str(revision.root / name): frozenset({1}) for name in names}


def test_a_file_that_is_no_python_has_no_functions(revision: Revision) -> None:
    path = revision.root / "broken.py"
    path.write_text("def (:\n")
    assert changed_functions({str(path): frozenset({1}), "/gone.py": frozenset({1})}) == {}


def test_the_lines_of_the_diff_around_a_place(revision: Revision) -> None:
    assert hunk(revision, _at(revision, 11))[3:5] == ("-    for one in range(n):", "+    for one in range(2 * n):")
    assert hunk(revision, _at(revision, 4)) == ()


@pytest.mark.parametrize("renames", ["true", "false"])
def test_a_file_with_another_name(tmp_path: Path, renames: str) -> None:
    """Also where a user's own git does not look for renamed files."""
    repository = Repository(tmp_path)
    repository.git("config", "diff.renames", renames)
    repository.commit("Old", shop__py=OLD)
    repository.git("checkout", "-q", "-b", "feature")
    repository.git("mv", "shop.py", "orders.py")
    commit = repository.commit("Renamed", orders__py=NEW)
    revision = baseline(repository.folder, "main")
    file = str(revision.root / "orders.py")
    assert changed_lines(revision) == {file: frozenset({10, 17})}
    assert since(revision, _at(revision, 10, "orders.py")) == f"changed in {commit[:9]} (Renamed)"
    assert since(revision, _at(revision, 11, "orders.py")) is None
    shown = hunk(revision, _at(revision, 10, "orders.py"))
    assert [line for line in shown if line.startswith(("+", "-"))] == [
        "-    for one in range(n):",
        "+    for one in range(2 * n):",
        "-    2,",
        "+    3,",
    ]


def test_a_line_that_came_by_a_merge_is_of_the_commit_that_was_merged(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.commit("Old", shop__py=OLD)
    repository.git("checkout", "-q", "-b", "feature")
    commit = repository.commit("Twice", shop__py=NEW)
    repository.git("checkout", "-q", "main")
    repository.commit("Meanwhile", other__py="")
    repository.git("merge", "-q", "--no-ff", "-m", "Merged", "feature")
    revision = baseline(repository.folder, "HEAD~1")
    assert since(revision, _at(revision, 10)) == f"changed in {commit[:9]} (Twice)"


def test_a_line_of_a_diff_that_looks_like_its_header(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.commit("Old", shop__py="a = 1\n\nb = 1\n")
    repository.git("checkout", "-q", "-b", "feature")
    repository.commit("Signs", shop__py="a = 1\n\n++ b\nc = 3\n")
    revision = baseline(repository.folder, "main")
    assert changed_lines(revision) == {str(revision.root / "shop.py"): frozenset({3, 4})}
