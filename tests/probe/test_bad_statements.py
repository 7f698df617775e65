"""Statements, routes, functions and files whose texts try to be something else: counted as they are, harmless in each report."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter

import pytest

from perfkit.recordings import load
from perfkit_command import Here, clean_environment

ODD = "tä;b (c)\n\x1b[31mred\x1b[0m<script>alert(1)</script>|`x` \x9b32m \u202e 😀"
PROGRAM = f"""
import os, sqlite3, sys
import flask

ODD = {ODD!r}
database = sqlite3.connect(":memory:", check_same_thread=False)

def answer(*asked):
    try:
        return repr(database.execute(*asked).fetchall())[:80]
    except Exception as error:
        return (type(error).__name__ + ": " + str(error)[:80])

def show(*asked):
    print(ascii(answer(*asked)))

show("SELECT 1 /* " + "x" * 5_000_000 + " */")
show("SELECT " + "(" * 50_000)
show("SELECT '" + "é" * 1_000_000 + "'")
show("SELECT 1\\0 UNION SELECT 2")
show('SELECT "\\ud800"')
show("SELECT ?", ("\\udcff",))
show("SELECT '😀' AS \\"😀\\"")
show(b"SELECT 1")
show("")
show(";;;")
show("-- a comment alone")
show("SELECT 'it does not end")
show("SELECT /* it does not end")
show("\\ufeffSELECT 1")
quoted = '"' + ODD.replace('"', '""') + '"'
show("CREATE TABLE " + quoted + " (a)")

source = '''
def named(database):
    for number in range(30):
        database.execute("SELECT * FROM " + quoted + " WHERE a = ?", (number,)).fetchall()
    return sum(number * number for number in range(300_000))
'''
file = os.path.join(os.getcwd(), ODD.replace("/", "_") + ".py")
with open(file, "w") as written:
    written.write(source)
space = {{"quoted": quoted, "__name__": "mödule"}}
exec(compile(source, file, "exec"), space)
named = space["named"]
changed = {{"co_name": ODD}}
if sys.version_info >= (3, 11):
    changed["co_qualname"] = ODD
named.__code__ = named.__code__.replace(**changed)

application = flask.Flask("a name")
@application.route("/" + ODD.replace("/", "_").replace("<", "").replace(">", "") + "/<int:number>")
def handler(number):
    named(database)
    return "done"

with application.test_client() as client:
    with application.test_request_context():
        address = flask.url_for("handler", number=5)
    for _ in range(20):
        print(client.get(address).data)
"""
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.fixture
def measured(here: Here) -> Here:
    (here.folder / "program.py").write_text(PROGRAM)
    words = [sys.executable, "program.py"]
    alone = subprocess.run(words, cwd=here.folder, capture_output=True, env=clean_environment(), check=False)
    assert (alone.returncode, alone.stdout.count(b"done")) == (0, 20), alone.stderr
    ended = here.run(*words)
    assert (ended.code, ended.out) == (0, alone.stdout), ended.err
    assert not CONTROL.search(ended.err)
    return here


def test_they_are_counted_and_shown_as_text(measured: Here) -> None:
    (recording,) = measured.recordings
    found = load(recording)
    texts = Counter(found.names[span.name].text for span in found.spans if span.kind == "sql")
    (told,) = [text for text in texts if "WHERE a = ?" in text]
    assert texts[told] == 600
    assert max(map(len, texts)) <= 20_001
    (endpoint,) = {request.endpoint for request in found.requests}
    assert endpoint.startswith("GET /tä,b(c)?") and endpoint.endswith("/<int:number>")
    assert {gap.what.split(" ", 1)[1] for gap in found.gaps} <= {"stacks"}, "py-spy ends a line where a name does"
    for format in ("terminal", "concise", "json", "markdown", "html", "speedscope", "collapsed"):
        shown = measured("report", "--format", format)
        assert shown.code == 0, shown.err
        assert not CONTROL.search(shown.out.decode("utf-8")), format
        if format == "html":
            assert "<script>alert" not in shown.text
        if format in ("json", "speedscope"):
            json.loads(shown.out)
