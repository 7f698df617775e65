"""Whose code a file is."""

from __future__ import annotations

import json
import sys
import sysconfig
from pathlib import Path

import pytest

from perfkit.shared.origin import Origins, distribution_root, module_path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a virtual environment inside it and one of an unusual shape."""
    for folder in ("app", ".venv/lib/python3.11/site-packages/flask", "env/bin", "env/share", "tools"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / ".venv/pyvenv.cfg").write_text("home = /usr/bin\n")
    (tmp_path / "env/pyvenv.cfg").write_text("home = /usr/bin\n")
    (tmp_path / "env/bin/python3").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("file", "origin"),
    [
        ("app/views.py", "app"),
        ("manage.py", "app"),
        ("tools/python3_compat.py", "app"),
        (".venv/lib/python3.11/site-packages/flask/app.py", "library"),
        (".venv/lib/python3.11/site-packages/flask/_speedups.cpython-311-x86_64-linux-gnu.so", "native"),
        ("env/share/hook.py", "library"),
        ("env/bin/gunicorn", "library"),
        ("app/fast.pyx", "native"),
    ],
)
def test_files_below_the_project(project: Path, file: str, origin: str) -> None:
    assert Origins((str(project),)).of(str(project / file)) == origin


@pytest.mark.parametrize(
    ("file", "origin"),
    [
        (json.__file__, "stdlib"),
        (f"{sysconfig.get_path('stdlib')}/os.py", "stdlib"),
        ("/usr/local/lib/python3.13t/threading.py", "stdlib"),
        ("/opt/homebrew/Cellar/python@3.12/3.12.1/Frameworks/Python.framework/Versions/3.12/lib/python3.12/os.py", "stdlib"),
        ("/usr/lib/python3/dist-packages/yaml/__init__.py", "library"),
        ("/usr/lib64/python3.9/site-packages/six.py", "library"),
        ("<frozen importlib._bootstrap>", "stdlib"),
        ("<frozen runpy>", "stdlib"),
        ("<string>", "library"),
        ("<template>", "library"),
        ("<attrs generated init shop.models.Order>", "library"),
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", "native"),
        ("/home/else/lib.py", "library"),
    ],
)  # fmt: skip
def test_files_elsewhere(project: Path, file: str, origin: str) -> None:
    assert Origins((str(project),)).of(file) == origin


def test_a_folder_that_only_begins_like_the_project_is_not_the_project(project: Path) -> None:
    assert Origins((str(project),)).of(f"{project}-other/views.py") == "library"


def test_an_editable_install_of_another_folder_is_project_code_where_it_is_named(project: Path, tmp_path: Path) -> None:
    other = str(tmp_path / "elsewhere" / "src" / "shoplib" / "core.py")
    assert Origins((str(project / "app"),)).of(other) == "library"
    assert Origins((str(project / "app"), str(tmp_path / "elsewhere"))).of(other) == "app"


def test_a_project_at_the_root_of_the_file_system() -> None:
    origins = Origins(("/",))
    assert origins.of("/perfkit-test-app/main.py") == "app"
    assert origins.of("/usr/lib/python3.11/json/decoder.py") == "stdlib"
    assert origins.of("/usr/local/lib/python3.11/site-packages/flask/app.py") == "library"


def test_a_project_given_with_a_slash_at_its_end(project: Path) -> None:
    assert Origins((f"{project}/",)).of(f"{project}/app/views.py") == "app"


def test_the_interpreter_that_runs_the_tests() -> None:
    origins = Origins(("/nowhere",))
    assert origins.of(pytest.__file__) == "library"
    assert origins.of(sys.modules["threading"].__file__ or "") == "stdlib"


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("/env/lib/python3.11/site-packages/flask/app.py", "flask/app.py"),
        ("/usr/lib/python3.9/json/encoder.py", "json/encoder.py"),
        ("/usr/local/lib/python3.14t/threading.py", "threading.py"),
        ("/proj/queue.py", "/proj/queue.py"),
        ("/a/site-packages/b/site-packages/c/d.py", "c/d.py"),
    ],
)
def test_a_file_as_its_library_calls_it(file: str, module: str) -> None:
    assert module_path(file) == module


def test_where_a_file_is_installed() -> None:
    assert distribution_root("/env/lib/python3.11/site-packages/flask/app.py") == (
        "/env/lib/python3.11/site-packages",
        "flask/app.py",
    )
    assert distribution_root("/proj/app.py") is None
