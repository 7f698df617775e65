"""What must hold before a change goes in: `nox` runs all of it, `nox -s lint` one part."""

from __future__ import annotations

import tempfile
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "docs", "tests", "package"]
PYTHONS = ["3.11", "3.12", "3.13"]


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types, and the floors of the house."""
    _install(session, "test", "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")
    session.run("lint-imports")


@nox.session
def docs(session: nox.Session) -> None:
    """The generated pages are what the code says."""
    session.install("-e", ".")
    session.run("python", "docs/generate.py", "--check")


@nox.session
def gate(session: nox.Session) -> None:
    """perfkit's own gate: what a fixed report does, and what starting takes, against an earlier commit."""
    session.install("-e", ".")
    session.run(".ci/gate", external=True)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The test suite, on each Python that is there."""
    _install(session, "test")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python=PYTHONS[:1])
def attaches(session: nox.Session) -> None:
    """Fifty attaches for each kind of target, by bare code and by the whole probe, and a hundred kills of perfkit, where the
    suite makes a few: two hours. PERFKIT_TEST_NOTES names a file for memory and times."""
    _install(session, "test")
    session.run(
        "python",
        "-m",
        "pytest",
        "-n",
        "0",
        "tests/collectors/injection",
        env={"PERFKIT_TEST_ATTACHES": "50", "PERFKIT_TEST_LONG": "1"},
    )


@nox.session(python=PYTHONS[:1])
def long(session: nox.Session) -> None:
    """The tests that the suite leaves out: every commit of the examples' histories, every tool's lock file. Half an hour."""
    _install(session, "test")
    session.run("python", "-m", "pytest", "-m", "long", *session.posargs, env={"PERFKIT_TEST_LONG": "1"})


@nox.session
def package(session: nox.Session) -> None:
    """The wheel, built from the sdist and alone in a new environment, does the main job."""
    session.install("build")
    with tempfile.TemporaryDirectory() as folder:
        session.run("python", "-m", "build", "--outdir", folder)
        (wheel,) = Path(folder).glob("*.whl")
        session.run("python", "-m", "venv", f"{folder}/fresh")
        python = f"{folder}/fresh/bin/python"
        session.run(python, "-m", "pip", "install", "--quiet", str(wheel), external=True)
        with session.chdir(folder):
            session.run("fresh/bin/perfkit", "--version", external=True)
            session.run("fresh/bin/perfkit", "demo", "--duration", "3", external=True)


def _install(session: nox.Session, *groups: str) -> None:
    session.install("--upgrade", "pip")  # --group needs pip 25.1
    session.install("-e", ".", *(word for group in groups for word in ("--group", group)))
