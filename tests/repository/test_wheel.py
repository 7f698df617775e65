"""The wheel carries all that the installed product reads, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.mark.parametrize(
    "file",
    [
        "py.typed",
        "reports/html/flame.js",
        "reports/html/flame_graph.js",
        "reports/html/style.css",
        "probe/sitecustomize.py",
        "probe/perfkit_probe/__init__.py",
        "demo/shop/__main__.py",
    ],
)
def test_it_carries(names: list[str], file: str) -> None:
    assert f"perfkit/{file}" in names


def test_it_carries_every_file_of_the_source(names: list[str]) -> None:
    source = ROOT / "src/perfkit"
    files = {str(f.relative_to(source)) for f in source.rglob("*") if f.is_file() and "__pycache__" not in f.parts}
    assert files == {name.removeprefix("perfkit/") for name in names if name.startswith("perfkit/")}


def test_it_carries_nothing_else(names: list[str]) -> None:
    assert {name.partition("/")[0] for name in names} == {"perfkit", "perfkit-0.1.0.dist-info"}


def test_it_runs_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    """Nothing of the checkout is on the path: an isolated interpreter reads perfkit out of the unpacked wheel."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); import perfkit; from perfkit.cli import run_app;"
        "assert perfkit.__file__.startswith(sys.path[0]); run_app(['rule', 'lock-wait'])"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("# lock-wait")
