"""`perfkit gate` on a real server and a real script in a real repository: what fails, why and where, and what is left behind."""

from __future__ import annotations

import gzip
import json
import re
import signal
import subprocess
import sys
import time
from array import array
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import pytest

from git_repositories import Repository
from perfkit_command import Ended, Here

SHOP = """
import sqlite3
from flask import Flask, jsonify

app = Flask(__name__)
database = sqlite3.connect(":memory:", check_same_thread=False)
database.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)")
database.executemany("INSERT INTO item VALUES (?, ?)", [(n, f"item {n}") for n in range(500)])


def name(number):
    return database.execute("SELECT name FROM item WHERE id = ?", (number,)).fetchone()[0]


@app.get("/items/<int:first>")
def items(first):
    return jsonify([name(number) for number in range(first, first + 5)])


@app.get("/page")
def page():
    return jsonify(total=work(20_000))


def work(rounds):
    total = 0
    for number in range(rounds):
        total += number % 7
    return total
"""
ONE_MORE = SHOP.replace("    return jsonify([name", "    name(0)\n    return jsonify([name")
SLOWER = SHOP.replace("work(20_000)", "work(40_000)")
IN_ENVIRONMENT = """
import sqlite3, sys
sqlite3.connect(":memory:").execute("SELECT 1")
sys.exit(sys.prefix == sys.base_prefix)
"""
SERVER = (sys.executable, "-m", "flask", "--app", "shop", "run", "-p", "8123")
LOAD = ("--load", "http://127.0.0.1:8123/items/3", "--load", "http://127.0.0.1:8123/page")


@pytest.fixture
def repository(here: Here) -> Repository:
    made = Repository(here.folder)
    made.write(".gitignore", "__pycache__\n")
    made.commit("The shop", shop__py=SHOP)
    made.git("checkout", "-q", "-b", "feature")
    return made


def _gate(here: Here, *options: str, command: tuple[str, ...] = SERVER, **environment: str) -> Ended:
    return here("gate", "--baseline", "main", *options, "--", *command, **environment)


def _nothing_is_left(repository: Repository) -> bool:
    return len(repository.worktrees()) == 1 and not (repository.folder / ".perfkit").exists()


def test_one_statement_more_fails_with_its_place_and_commit(here: Here, repository: Repository) -> None:
    commit = repository.commit("Greet first", shop__py=ONE_MORE)
    ended = _gate(here, *LOAD, "--no-times", "--repeats", "5", "--report", "json=verdict.json")
    assert ended.code == 1
    assert "FAIL  GET /items/<int:first> runs 6 queries per request, was 5" in ended.err
    assert "6 times per request, 5 times before: SELECT name FROM item WHERE id = ?" in ended.err
    # The line that was changed, and not that of the statement, which was there before.
    line = ONE_MORE.splitlines().index("    name(0)") + 1
    assert f"where    shop.py:{line}, changed in {commit[:9]} (Greet first)" in ended.err
    found = json.loads((here.folder / "verdict.json").read_text())
    assert found["verdict"] == "fail"
    assert [(one["unit"], one["metric"]) for one in found["breaches"]] == [("GET /items/<int:first>", "queries")]
    assert _nothing_is_left(repository)


OWN_ROUTER = """
import sqlite3

database = sqlite3.connect(":memory:", check_same_thread=False)


async def app(scope, receive, send):
    if scope["type"] == "http":
        for number in range(3 if scope["path"] == "/a" else 5):
            database.execute("SELECT ?", (number,)).fetchall()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
"""


def test_an_application_with_its_own_router_is_compared_by_url(here: Here, repository: Repository) -> None:
    repository.commit("Its own router", shop__py=OWN_ROUTER)
    repository.git("branch", "-f", "main")
    repository.commit("One more", shop__py=OWN_ROUTER.replace("else 5", "else 6"))
    urls = ("--load", "http://127.0.0.1:8123/a", "--load", "http://127.0.0.1:8123/b")
    server = (sys.executable, "-m", "uvicorn", "shop:app", "--port", "8123")
    ended = _gate(here, *urls, "--no-times", "--repeats", "5", command=server)
    assert ended.code == 1, ended.err
    assert "FAIL  GET /b runs 6 queries per request, was 5" in ended.err
    assert "GET /a" not in ended.err


def test_what_did_not_change_passes(here: Here, repository: Repository) -> None:
    repository.commit("Words only", README__md="A shop.")
    ended = _gate(here, *LOAD, "--no-times", "--repeats", "5")
    assert (ended.code, ended.out) == (0, b"")
    assert "PASS  2 endpoints within budget" in ended.err


def test_two_workers_with_connections_of_their_own_pass(here: Here, repository: Repository) -> None:
    """Each opens its own with its first request, whenever that comes."""
    lazy = SHOP.replace("    return database.execute", "    return connected().execute").replace(
        "def name(", "def connected():\n    return database\n\n\ndef name("
    )
    lazy = lazy.replace(
        "return database\n", 'globals().setdefault("mine", sqlite3.connect("items.db"))\n    return mine\n'
    )
    repository.write(".gitignore", "__pycache__\n*.db\n")
    repository.commit("A connection for each worker", shop__py=lazy + _FILLED)
    repository.git("branch", "-f", "main")
    server = (sys.executable, "-m", "gunicorn", "-w", "2", "-b", "127.0.0.1:8123", "shop:app")
    ended = _gate(here, *LOAD, "--no-times", "--repeats", "10", command=server)
    assert ended.code == 0, ended.err
    assert "PASS  2 endpoints within budget" in ended.err


_FILLED = """
with sqlite3.connect("items.db") as filled:
    filled.execute("CREATE TABLE IF NOT EXISTS item (id INTEGER PRIMARY KEY, name TEXT)")
    filled.executemany("INSERT OR REPLACE INTO item VALUES (?, ?)", [(n, f"item {n}") for n in range(50)])
filled.close()
"""


@pytest.mark.alone
def test_twice_the_work_is_slower_and_is_explained(here: Here, repository: Repository) -> None:
    commit = repository.commit("Count further", shop__py=SLOWER)
    ended = _gate(here, *LOAD, "--repeats", "5", "--seconds", "60", "--report", "html=gate.html")
    assert ended.code == 1, ended.err
    assert "FAIL  GET /page takes" in ended.err
    _both_sides_are_in((here.folder / "gate.html").read_text(), ["work", "shop.py", "app"])
    assert "more CPU time" in ended.err
    assert f"changed in {commit[:9]} (Count further)" in ended.err
    assert "GET /items/<int:first> takes" not in ended.err
    assert _nothing_is_left(repository)


def _both_sides_are_in(page: str, name: list[str]) -> None:
    """Their stacks are one tree, though they lie in different folders."""
    block = re.search(r'<script id="flame-data"[^>]*>([^<]*)</script>', page)
    assert block is not None
    raw = gzip.decompress(b64decode(block[1]))
    n = int.from_bytes(raw[:4], "little")
    depth, numbers, baseline, current, _ = (array("I", raw[4 + 4 * n * k : 4 + 4 * n * (k + 1)]) for k in range(5))
    names = json.loads(raw[4 + 20 * n :])["names"]
    found = [node for node in range(n) if names[numbers[node]] == name]
    assert found and depth[found[0]] > 1
    assert 0 < baseline[found[0]] < current[found[0]]


@pytest.mark.alone
def test_a_script_is_compared_as_a_whole(here: Here, repository: Repository) -> None:
    repository.git("checkout", "-q", "main")
    repository.commit("A job", job__py="print(sum(n % 7 for n in range(1_000_000)))\n")
    repository.git("checkout", "-q", "-B", "feature")
    repository.commit("A longer job", job__py="print(sum(n % 7 for n in range(2_000_000)))\n")
    ended = _gate(here, command=(sys.executable, "job.py"))
    assert ended.code == 1
    assert "(the whole run) takes" in ended.err
    assert ended.out == b""


def test_budgets_and_the_command_from_pyproject(here: Here, repository: Repository) -> None:
    repository.commit("Greet first", shop__py=ONE_MORE)
    table = '[tool.perfkit.gate]\nbaseline = "main"\ntimes = false\nrepeats = 5\ncommand = {}\nload = {}\n[tool.perfkit.gate.budgets."GET /items/*"]\nqueries = {}\n'
    for limit, code in (("6", 0), ('"+1"', 0), ("5", 1)):
        repository.write("pyproject.toml", table.format(json.dumps(list(SERVER)), json.dumps(LOAD[1::2]), limit))
        assert here("gate").code == code, limit


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ('latency = "1s"', "there is no budget for latency"),
        ('p95 = "fast"', "p95 cannot be 'fast'"),
        ('"GET /gone" = { queries = 1 }', "no endpoint fits 'GET /gone'"),
    ],
)
def test_budgets_that_cannot_be(here: Here, repository: Repository, budget: str, said: str) -> None:
    repository.write("pyproject.toml", f"[tool.perfkit.gate.budgets]\n{budget}\n")
    assert said in _gate(here, *LOAD, "--no-times", "--repeats", "2").error(2)
    assert _nothing_is_left(repository)


def test_what_cannot_be_compared(here: Here, repository: Repository) -> None:
    assert "no branch, tag, commit or file mian" in here("gate", "--baseline", "mian", "--", "python", "x.py").error(3)
    assert "nothing to compare with" in here("gate", "--", "python", "x.py").error(2)
    said = _gate(here, "--load", "http://127.0.0.1:9999/", "--no-times").error(2)
    assert "does not say that it listens on port 9999" in said
    assert "--inconclusive perhaps is not known" in _gate(here, "--inconclusive", "perhaps").error(2)
    assert "no format of a verdict named 'jsn'" in _gate(here, "--report", "jsn=x").error(2)
    assert "names no file" in _gate(here, "--report", "json").error(2)
    assert _nothing_is_left(repository)


def test_a_workload_that_fails_is_never_green(here: Here, repository: Repository) -> None:
    said = _gate(here, "--load", "http://127.0.0.1:8123/nowhere", "--no-times", "--repeats", "2").error(5)
    assert "the baseline does not answer as it should (GET /nowhere: 5 × 404)" in said
    repository.commit("Broken", shop__py="import nothing_of_that_name\n")
    said = _gate(here, *LOAD, "--no-times", "--repeats", "2").error(5)
    assert "the current ended with" in said
    assert _nothing_is_left(repository)


def test_a_server_that_does_not_come_up_may_get_more_time(here: Here, repository: Repository) -> None:
    repository.commit("Sleepy", sleepy__py="import time\n\ntime.sleep(60)\n")
    repository.git("branch", "-f", "main")
    command = (sys.executable, "sleepy.py", "--port=8123")
    said = _gate(here, *LOAD, "--no-times", "--ready-timeout", "1", command=command).error(5)
    assert "the baseline could not be measured: the target did not answer within 1 s" in said
    assert "--ready-timeout" in said


def test_an_endpoint_that_the_baseline_does_not_have_is_new(here: Here, repository: Repository) -> None:
    more = SHOP + '\n\n@app.get("/first")\ndef first():\n    return name(0)\n'
    repository.commit("One item", shop__py=more)
    first = ("--load", "http://127.0.0.1:8123/first")
    ended = _gate(here, *LOAD, *first, "--no-times", "--repeats", "2")
    assert ended.code == 0, ended.err
    assert "PASS  2 endpoints within budget" in ended.err
    assert "GET /first  is new: nothing to compare it with" in ended.err
    repository.git("branch", "-f", "main")
    repository.commit("No items", shop__py=SHOP)
    said = _gate(here, *LOAD, *first, "--no-times", "--repeats", "2").error(5)
    assert "the current does not answer as it should (GET /first: 5 × 404)" in said


def test_an_answer_that_came_to_an_old_endpoint_is_not_compared(here: Here, repository: Repository) -> None:
    repository.write(
        "shop.py", SHOP.replace("def items(first):\n", "def items(first):\n    if first > 9:\n        return '', 404\n")
    )
    repository.git("commit", "-qam", "Nine items")
    repository.git("branch", "-f", "main")
    repository.commit("All items", shop__py=SHOP)
    many = ("--load", "http://127.0.0.1:8123/items/30")
    said = _gate(here, *LOAD, *many, "--no-times", "--repeats", "2").error(5)
    assert "the baseline does not answer as it should (GET /items/30: 5 × 404)" in said


def test_nothing_counted_and_nothing_timed_is_never_green(here: Here, repository: Repository) -> None:
    repository.commit("A job", job__py="pass\n")
    repository.git("branch", "-f", "main")
    assert "nothing was counted" in _gate(here, "--no-times", command=(sys.executable, "job.py")).error(5)


def test_a_baseline_that_imports_the_checkout_is_refused(here: Here, repository: Repository) -> None:
    repository.commit("A package", job__py="import helper\nhelper.work()\n")
    text = "def work():\n    for n in range(3_000_000):\n        n % 7\n"
    repository.write("lib/helper.py", text)
    repository.git("add", "-A")
    repository.git("commit", "-qm", "helper")
    repository.git("branch", "-f", "main")
    code = f"import sys; sys.path.insert(0, {str(repository.folder / 'lib')!r}); import helper; helper.work()"
    said = _gate(here, "--no-times", command=(sys.executable, "-c", code)).error(3)
    assert "both revisions would be the same code" in said


def test_an_environment_inside_the_repository_is_used_for_both(here: Here, repository: Repository) -> None:
    repository.write(".gitignore", "venv\n__pycache__\n")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(repository.folder / "venv")], check=True)
    repository.commit("A job", job__py=IN_ENVIRONMENT)
    repository.git("branch", "-f", "main")
    assert _gate(here, "--no-times", command=("venv/bin/python", "job.py")).code == 0


def test_ctrl_c_leaves_nothing(here: Here, repository: Repository, eventually: Callable[..., bool]) -> None:
    running = here.start("gate", "--baseline", "main", *LOAD, "--seconds", "60", "--", *SERVER)
    assert eventually(lambda: len(repository.worktrees()) == 2)
    time.sleep(1.0)
    running.send_signal(signal.SIGINT)
    assert running.wait(30) == 130
    assert _nothing_is_left(repository)
    assert not [path for path in Path("/proc").glob("[0-9]*/cwd") if str(repository.folder) in _leads_to(path)]


def test_ctrl_c_while_a_server_is_being_stopped(here: Here, repository: Repository) -> None:
    """Its requests are done by then, and the next count would begin."""
    at_its_end = "import atexit, os, signal\natexit.register(os.kill, os.getppid(), signal.SIGINT)\n"
    repository.commit("Interrupt perfkit", shop__py=at_its_end + SHOP)
    ended = _gate(here, *LOAD, "--no-times", "--repeats", "5")
    assert ended.code == 130, ended.err
    assert _nothing_is_left(repository)


def _leads_to(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def test_github_gets_annotations_and_a_summary(here: Here, repository: Repository) -> None:
    repository.commit("Greet first", shop__py=ONE_MORE)
    summary = here.folder / "summary.md"
    ended = _gate(here, *LOAD, "--no-times", "--repeats", "5", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    assert ended.code == 1
    assert ended.out.startswith(b"::error file=shop.py,line=")
    assert "GET /items/" in summary.read_text()


def test_a_summary_that_cannot_be_written_is_a_warning(here: Here, repository: Repository) -> None:
    repository.commit("A job", job__py="import sqlite3\nsqlite3.connect(':memory:').execute('SELECT 1')\n")
    repository.git("branch", "-f", "main")
    github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(here.folder / "nowhere" / "summary.md")}
    ended = _gate(here, "--no-times", command=(sys.executable, "job.py"), **github)
    assert ended.code == 0, ended.err
    assert "warning: the step's summary " in ended.err
    assert "cannot be written: No such file or directory" in ended.err


@pytest.mark.alone
def test_calibrating_tells_what_the_machine_can_see(here: Here, repository: Repository) -> None:
    repository.commit("A job", job__py="print(sum(n % 7 for n in range(300_000)))\n")
    repository.write("job.py", "raise SystemExit(9)\n")  # HEAD is measured, not the work tree
    ended = here("gate", "calibrate", "--minutes", "0.03", "--", sys.executable, "job.py")
    assert ended.code == 0, ended.err
    assert ended.text.startswith("(the whole run)  ")
    assert "unchanged code: " in ended.text
    assert "found in 19 gates of 20: " in ended.text
    assert _nothing_is_left(repository)
