"""The baseline runs with its own libraries and its own project: real environments, real installers, wheels made on the spot."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from every_day import first
from git_repositories import Repository
from perfkit.pipeline.gating.interpreters import changed_libraries
from perfkit_command import Ended, Here
from wheels import Environment, versions, wheel

SHELF = """
import sqlite3


def fill(times={times}):
    connection = sqlite3.connect(":memory:")
    for number in range(times):
        connection.execute("SELECT ?", (number,)).fetchall()
"""
JOB = "import shelf\nshelf.fill()\n"
SLOW_BACKEND = """
import time


def build_wheel(*arguments, **more):
    open({marker!r}, "w").close()
    time.sleep(60)
"""


class Shop:
    """A repository with an environment beside it, and an index of wheels: shelf 1.0 runs 2 statements, 2.0 runs 3."""

    def __init__(self, here: Here, folder: Path) -> None:
        self.here, self.folder = here, folder
        self.index, self.cache = folder / "index", folder / "cache"
        self.repository = Repository(here.folder)
        self.one = wheel(self.index, "shelf", "1.0", {"shelf.py": SHELF.format(times=2)}, "rails")
        self.two = wheel(self.index, "shelf", "2.0", {"shelf.py": SHELF.format(times=3)})
        self.rails = wheel(self.index, "rails", "1.0", {"rails.py": ""})
        self.own = wheel(folder, "beside", "1.0", {"beside.py": ""})  # in no index
        self.environment = Environment(folder / "venv")
        self.environment.install(self.two, self.own)

    def commit(self, before: str, after: str, name: str = "requirements.txt") -> None:
        self.repository.write(".gitignore", "__pycache__\nvenv\n*.whl\nbuild\n*.egg-info\n")
        self.repository.write(name, before)
        self.repository.commit("The shop", job__py=JOB)
        self.repository.git("checkout", "-q", "-b", "feature")
        self.repository.write(name, after)
        self.repository.commit("Another shelf")

    @property
    def variables(self) -> dict[str, str]:
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.index)}
        return {"XDG_CACHE_HOME": str(self.cache), "UV_NO_INDEX": "1", "UV_FIND_LINKS": str(self.index), **offline}

    def gate(self, *options: str, command: tuple[str, ...] = (), **more: str) -> Ended:
        command = command or (str(self.environment.python), "job.py")
        words = ("gate", "--baseline", "main", "--no-times", *options, "--", *command)
        return self.here(*words, **{**self.variables, **more})

    def built(self) -> list[Path]:
        return sorted((self.cache / "perfkit" / "environments").glob("*"))


@pytest.fixture
def shop(here: Here, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(here, tmp_path_factory.mktemp("shop"))


def test_a_regression_by_a_library_is_seen(shop: Shop) -> None:
    shop.commit("shelf==1.0  # as it was\n", "shelf == 2.0\n")
    ended = shop.gate("--report", "json=verdict.json")
    assert ended.code == 1, ended.err
    assert "runs 3 queries, was 2" in ended.err
    found = json.loads((shop.here.folder / "verdict.json").read_text())
    assert "libraries differ: rails 1.0 → none, shelf 1.0 → 2.0" in found["notes"]
    (made,) = shop.built()
    assert versions(made / "bin" / "python") == {"shelf": "1.0", "rails": "1.0", "beside": "1.0"}
    assert versions(shop.environment.python) == {"shelf": "2.0", "beside": "1.0"}


@pytest.mark.long
def test_pip_of_the_environment_itself(shop: Shop) -> None:
    """Its settings may know an index that uv does not."""
    shop.commit("shelf==1.0\n", "shelf==2.0\n")
    environment = Environment(shop.folder / "with-pip", pip=True)
    environment.install(shop.two)
    ended = shop.gate(command=(str(environment.python), "job.py"), UV_FIND_LINKS="")
    assert "runs 3 queries, was 2" in ended.err, ended.err
    (made,) = shop.built()
    assert versions(made / "bin" / "python")["shelf"] == "1.0"


def test_what_differs_between_two_interpreters(shop: Shop) -> None:
    other = Environment(shop.folder / "other")
    other.install(shop.one, shop.rails)
    two, one = str(shop.environment.python), str(other.python)
    assert changed_libraries(one, two) == [("beside", None, "1.0"), ("rails", "1.0", None), ("shelf", "1.0", "2.0")]
    assert changed_libraries(one, one) == []
    assert changed_libraries(one, "/nowhere/python") == []


@pytest.mark.long
def test_the_second_gate_installs_nothing(shop: Shop) -> None:
    shop.commit("shelf==1.0\n", "shelf==2.0\n")
    assert shop.gate().code == 1
    (made,) = shop.built()
    for file in shop.index.iterdir():
        file.unlink()
    assert shop.gate().code == 1
    assert shop.built() == [made]


def test_the_same_libraries_for_both_on_request(shop: Shop) -> None:
    shop.commit("shelf==1.0\n", "shelf==2.0\n")
    ended = shop.gate("--baseline-env", "same")
    assert ended.code == 0, ended.err
    assert "requirements.txt differs: both revisions ran with what is installed" in ended.err
    assert not shop.built()


def test_an_environment_that_is_named(shop: Shop) -> None:
    shop.commit("shelf==1.0\n", "shelf==2.0\n")
    other = Environment(shop.folder / "other")
    other.install(shop.one)
    ended = shop.gate("--baseline-env", str(other.folder))
    assert ended.code == 1, ended.err
    assert not shop.built()
    assert "there is no" in shop.gate("--baseline-env", "nowhere").error(2)


def test_comments_and_what_is_not_installed_need_no_environment(shop: Shop) -> None:
    shop.commit("shelf>=1\nuninstalled==1\n", "# why\nshelf >= 1\nuninstalled==2\n")
    assert shop.gate().code == 0
    assert not shop.built()


def test_what_cannot_be_installed_is_refused_and_leaves_nothing(shop: Shop) -> None:
    shop.commit("shelf==0.9\n", "shelf==2.0\n")
    said = shop.gate().error(3)
    assert "the baseline's libraries (shelf==0.9) cannot be installed" in said
    assert "--baseline-env same" in said
    assert not shop.built()
    assert len(shop.repository.worktrees()) == 1


LOCK = 'version = 1\n[[package]]\nname = "shelf"\nversion = "{}"\nsource = {{ registry = "https://pypi.org/simple" }}\n'
PYPROJECT = '[project]\nname = "shop"\nversion = "1"\ndependencies = ["shelf"]\n'


@pytest.mark.parametrize(
    ("name", "text"),
    first(
        1,
        [
            ("uv.lock", LOCK),
            ("poetry.lock", '[[package]]\nname = "shelf"\nversion = "{}"\noptional = false\n'),
            ("pdm.lock", '[[package]]\nname = "shelf"\nversion = "{}"\n'),
            ("pylock.toml", 'lock-version = "1.0"\n[[packages]]\nname = "shelf"\nversion = "{}"\n'),
            ("Pipfile.lock", '{{"default": {{"shelf": {{"version": "=={}"}}}}}}\n'),
        ],
    ),
)
def test_lock_files_of_every_tool(shop: Shop, name: str, text: str) -> None:
    shop.repository.write("pyproject.toml", PYPROJECT)
    shop.commit(text.format("1.0"), text.format("2.0"), name)
    assert "runs 3 queries, was 2" in shop.gate().err


def test_a_library_that_came_is_not_there_before(shop: Shop) -> None:
    job = "try:\n    import shelf\n    shelf.fill()\nexcept ImportError:\n    import sqlite3\n    sqlite3.connect(':memory:').execute('SELECT 1')\n"
    shop.repository.write("job.py", job)
    shop.repository.write("requirements.txt", "beside\n")
    shop.repository.commit("Without")
    shop.repository.git("checkout", "-q", "-b", "feature")
    shop.repository.write("requirements.txt", "beside\nshelf==2.0\n")
    shop.repository.commit("With")
    assert "runs 3 queries, was 1" in shop.gate().err


def test_an_environment_in_the_checkout_by_its_relative_path(shop: Shop) -> None:
    environment = Environment(shop.here.folder / "venv")
    environment.install(shop.two)
    serve = environment.script("shelve", "shelf:fill")
    shop.commit("shelf==1.0\n", "shelf==2.0\n")
    shop.repository.write("Makefile", "serve:\n\tvenv/bin/python job.py\n")
    shop.repository.git("add", "-A")
    shop.repository.git("commit", "-qm", "make")
    shop.repository.git("branch", "-f", "main")
    shop.repository.write("requirements.txt", "shelf==1.0\n")
    shop.repository.git("commit", "-qam", "older")
    shop.repository.git("branch", "-f", "main")
    shop.repository.write("requirements.txt", "shelf==2.0\n")
    shop.repository.git("commit", "-qam", "newer")
    for command in (("venv/bin/python", "job.py"), ("make", "serve"), ("sh", "-c", "venv/bin/python job.py")):
        ended = shop.gate(command=command)
        assert "runs 3 queries, was 2" in ended.err, (command, ended.err)
    assert serve.is_file()


@pytest.mark.long
def test_a_runner_with_options_of_its_own(shop: Shop) -> None:
    """uv would bring the environment in line with the lock file, on either side, unless told not to."""
    shop.repository.write("pyproject.toml", PYPROJECT)
    environment = Environment(shop.here.folder / ".venv")
    environment.install(shop.two)
    shop.repository.write(".gitignore", "__pycache__\n.venv\n")
    shop.repository.write("uv.lock", LOCK.format("1.0"))
    shop.repository.commit("The shop", job__py=JOB)
    shop.repository.git("checkout", "-q", "-b", "feature")
    shop.repository.write("uv.lock", LOCK.format("2.0"))
    shop.repository.commit("Another shelf")
    ended = shop.gate(command=("uv", "run", "--no-sync", "python", "job.py"), VIRTUAL_ENV="")
    assert "runs 3 queries, was 2" in ended.err, ended.err
    assert versions(environment.python) == {"shelf": "2.0"}
    assert not shop.repository.git("status", "--porcelain")


OWN = (
    "import sqlite3\n\n\ndef run():\n    for _ in range({}):\n        sqlite3.connect(':memory:').execute('SELECT 1')\n"
)
BACKEND = """
import os, zipfile


def build_wheel(folder, settings=None, metadata=None):
    info = "shop-1.dist-info"
    files = {"shop.py": open("src/shop.py").read(), info + "/METADATA": "Metadata-Version: 2.1\\nName: shop\\nVersion: 1\\n"}
    files[info + "/WHEEL"] = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files[info + "/RECORD"] = "".join(name + ",,\\n" for name in (*files, info + "/RECORD"))
    with zipfile.ZipFile(os.path.join(folder, "shop-1-py3-none-any.whl"), "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return "shop-1-py3-none-any.whl"
"""
BUILT = '[project]\nname = "shop"\nversion = "1"\n[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def _installed_project(shop: Shop, url: bool) -> None:
    """The project is in the environment as the work tree has it, and is built by a backend that needs no other."""
    shop.repository.write(".gitignore", "__pycache__\n")
    shop.repository.write("src/shop.py", OWN.format(1))
    shop.repository.commit("The shop", pyproject__toml=BUILT, backend__py=BACKEND, job__py="import shop\nshop.run()\n")
    shop.repository.git("checkout", "-q", "-b", "feature")
    shop.repository.write("src/shop.py", OWN.format(2))
    shop.repository.commit("Twice")
    made = wheel(shop.folder, "shop", "1", {"shop.py": OWN.format(2)})
    shop.environment.install(made, url=shop.here.folder.as_uri() if url else None)


@pytest.mark.parametrize("url", first(1, [True, False]))
def test_a_project_that_is_installed_is_the_baselines_own(shop: Shop, url: bool) -> None:
    _installed_project(shop, url)
    ended = shop.gate()
    assert "runs 2 queries, was 1" in ended.err, ended.err
    assert not shop.built()
    assert (
        "runs 2 queries, was 1"
        in shop.gate(command=(str(shop.environment.python), "-c", "import shop; shop.run()")).err
    )


def test_a_project_that_is_installed_as_it_is_not_checked_out_is_refused(shop: Shop) -> None:
    _installed_project(shop, True)
    shop.repository.write("src/shop.py", OWN.format(3))
    said = shop.gate().error(3)
    assert "shop is installed, and src/shop.py is not what is installed of it" in said


def test_a_project_that_is_imported_past_the_path_is_refused(shop: Shop) -> None:
    """-E leaves PYTHONPATH out, by which the baseline would be found."""
    _installed_project(shop, True)
    said = shop.gate(command=(str(shop.environment.python), "-E", "job.py")).error(3)
    assert "no Python process of the" in said or "both revisions would be the same code" in said


def test_code_of_no_revision_is_refused(shop: Shop) -> None:
    shop.commit("shelf==2.0\n", "shelf>=2.0\n")
    said = shop.gate(command=(sys.executable, "-c", "import sqlite3; sqlite3.connect(':memory:').execute('SELECT 1')"))
    assert "no code of the repository was run" in said.error(3)


def test_a_container_is_refused(shop: Shop) -> None:
    shop.commit("", "")
    docker = shop.folder / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text("#!/bin/sh\n")
    docker.chmod(0o755)
    path = f"{docker.parent}{os.pathsep}{os.environ['PATH']}"
    assert "docker runs the server in a container" in shop.gate(command=("docker", "compose", "up"), PATH=path).error(3)


def _slow_source(shop: Shop) -> Path:
    """An index with a source distribution alone, whose build takes a minute and says when it has begun."""
    marker = shop.folder / "building"
    source = shop.folder / "shelf-1.0"
    source.mkdir()
    (source / "pyproject.toml").write_text(BUILT.replace('"shop"', '"shelf"').replace('"1"', '"1.0"'))
    (source / "backend.py").write_text(SLOW_BACKEND.format(marker=str(marker)))
    (source / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: shelf\nVersion: 1.0\n")
    import tarfile

    shop.one.unlink()
    with tarfile.open(shop.index / "shelf-1.0.tar.gz", "w:gz") as archive:
        archive.add(source, "shelf-1.0")
    return marker


def test_ctrl_c_leaves_no_half_of_an_environment(
    shop: Shop, eventually: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.commit("shelf==1.0\n", "shelf==2.0\n")
    marker = _slow_source(shop)
    for name, value in shop.variables.items():
        monkeypatch.setenv(name, value)
    words = ("gate", "--baseline", "main", "--no-times", "--", str(shop.environment.python), "job.py")
    running = shop.here.start(*words)
    assert eventually(marker.exists)
    assert shop.built()
    os.killpg(running.pid, signal.SIGINT)
    assert running.wait(30) == 130
    assert not shop.built()
    assert len(shop.repository.worktrees()) == 1


@pytest.mark.long
def test_two_gates_at_once_make_one_environment(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.commit("shelf==1.0\n", "shelf==2.0\n")
    for name, value in shop.variables.items():
        monkeypatch.setenv(name, value)
    words = ("gate", "--baseline", "main", "--no-times", "--", str(shop.environment.python), "job.py")
    both = [shop.here.start(*words) for _ in range(2)]
    assert [one.wait(60) for one in both] == [1, 1]
    assert len(shop.built()) == 1
