"""The gate on the histories of two services: each commit against its parent. It fails for those that were planted, with the right
endpoint, line and commit, and passes for all others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import environments
from databases import Database
from every_day import first
from perfkit_command import CONSOLE_SCRIPT, clean_environment

EXAMPLES = Path(__file__).parents[2] / "examples"
LONGEST = 900.0
PATIENT = ("--ready-timeout", "300")  # servers of a machine with other work
SECONDS = 200  # of timing, at most; far less on a machine that is quiet
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

pytestmark = pytest.mark.real


@dataclass(frozen=True)
class Service:
    """The history of an example in a repository. `variables` lead to its database and to a cache for the baseline's libraries."""

    folder: Path
    variables: dict[str, str]

    def checkout(self, subject: str) -> str:
        """The commit's name. The Python of its libraries is the first of the PATH afterwards."""
        commits = dict(line.split(" ", 1)[::-1] for line in self.git("log", "--format=%h %s", "main").splitlines())
        self.git("checkout", "-q", commits[subject])
        return commits[subject]

    def subjects(self) -> list[str]:
        return self.git("log", "--first-parent", "--reverse", "--format=%s", "main").splitlines()

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", "-C", self.folder, *words], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def line(self, text: str, file: str) -> int:
        lines = (self.folder / file).read_text().splitlines()
        return next(number for number, line in enumerate(lines, 1) if text in line)

    def python(self) -> Path:
        """Of an environment with what the commit that is checked out requires."""
        required = (self.folder / "requirements.txt").read_text().split()
        return environments.build(environments.Environment(PYTHON, tuple(required)))

    def perfkit(self, *words: str) -> subprocess.CompletedProcess[str]:
        scripts = self.python().parent
        path = f"{scripts}{os.pathsep}{os.environ['PATH']}"
        variables = clean_environment(**self.variables) | {"PATH": path, "VIRTUAL_ENV": str(scripts.parent)}
        return subprocess.run(
            [CONSOLE_SCRIPT, *words], cwd=self.folder, env=variables, capture_output=True, text=True, timeout=LONGEST
        )

    def gate(self, *options: str) -> tuple[int, dict[str, Any]]:
        """Its exit code and its verdict."""
        report = self.folder / ".git" / "verdict.json"
        report.unlink(missing_ok=True)
        done = self.perfkit("gate", *options, "--report", f"json={report}")
        assert report.exists(), done.stderr
        return done.returncode, json.loads(report.read_text())

    def counts(self, subject: str) -> tuple[int, dict[str, Any]]:
        self.checkout(subject)
        return self.gate("--no-times", "--repeats", "3", *PATIENT)

    def times(self, subject: str, *paths: str) -> tuple[int, dict[str, Any]]:
        self.checkout(subject)
        urls = [f"--load=http://127.0.0.1:8000{path}" for path in paths]
        return self.gate("--repeats", "3", *PATIENT, "--seconds", str(SECONDS), *urls)


def _service(example: str, folder: Path, variables: dict[str, str]) -> Service:
    place = folder / "service"
    subprocess.run([sys.executable, EXAMPLES / "history.py", example, place], check=True)
    made = Service(place, {"XDG_CACHE_HOME": str(folder / "cache"), **variables})
    seeding = {**os.environ, **made.variables}
    subprocess.run([made.python(), "seed.py"], cwd=place, env=seeding, check=True)
    return made


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Service:
    return _service("gate-django", tmp_path_factory.mktemp("shop"), {})


@pytest.fixture(scope="module")
def hotels(tmp_path_factory: pytest.TempPathFactory, postgres: Database) -> Service:
    url = postgres.fresh().url("psycopg")
    return _service("gate-fastapi", tmp_path_factory.mktemp("hotels"), {"DATABASE_URL": url})


SHOP_QUERY, SHOP_ALGORITHM, SHOP_LIBRARY = "Say newest in one place", "Names by their words", "Mistune 3"
HOTELS_QUERY, HOTELS_ALGORITHM = "Bookings load their place", "Bookings in order"
HOTELS_LIBRARY, HOTELS_FASTER = "The tomli that all services have", "Count rooms where they are"


OTHERS: list[tuple[str, dict[str, list[str]]]] = [
    ("Customers see their orders", {"appeared": ["GET /customers/<int:pk>/"]}),
    (SHOP_LIBRARY, {"notes": ["libraries differ: mistune 2.0.5 → 3.1.3"]}),
    ("Merge filter-by-category", {}),
    ("Say what the database is", {}),
    ("Prices have a module of their own", {}),
    ("Views are pages", {}),
    (SHOP_ALGORITHM, {}),  # nothing that is counted
    ("Nobody wants the CSV", {}),
    ("Join the customers, sort once", {}),
]


@pytest.mark.parametrize(("subject", "said"), first(2, OTHERS))
def test_counts_of_other_commits_pass(shop: Service, subject: str, said: dict[str, list[str]]) -> None:
    code, verdict = shop.counts(subject)
    assert (code, verdict["breaches"], verdict["undecided"]) == (0, [], [])
    assert {name: verdict[name] for name in ("appeared", "vanished", "notes")} == {
        "appeared": [],
        "vanished": [],
        "notes": [],
        **said,
    }
    assert len(shop.git("worktree", "list").splitlines()) == 1


def test_a_join_that_went_with_a_refactoring(shop: Service) -> None:
    code, verdict = shop.counts(SHOP_QUERY)
    assert code == 1
    (breach,) = verdict["breaches"]
    assert breach["title"] == "GET /orders/ runs 31 queries per request, was 6"
    assert breach["why"].startswith("25 times per request, and not run before: SELECT")
    assert 'FROM "catalogue_customer"' in breach["why"]
    line = shop.line("Order.objects.newest()", "catalogue/views.py")
    assert breach["where"] == {"file": "catalogue/views.py", "line": line, "function": "order_list"}
    assert f"changed in {shop.checkout(SHOP_QUERY)[:7]}" in breach["since"]
    assert f"({SHOP_QUERY})" in breach["since"]


def test_a_relation_that_is_not_loaded_any_more(hotels: Service) -> None:
    code, verdict = hotels.counts(HOTELS_QUERY)
    assert code == 1
    (breach,) = verdict["breaches"]
    assert breach["title"] == "GET /bookings runs 16 queries per request, was 1"
    assert "FROM guest" in breach["why"]
    assert breach["where"]["file"] == "app/main.py"
    assert breach["where"]["line"] == hotels.line("newest = select(Booking)", "app/main.py")
    assert f"({HOTELS_QUERY})" in breach["since"]


def test_an_endpoint_that_came(hotels: Service) -> None:
    code, verdict = hotels.counts("The days of a guest")
    assert (code, verdict["breaches"], verdict["appeared"]) == (0, [], ["GET /guests/{id}"])


@pytest.mark.long
def test_the_history_names_the_commits_that_changed_a_count(hotels: Service) -> None:
    subjects = hotels.subjects()
    assert len(subjects) == 11
    for subject in subjects:
        hotels.checkout(subject)
        done = hotels.perfkit("gate", "record", "--notes", "--no-times", "--repeats", "2", *PATIENT)
        assert done.returncode == 0, (subject, done.stderr)
    shown = hotels.perfkit("gate", "history", "queries", "--in", "notes").stdout
    query, faster = (hotels.checkout(subject) for subject in (HOTELS_QUERY, HOTELS_FASTER))
    steps = [line.split() for line in shown.splitlines() if " → " in line]
    assert [(words[:3], words[4][:7], words[5:]) for words in steps] == [
        (["1", "→", "16"], query[:7], HOTELS_QUERY.split()),
        (["2", "→", "1"], faster[:7], HOTELS_FASTER.split()),
    ]


LONGER = [
    (
        "hotels",
        HOTELS_LIBRARY,
        ("/tariffs/summer", "/version"),
        "GET /tariffs/{code}",
        "",
        "",
        ["libraries differ: tomli 2.2.1 → 2.0.1"],
    ),
    (
        "hotels",
        HOTELS_ALGORITHM,
        ("/hotels/3/calendar", "/version"),
        "GET /hotels/{id}/calendar",
        "calendar",
        "app/calendar.py",
        [],
    ),
    (
        "shop",
        SHOP_ALGORITHM,
        ("/search?q=oak+table", "/products/7/"),
        "GET /search",
        "ranked",
        "catalogue/texts.py",
        [],
    ),
    (
        "shop",
        SHOP_LIBRARY,
        ("/pages/delivery/", "/products/7/"),
        "GET /pages/<slug:slug>/",
        "",
        "",
        ["libraries differ: mistune 2.0.5 → 3.1.3"],
    ),
]


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.parametrize(
    ("service", "subject", "paths", "unit", "function", "file", "notes"),
    LONGER,
)
def test_what_takes_longer(
    request: pytest.FixtureRequest,
    service: str,
    subject: str,
    paths: tuple[str, ...],
    unit: str,
    function: str,
    file: str,
    notes: list[str],
) -> None:
    history: Service = request.getfixturevalue(service)
    code, verdict = history.times(subject, *paths)
    assert code == 1, verdict
    assert {breach["unit"] for breach in verdict["breaches"]} == {unit}
    first = verdict["breaches"][0]
    assert first["metric"] == "cpu"
    assert verdict["notes"] == notes
    if function:
        assert first["where"]["file"] == file
        assert first["where"]["function"].split(".")[0] == function
        assert f"({subject})" in first["since"]


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.parametrize(
    ("service", "subject", "path"),
    [
        ("shop", "Prices have a module of their own", "/products/7/"),
        ("hotels", "Queries have a module of their own", "/hotels/3/calendar"),
    ],
)
def test_other_commits_take_no_longer(request: pytest.FixtureRequest, service: str, subject: str, path: str) -> None:
    """On a busy machine there may be no answer, but never this one."""
    code, verdict = request.getfixturevalue(service).times(subject, path)
    assert (code in (0, 4), verdict["breaches"]) == (True, [])
