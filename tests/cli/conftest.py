"""Places, terminals and users to call perfkit from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

import perfkit
from perfkit_command import CONSOLE_SCRIPT, PROGRAMS, Here, Ordinary, Terminal, kill_all

_DEPENDENCIES = ("typer", "click", "rich", "markdown_it", "mdurl", "pygments", "shellingham", "annotated_doc")
_MORE_DEPENDENCIES = ("typing_extensions.py", "psutil", "pyinstrument")


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    folder = tmp_path / "project"
    folder.mkdir()
    place = Here(folder)
    yield place
    for popen in place.started:
        kill_all(popen.pid)
        popen.communicate()


Eventually = Callable[[Callable[[], bool]], bool]


@pytest.fixture
def eventually() -> Eventually:
    """Asks until it holds, for some 20 seconds at most."""
    waiting = threading.Event()
    return lambda condition: any(condition() or waiting.wait(0.02) for _ in range(1000))


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def begin(words: Sequence[str], folder: Path, **environment: str) -> Terminal:
        opened.append(Terminal(words, folder, **environment))
        return opened[-1]

    yield begin
    for one in opened:
        one.close()


@pytest.fixture(scope="session")
def ordinary_installation() -> Iterator[Path]:
    """A folder that every user may read, with perfkit, what it needs, and the test programs."""
    if os.geteuid() != 0 or not sys.platform.startswith("linux") or not shutil.which("setpriv"):
        pytest.skip("only root can become another user, by setpriv")
    folder = Path(tempfile.mkdtemp(prefix="perfkit-ordinary-"))
    try:
        library = Path(sysconfig.get_path("purelib"))
        skip = shutil.ignore_patterns("__pycache__", "tests")
        shutil.copytree(Path(perfkit.__file__).parent, folder / "lib" / "perfkit", ignore=skip)
        for name in (*_DEPENDENCIES, *_MORE_DEPENDENCIES):
            source = library / name
            if source.is_dir():
                shutil.copytree(source, folder / "lib" / name, ignore=skip)
            elif source.is_file():
                shutil.copy(source, folder / "lib" / name)
        (folder / "bin").mkdir()
        shutil.copy(CONSOLE_SCRIPT.with_name("py-spy"), folder / "bin" / "py-spy")
        shutil.copytree(PROGRAMS, folder / "programs", ignore=skip)
        subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def ordinary(ordinary_installation: Path) -> Iterator[Ordinary]:
    python = "/usr/bin/python3"
    same = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    if not Path(python).exists() or subprocess.run([python, "-c", same], check=False).returncode:
        pytest.skip(
            f"{python}, which every user may execute, is not Python {sys.version_info[0]}.{sys.version_info[1]}"
        )
    user = Ordinary(ordinary_installation, python)
    yield user
    shutil.rmtree(user.folder)
