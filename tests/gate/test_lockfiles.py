"""Which lock files are in use, and what of them differs in an environment: real files of every format, in real folders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from git_repositories import Repository
from perfkit.gate.lock_formats import pdm, pipfile, poetry, project, pylock, requirements, setup_cfg, setup_py, uv
from perfkit.gate.lockfiles import Change, difference, locks
from perfkit.gate.revisions import baseline
from perfkit.gate.worktree import worktree

UV = """
version = 1
[[package]]
name = "Flask"
version = "3.1.3"
source = { registry = "https://pypi.org/simple" }
[[package]]
name = "forked"
version = "1.0"
source = { git = "https://example.org/forked?rev=main#0123abcd" }
[[package]]
name = "given"
version = "2.0"
source = { url = "https://example.org/given-2.0.tar.gz" }
[[package]]
name = "numpy"
version = "1.26"
source = { registry = "https://pypi.org/simple" }
[[package]]
name = "numpy"
version = "2.1"
source = { registry = "https://pypi.org/simple" }
[[package]]
name = "shop"
version = "9"
source = { editable = "." }
"""
POETRY = """
[[package]]
name = "flask"
version = "3.1.3"
[[package]]
name = "forked"
version = "1.0"
[package.source]
type = "git"
url = "https://example.org/forked"
reference = "main"
resolved_reference = "0123abcd"
[[package]]
name = "beside"
version = "1.0"
[package.source]
type = "directory"
url = "beside"
"""
PDM = '[[package]]\nname = "forked"\nversion = "1"\ngit = "https://example.org/forked"\nrevision = "01"\n[[package]]\nname = "shop"\nversion = "1"\npath = "."\n'
PYLOCK = '[[packages]]\nname = "a"\nversion = "1"\n[[packages]]\nname = "b"\n[packages.vcs]\ntype = "git"\nurl = "https://x.org/b"\ncommit-id = "01"\n[[packages]]\nname = "c"\n[packages.directory]\npath = "."\n'
PIPFILE = '{"default": {"a": {"version": "==1"}, "b": {"git": "https://x.org/b", "ref": "01"}}, "develop": {"c": {"version": "==2"}, "d": {"path": "."}}}'


@pytest.mark.parametrize(
    ("read", "text", "pinned"),
    [
        (
            uv,
            UV,
            {
                "flask": ("flask==3.1.3",),
                "forked": ("forked @ git+https://example.org/forked@0123abcd",),
                "given": ("given @ https://example.org/given-2.0.tar.gz",),
                "numpy": ("numpy==1.26", "numpy==2.1"),
            },
        ),
        (poetry, POETRY, {"flask": ("flask==3.1.3",), "forked": ("forked @ git+https://example.org/forked@0123abcd",)}),
        (pdm, PDM, {"forked": ("forked @ git+https://example.org/forked@01",)}),
        (pylock, PYLOCK, {"a": ("a==1",), "b": ("b @ git+https://x.org/b@01",)}),
        (pipfile, PIPFILE, {"a": ("a==1",), "b": ("b @ git+https://x.org/b@01",), "c": ("c==2",)}),
    ],
)
def test_formats(read: object, text: str, pinned: Mapping[str, tuple[str, ...]]) -> None:
    assert callable(read)
    assert read(text).pinned == pinned


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("flask==2.3.3", "Flask == 2.3.3"),
        ("flask>=2,<3", "flask >= 2, < 3"),
        ("flask==2.3.3", "flask==2.3.3 --hash=sha256:abc --hash=sha256:def"),
        ("zope.interface [test] >= 5 ; python_version < '3.9'", "zope-interface[test]>=5;python_version<'3.9'"),
        ("flask@https://x.org/f.whl", "flask  @ https://x.org/f.whl"),
    ],
)
def test_the_same_requirement(one: str, other: str) -> None:
    assert requirements([one]) == requirements([other])


def test_what_lies_in_the_repository_is_no_library() -> None:
    assert requirements([".", "./beside", "libs/beside", "file:beside.whl"]) == {}
    assert list(requirements(["git+https://x.org/b@main", "https://x.org/a.whl"])) == [
        "git+https://x.org/b@main",
        "https://x.org/a.whl",
    ]


def test_projects() -> None:
    text = '[project]\ndependencies = ["flask>=2"]\n[project.optional-dependencies]\npg = ["psycopg"]\n[dependency-groups]\ndev = ["pytest", {include-group = "x"}]\n'
    assert {part: list(lock.wanted) for part, lock in project(text).items()} == {
        "": ["flask"],
        "[pg]": ["psycopg"],
        "[dev]": ["pytest"],
    }
    assert list(setup_cfg("[options]\ninstall_requires =\n  flask>=2\n  jinja2\n").wanted) == ["flask", "jinja2"]
    assert list(setup_py("from setuptools import setup\nsetup(install_requires=['flask>=2'])\n").wanted) == ["flask"]


def _change(repository: Repository, installed: str, cwd: str = ".") -> Change:
    """Of the work tree, against the commit that is checked out."""
    with worktree(baseline(repository.folder, "HEAD")) as before:
        sides = [locks(root, root / cwd) for root in (before, repository.folder)]
    return difference(*sides, installed.split())


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "shop")


def test_a_version_that_differs_is_the_baselines(repository: Repository) -> None:
    repository.write("requirements.txt", "flask==2.3.3\njinja2==3.1\n")
    repository.commit("One")
    repository.write("requirements.txt", "flask==3.1.3\njinja2==3.1\nredis==5\n")
    change = _change(repository, "flask jinja2 redis gunicorn")
    assert change.files == ("requirements.txt",)
    assert change.install == {"flask": ("flask==2.3.3",)}
    assert change.drop == ("redis",)
    assert change.wanted == {"flask": ("flask==2.3.3",), "jinja2": ("jinja2==3.1",)}


def test_what_has_gone_is_installed_again(repository: Repository) -> None:
    repository.write("requirements.txt", "flask\norjson\n")
    repository.write("requirements-docs.txt", "sphinx\nfuro\n")
    repository.commit("One")
    repository.write("requirements.txt", "flask\n")
    repository.write("requirements-docs.txt", "sphinx\n")
    assert _change(repository, "flask").install == {"orjson": ("orjson",)}


@pytest.mark.parametrize(
    "other", ["# why\n\nflask   ==2.3.3   # pinned\n", "-r base.txt\n", "flask==2.3.3 \\\n  --hash=sha256:ab\n"]
)
def test_words_that_change_nothing(repository: Repository, other: str) -> None:
    repository.write("requirements.txt", "flask==2.3.3\n")
    repository.write("base.txt", "flask==2.3.3\n")
    repository.commit("One")
    repository.write("requirements.txt", other)
    assert not _change(repository, "flask")


def test_files_that_are_included(repository: Repository) -> None:
    repository.write(
        "requirements.txt", "--extra-index-url https://x.org/simple\n-r requirements/base.in\n-c pins.txt\n"
    )
    repository.write("requirements/base.in", "flask\n")
    repository.write("pins.txt", "flask==2.3.3\nwerkzeug==2.3.8\n")
    repository.commit("One")
    repository.write("pins.txt", "flask==3.1.3\nwerkzeug==3.1.3\n")
    change = _change(repository, "flask werkzeug")
    assert change.install == {"flask": ("flask==2.3.3",), "werkzeug": ("werkzeug==2.3.8",)}
    assert change.options == ("--extra-index-url https://x.org/simple",)


def test_a_file_that_includes_itself_ends(repository: Repository) -> None:
    repository.write("requirements.txt", "-r requirements.txt\n-r /etc/hostname\nflask\n")
    repository.commit("One")
    assert list(locks(repository.folder, repository.folder)["requirements.txt"].wanted) == ["flask"]


def test_the_nearest_and_the_root_are_in_use(repository: Repository) -> None:
    for folder in ("", "services/cart/", "services/pay/"):
        repository.write(f"{folder}requirements.txt", "flask==2.3.3\n")
    repository.commit("One")
    repository.write("services/pay/requirements.txt", "flask==3.1.3\n")
    assert not _change(repository, "flask", "services/cart")
    assert not _change(repository, "flask", "services/cart/src")
    assert _change(repository, "flask", "services/pay")
    repository.write("services/pay/requirements.txt", "flask==2.3.3\n")
    repository.write("requirements.txt", "flask==3.1.3\n")
    assert _change(repository, "flask", "services/cart").files == ("requirements.txt",)


def test_a_lock_says_more_than_the_project(repository: Repository) -> None:
    """A wider wish with the same lock installs the same."""
    repository.write("uv.lock", UV)
    wishes = '["flask>=2", "pywin32; sys_platform == \'win32\'"]'
    repository.commit("One", pyproject__toml=f'[project]\nname = "shop"\ndependencies = {wishes}\n')
    repository.write("pyproject.toml", '[project]\nname = "shop"\nversion = "2"\ndependencies = ["flask>=1"]\n')
    assert not _change(repository, "flask numpy")
    repository.write("uv.lock", UV.replace("3.1.3", "3.2"))
    assert _change(repository, "flask numpy").install["flask"] == ("flask==3.1.3",)


def test_without_a_lock_the_project_says(repository: Repository) -> None:
    repository.commit("One", pyproject__toml='[project]\nname = "shop"\ndependencies = ["flask<3"]\n')
    repository.write("pyproject.toml", '[project]\nname = "shop"\ndependencies = ["flask>=3"]\n')
    assert _change(repository, "flask").install == {"flask": ("flask<3",)}


def test_from_one_kind_of_file_to_another(repository: Repository) -> None:
    """What a first lock file names beside what was asked for was there before, too."""
    repository.commit("One", requirements__txt="flask==2.3.3\n")
    (repository.folder / "requirements.txt").unlink()
    repository.write("poetry.lock", POETRY + '[[package]]\nname = "werkzeug"\nversion = "3.1"\n')
    repository.write("pyproject.toml", '[project]\nname = "shop"\ndependencies = ["flask"]\n')
    change = _change(repository, "flask werkzeug")
    assert change.install == {"flask": ("flask==2.3.3",)}
    assert change.drop == ()


@pytest.mark.parametrize("name", ["uv.lock", "poetry.lock", "Pipfile.lock", "pyproject.toml", "setup.cfg", "setup.py"])
def test_a_file_that_cannot_be_read_says_nothing(repository: Repository, name: str) -> None:
    repository.write(name, "[[ = {")
    repository.commit("One")
    assert not _change(repository, "flask")
