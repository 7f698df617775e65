"""The baseline of real repositories: which commit it is, its work tree, and who changed a line since."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from git_repositories import Repository
from perfkit.errors import PerfkitError
from perfkit.gate.blame import changed_lines, since
from perfkit.gate.revisions import Revision, baseline
from perfkit.gate.worktree import import_path, worktree
from perfkit.model.finding import Place


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "shop")
    made.commit("first", app__py="one = 1\ntwo = 2\nthree = 3\n")
    return made


def _refused(folder: Path, name: str) -> PerfkitError:
    with pytest.raises(PerfkitError) as refused:
        baseline(folder, name)
    assert refused.value.exit_code == 3
    return refused.value


def test_it_is_where_the_branch_left_the_other_one(repository: Repository) -> None:
    left = repository.git("rev-parse", "HEAD")
    repository.git("checkout", "-q", "-b", "feature")
    repository.commit("second", app__py="one = 1\n")
    repository.git("checkout", "-q", "main")
    repository.commit("later on main", other__py="")
    repository.git("checkout", "-q", "feature")
    found = baseline(repository.folder, "main")
    assert (found.commit, found.own, found.dirty) == (left, False, False)
    assert found.root == repository.folder


@pytest.mark.parametrize("name", ["main", "HEAD", "v1", "HEAD~0"])
def test_names(repository: Repository, name: str) -> None:
    repository.git("tag", "-a", "-m", "one", "v1")
    repository.write("app.py", "one = 2\n")
    found = baseline(repository.folder, name)
    assert (found.commit, found.own, found.dirty) == (repository.git("rev-parse", "HEAD"), True, True)


def test_a_merge_and_a_detached_head(repository: Repository) -> None:
    repository.git("checkout", "-q", "-b", "feature")
    repository.commit("on the branch", a__py="")
    repository.git("checkout", "-q", "main")
    on_main = repository.commit("on main", b__py="")
    repository.git("merge", "-q", "--no-ff", "-m", "merged", "feature")
    repository.git("checkout", "-q", "--detach", "HEAD")
    assert baseline(repository.folder, on_main).commit == on_main


def test_no_repository_no_commit_no_such_name(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "alone").mkdir()
    assert "is in no git repository" in _refused(tmp_path / "alone", "main").message
    assert "no commit yet" in _refused(Repository(tmp_path / "empty").folder, "main").message
    assert "no branch, tag, commit or file mian" in _refused(repository.folder, "mian").message
    assert "no branch, tag, commit or file --all" in _refused(repository.folder, "--all").message


def test_no_commit_in_common(repository: Repository) -> None:
    repository.git("checkout", "-q", "--orphan", "other")
    repository.commit("another beginning")
    assert "no commit in common" in _refused(repository.folder, "main").message


@pytest.mark.parametrize("name", ["feature", "origin/feature", "HEAD~1", "v1"])
def test_a_shallow_clone_says_what_to_fetch(repository: Repository, tmp_path: Path, name: str) -> None:
    """Its hint is followed to the letter."""
    first = repository.git("rev-parse", "HEAD")
    repository.git("branch", "feature")
    repository.git("tag", "v1")
    repository.commit("second", app__py="")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{repository.folder}", str(clone)], check=True)
    refused = _refused(clone, name)
    assert "shallow" in refused.message
    fetch, _, then = refused.hint.partition("   ")
    subprocess.run(fetch.split(), cwd=clone, check=True, capture_output=True)
    said = then.removeprefix("then --baseline ").split()[0] if then.startswith("then") else name
    assert baseline(clone, said).commit == first


def test_a_branch_that_only_the_remote_has(repository: Repository, tmp_path: Path) -> None:
    repository.git("branch", "feature")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(repository.folder), str(clone)], check=True)
    assert _refused(clone, "feature").hint == "--baseline origin/feature"


def _revision(repository: Repository, name: str = "HEAD") -> Revision:
    return baseline(repository.folder, name)


def test_a_work_tree_has_what_git_holds_and_is_gone_afterwards(repository: Repository) -> None:
    repository.write("app.py", "changed\n")
    repository.write(".env", "SECRET=1\n")
    with worktree(_revision(repository), (".env",)) as folder:
        assert (folder / "app.py").read_text() == "one = 1\ntwo = 2\nthree = 3\n"
        assert (folder / ".env").read_text() == "SECRET=1\n"
        assert folder.name == "shop"
        (folder / "left").write_text("by the application")
    assert not folder.parent.exists()
    assert len(repository.worktrees()) == 1


def test_it_is_gone_when_what_uses_it_fails(repository: Repository) -> None:
    with pytest.raises(KeyboardInterrupt), worktree(_revision(repository)) as folder:
        raise KeyboardInterrupt
    assert not folder.parent.exists()
    assert len(repository.worktrees()) == 1


@pytest.mark.parametrize("name", ["missing", "../outside", "/etc/hostname"])
def test_only_files_of_the_repository_are_copied(repository: Repository, name: str) -> None:
    (repository.folder.parent / "outside").write_text("")
    with pytest.raises(PerfkitError, match="no such file in the repository"), worktree(_revision(repository), (name,)):
        pass
    assert len(repository.worktrees()) == 1


def test_editable_installs_are_taken_from_the_work_tree(repository: Repository, tmp_path: Path) -> None:
    for name in ("src/shop/__init__.py", "flat/__init__.py"):
        repository.write(name, "")
    repository.commit("packages")
    root = repository.folder
    packages = tmp_path / "venv/lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    (packages / "_shop.pth").write_text(f"{root}/src\nimport os\n/elsewhere\n")
    (packages / "__editable___flat_finder.py").write_text(f"MAPPING = {{'flat': '{root}/flat'}}\n")
    executable = str(tmp_path / "venv/bin/python")
    with worktree(_revision(repository)) as folder:
        assert import_path(executable, root, folder, {}) == [str(folder), str(folder / "src")]
        told = {"PYTHONPATH": f"/opt/lib:{root}/src"}
        assert import_path(executable, root, folder, told)[:2] == ["/opt/lib", str(folder / "src")]


def test_who_changed_a_line(repository: Repository) -> None:
    first = _revision(repository)
    second = repository.commit("The second one", app__py="one = 1\ntwo = 22\nthree = 3\n")
    app = repository.write("app.py", "one = 1\ntwo = 22\nthree = 33\n")
    new = repository.write("new.py", "four = 4\n")

    def told(file: Path, line: int) -> str | None:
        return since(first, Place(str(file), line, "f", "app"))

    assert told(app, 1) is None
    assert told(app, 2) == f"changed in {second[:9]} (The second one)"
    assert told(app, 3) == "not committed yet"
    assert told(new, 1) == "not committed yet"
    assert told(Path("/elsewhere.py"), 1) is None
    assert dict(changed_lines(first)) == {str(app): frozenset({2, 3})}
