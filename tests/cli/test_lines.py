"""`--lines` and `perfkit zoom`: exact hits of the hottest functions' lines, in a server and in a script, on several Pythons."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from perfkit_command import PYENV, Here

JOB = """\
def slow(rows):
    total = 0
    for row in rows:
        total += len(str(row))
    return total


def main():
    for _ in range({turns}):
        slow(range(50_000))
    print("done")


main()
"""
SERVER = """\
from flask import Flask

app = Flask(__name__)


def listed(rows):
    parts = []
    for row in rows:
        parts.append(f"<li>{row}</li>")
    return "".join(parts)


@app.get("/list")
def view():
    return listed(range(3000))
"""


def lines_of(report: dict[str, Any], function: str) -> dict[int, tuple[int, float]]:
    (zoomed,) = (one for one in report["lines"] if one["function"] == function)
    return {line["line"]: (line["hits"], line["seconds"]) for line in zoomed["lines"]}


def pythons() -> list[Any]:
    found = {".".join(path.name.split(".")[:2]): path / "bin/python" for path in sorted(PYENV.glob("3.*"))}
    return [
        pytest.param(str(found[name]) if name in found else "", id=name, marks=[] if name in found else missing(name))
        for name in ("3.9", "3.11", "3.12", "3.13")
    ]


def missing(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skip(reason=f"Python {name} is not installed")


@pytest.mark.parametrize("python", pythons())
def test_a_short_script_runs_once_more_for_its_lines(here: Here, python: str) -> None:
    (here.folder / "job.py").write_text(JOB.format(turns=12))
    ended = here.run(python, "job.py", options=("--lines",))
    assert ended.code == 0, ended.err
    assert ended.text == "done\ndone\n"
    assert "runs it once more" in ended.err
    report = here.report()
    # The file begins with a function: the module begins at the same line, and is none.
    assert "<module>" not in {one["function"] for one in report["lines"]}
    counted = lines_of(report, "slow")
    assert {line: hits for line, (hits, _) in counted.items()} == {2: 12, 3: 12 * 50_001, 4: 12 * 50_000, 5: 12}
    assert counted[4][1] > counted[2][1]
    assert [gap for gap in report["gaps"] if "lines" in gap["what"]] == []
    assert "total += len(str(row))" in ended.err


def test_a_server_is_sampled_first_and_followed_in_the_same_run(here: Here) -> None:
    (here.folder / "shop.py").write_text(SERVER)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = (sys.executable, "-m", "gunicorn", "--no-control-socket", "-b", f"127.0.0.1:{port}", "shop:app")
    ended = here.run(*words, options=("-q", "--lines", "-d8", f"--load=http://127.0.0.1:{port}/list"))
    assert ended.code == 0, ended.err
    report = here.report()
    (zoomed,) = (one for one in report["lines"] if one["function"] == "listed")
    hits = {line["line"]: line["hits"] for line in zoomed["lines"]}
    calls = zoomed["calls"]
    # The last second may be missing, and the call that was under way.
    assert calls > 20
    assert hits[9] == pytest.approx(3000 * calls, rel=0.1)
    assert hits[7] == pytest.approx(calls, abs=2)
    requests = next(endpoint["requests"] for endpoint in report["endpoints"] if endpoint["endpoint"] == "GET /list")
    assert calls < requests


def test_zoom_puts_lines_into_a_recording_and_leaves_its_ranks(here: Here) -> None:
    (here.folder / "job.py").write_text(JOB.format(turns=30))
    assert here.run(sys.executable, "job.py", options=("-q",)).code == 0
    before = here.report()
    ended = here("zoom", "latest")
    assert ended.code == 0, ended.err
    after = here.report()
    assert before["lines"] == [] and lines_of(after, "slow")[2][0] == 30
    assert [finding["key"] for finding in after["findings"]] == [finding["key"] for finding in before["findings"]]
    assert after["accounting"] == before["accounting"]
    again = here("zoom", "latest", "-q", "--", sys.executable, "job.py")
    assert again.code == 0, again.err
    assert lines_of(here.report(), "slow")[2][0] == 30


def test_a_recording_from_elsewhere_does_not_say_what_is_run(here: Here, tmp_path: Path) -> None:
    (here.folder / "job.py").write_text("open('ran', 'a').write('x')\n" + JOB.format(turns=30))
    assert here.run(sys.executable, "job.py", options=("-q", "-o", "shop.perfkit")).code == 0
    said = here("zoom", "shop.perfkit").error(2)
    assert "its command is not run" in said
    assert (here.folder / "ran").read_text() == "x"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "--lines", "--no-probe", "--", "true"), "--lines counts inside the target"),
        (("run", "--lines", "--engine", "cprofile", "--", "true"), "--lines counts inside the target"),
        (("zoom", "none"), "there is no recording"),
    ],
)
def test_mistakes(here: Here, words: tuple[str, ...], message: str) -> None:
    assert message in here(*words).error(2)


def test_a_script_without_functions_has_no_lines_and_says_so(here: Here) -> None:
    (here.folder / "job.py").write_text("total = 0\nfor n in range(3_000_000):\n    total += n\n")
    ended = here.run(sys.executable, "job.py", options=("--lines",))
    assert ended.code == 0, ended.err
    assert "no function of the project that is worth a closer look" in ended.err
    assert json.loads(here("report", "-f", "json").out)["lines"] == []
