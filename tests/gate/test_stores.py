"""Where baselines are kept, in real repositories: which one is nearest, and what becomes of damaged ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_repositories import Repository
from perfkit.errors import PerfkitError
from perfkit.gate import stores
from perfkit.gate.revisions import clean_head
from perfkit.model.gate import Baseline, CountKey, Counts


def _baseline(queries: int, commit: str | None = None) -> Baseline:
    return Baseline((Counts({CountKey("GET /", "queries"): queries}, {"GET /": 1}),) * 2, "3.12", "linux", "x", commit)


def _queries(stored: stores.Stored | None) -> int:
    assert stored is not None
    assert stored.baseline is not None
    return stored.baseline.counts[0].totals[CountKey("GET /", "queries")]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "shop")
    made.commit("One", app__py="1")
    return made


@pytest.mark.parametrize("where", ["notes", "cache/"])
def test_the_nearest_of_the_commits_before(repository: Repository, tmp_path: Path, where: str) -> None:
    there = "notes" if where == "notes" else str(tmp_path / where) + "/"
    if where != "notes":
        Path(there).mkdir()
    for number in (1, 2, 3):
        commit = repository.commit(f"Number {number}", app__py=str(number + 1))
        stores.keep(repository.folder, there, _baseline(number, commit))
    # HEAD's own is what it would be compared with itself.
    assert _queries(stores.find(repository.folder, there)) == 2
    repository.write("app.py", "changed")
    assert _queries(stores.find(repository.folder, there)) == 3
    assert [
        (subject, one.counts[0].totals[CountKey("GET /", "queries")])
        for _, subject, one in stores.each(repository.folder, there)
    ] == [("Number 1", 1), ("Number 2", 2), ("Number 3", 3)]


def test_notes_of_another_branch(repository: Repository) -> None:
    stores.keep(repository.folder, "notes", _baseline(7, repository.git("rev-parse", "HEAD")))
    repository.git("checkout", "-q", "-b", "feature")
    repository.commit("Two", app__py="2")
    assert _queries(stores.find(repository.folder, "notes:main")) == 7


def test_a_file_and_its_history(repository: Repository) -> None:
    for number in (1, 2):
        assert stores.keep(repository.folder, "base.json", _baseline(number)) == "base.json"
        repository.commit(f"Baseline {number}")
        repository.commit("Something else")
    assert _queries(stores.find(repository.folder, "base.json")) == 2
    repository.write("base.json", "{")
    repository.commit("Damaged")
    assert [subject for _, subject, _ in stores.each(repository.folder, "base.json")] == ["Baseline 1", "Baseline 2"]


def test_a_revision_is_none_of_them(repository: Repository) -> None:
    assert stores.find(repository.folder, "main") is None
    repository.write("main", "a file that happens to have the branch's name")
    assert stores.find(repository.folder, "main") is None
    with pytest.raises(PerfkitError, match="is no baseline"):
        stores.find(repository.folder, "./main")


def test_what_is_not_there(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(PerfkitError, match="no baseline in git notes"):
        stores.find(repository.folder, "notes")
    with pytest.raises(PerfkitError, match="no baseline in"):
        stores.find(repository.folder, str(tmp_path) + "/")
    with pytest.raises(PerfkitError, match="no branch, tag or commit --all"):
        stores.find(repository.folder, "notes:--all")
    with pytest.raises(PerfkitError, match="a note needs a commit"):
        stores.keep(repository.folder, "notes", _baseline(1))
    with pytest.raises(PerfkitError, match="cannot be written"):
        stores.keep(repository.folder, "app.py/base.json", _baseline(1))


def test_a_note_belongs_to_a_clean_commit(repository: Repository, tmp_path: Path) -> None:
    assert clean_head(repository.folder) == repository.git("rev-parse", "HEAD")
    repository.write("app.py", "changed")
    assert clean_head(repository.folder) is None
    assert clean_head(tmp_path) is None
