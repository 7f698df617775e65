"""Two sides that are the same code are refused, whatever was sampled: by the files that their processes imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfkit.errors import PerfkitError
from perfkit.pipeline.gating.separation import Expected, Ran, check, own_files

PACKAGES = "lib/python3.11/site-packages"


@pytest.fixture
def roots(tmp_path: Path) -> tuple[Path, Path]:
    """The baseline's and the checkout; there is an environment of conda's in the latter, and one of venv's in both."""
    for root in (tmp_path / "baseline", tmp_path / "checkout"):
        (root / "shop").mkdir(parents=True)
    for name, marker in ((".venv", "pyvenv.cfg"), ("conda", "conda-meta")):
        place = tmp_path / "checkout" / name
        (place / "bin").mkdir(parents=True)
        (place / "bin" / "python3").touch()
        (place / marker).touch()
    (tmp_path / "baseline" / ".venv").symlink_to(tmp_path / "checkout" / ".venv")
    return tmp_path / "baseline", tmp_path / "checkout"


def _ran(root: Path, *files: str, prefix: str = ".venv") -> Ran:
    return Ran(frozenset(str(root / file) for file in files), frozenset([str(root / prefix)]))


def _refused(baseline: Ran, current: Ran, roots: tuple[Path, Path], expected: Expected | None = None) -> str:
    with pytest.raises(PerfkitError) as refused:
        check(baseline, current, roots, expected or Expected())
    assert refused.value.exit_code == 3
    return refused.value.message


def test_environments_in_the_checkout_are_not_its_own(roots: tuple[Path, Path]) -> None:
    files = [
        roots[1] / "shop/views.py",
        roots[1] / f".venv/{PACKAGES}/flask/app.py",
        roots[1] / ".venv/bin/gunicorn",
        roots[1] / f"conda/{PACKAGES}/flask/app.py",
        roots[1] / "conda/lib/python3.11/json/__init__.py",
        roots[1] / "conda/bin/gunicorn",
    ]
    assert list(own_files(map(str, files), roots[1])) == [str(files[0])]
    baseline = Ran(frozenset({str(roots[0] / "shop/views.py"), *map(str, files[1:])}))
    check(baseline, Ran(frozenset(map(str, files))), roots, Expected())


def test_the_checkouts_code(roots: tuple[Path, Path]) -> None:
    both = [_ran(root, "shop/views.py", "run.py") for root in roots]
    check(both[0], both[1], roots, Expected())
    mixed = both[0].and_also(_ran(roots[1], "shop/models.py"))
    assert f"the baseline runs {roots[1]}/shop/models.py" in _refused(mixed, both[1], roots)


def test_no_code_of_the_repository(roots: tuple[Path, Path]) -> None:
    """A link to the same environment is the same code."""
    both = [_ran(root, f".venv/{PACKAGES}/shop/views.py", "/usr/lib/python3.11/json/__init__.py") for root in roots]
    assert "no code of the repository was run" in _refused(both[0], both[1], roots)
    own = _ran(roots[0].parent / "own", f"{PACKAGES}/shop/views.py", prefix="")
    check(own, both[1], roots, Expected(environment=str(roots[0].parent / "own")))


def test_nothing_seen(roots: tuple[Path, Path]) -> None:
    seen = _ran(roots[1], "shop/views.py")
    assert "no Python process of the baseline was seen" in _refused(Ran(), seen, roots)
    assert "no Python process of the work tree was seen" in _refused(_ran(roots[0], "shop/views.py"), Ran(), roots)


def test_the_project_as_it_is_installed(roots: tuple[Path, Path]) -> None:
    both = [_ran(root, "run.py", f".venv/{PACKAGES}/shop/views.py") for root in roots]
    check(both[0], both[1], roots, Expected())
    expected = Expected(not_installed=frozenset({"shop/views.py"}))
    assert "shop/views.py, which is the checkout's" in _refused(both[0], both[1], roots, expected)


def test_libraries_of_another_environment(roots: tuple[Path, Path]) -> None:
    both = [_ran(root, "run.py") for root in roots]
    own = Expected(environment=str(roots[0].parent / "own"))
    assert "the baseline ran with the libraries of" in _refused(both[0], both[1], roots, own)
    check(both[0], both[1], roots, Expected(environment=str(roots[1] / ".venv"), current=str(roots[1] / ".venv")))
    guessed = Expected(current=str(roots[1] / "conda"))
    assert "the work tree ran with the libraries of" in _refused(both[0], both[1], roots, guessed)


def test_a_temporary_folder_behind_a_link(roots: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(roots[0])
    both = [_ran(root, "run.py") for root in roots]
    check(both[0], both[1], (tmp_path / "link", roots[1]), Expected())
