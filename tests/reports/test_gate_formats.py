"""A verdict in each format: a reader of that format reads it back, and no text of a stranger becomes more than text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import jsonschema
import pytest
from gate_verdicts import (
    HOSTILE,
    ORDERS,
    PAGE,
    REPORT,
    ROOT,
    endless,
    failing,
    hostile,
    inconclusive,
    passing,
)
from markdown_it import MarkdownIt

from perfkit.model.finding import Place
from perfkit.model.gate import Verdict
from perfkit.reports import GATE_FORMATS, RenderOptions
from perfkit.reports.gate_github import in_repository
from perfkit.reports.gate_schema import SCHEMA

NAMES = ("json", "markdown", "github", "junit", "sarif", "gitlab", "openmetrics")
VERDICTS = (failing, passing, inconclusive, hostile)
PARSER = MarkdownIt("commonmark", {"html": True}).enable("table")


def told(name: str, verdict: Verdict) -> str:
    return GATE_FORMATS.load(name)(verdict, RenderOptions())


def cases(verdict: Verdict) -> dict[tuple[str | None, str | None], ElementTree.Element]:
    suite = ElementTree.fromstring(told("junit", verdict).encode()).find("testsuite")
    assert suite is not None
    assert suite.get("name") == "perfkit"
    found = {(case.get("classname"), case.get("name")): case for case in suite}
    for attribute, inner in (("tests", "."), ("failures", "failure"), ("skipped", "skipped")):
        assert suite.get(attribute) == str(sum(case.find(inner) is not None for case in suite))
    return found


def series(verdict: Verdict) -> dict[tuple[str, ...], float]:
    """Name, then labels as `name=value`, in their order."""
    lines = told("openmetrics", verdict).split("\n")
    assert lines[-2:] == ["# EOF", ""]
    assert "# EOF" not in lines[:-2]
    found = {}
    for line in lines[:-2]:
        match = re.fullmatch(r'(\w+)(?:\{((?:\w+="(?:[^"\\]|\\[\\"n])*",?)+)\})? (\S+)', line)
        assert match or re.match(r"# (TYPE|UNIT|HELP) perfkit_gate_\w+ ", line), line
        if match:
            labels = re.findall(r'(\w+="(?:[^"\\]|\\.)*")', match[2] or "")
            key = (match[1], *(label.replace('"', "") for label in labels))
            assert key not in found
            found[key] = float(match[3])
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("make", [*VERDICTS, endless])
def test_what_goes_out_is_text_without_control_characters(name: str, make: Callable[[], Verdict]) -> None:
    text = told(name, make())
    assert text.encode("utf-8").decode() == text
    assert text == told(name, make())
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800\uffff]", text)
    assert text.endswith("\n") or (name == "github" and make is passing)


@pytest.mark.parametrize("make", VERDICTS)
def test_json_fits_its_schema(make: Callable[[], Verdict]) -> None:
    verdict = make()
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    document = json.loads(told("json", verdict), parse_constant=pytest.fail)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert document["verdict"] == verdict.answer
    for field in ("breaches", "undecided", "times", "counts", "appeared", "vanished", "notes"):
        assert len(document[field]) == len(getattr(verdict, field))


def test_json_names_files_below_the_root_and_unknown_numbers_null() -> None:
    breach, other = json.loads(told("json", failing()))["breaches"]
    assert breach["where"] == {"file": "shop/views.py", "line": 36, "function": "orders"}
    assert other["where"] is None
    document = json.loads(told("json", hostile()))
    assert document["breaches"][0]["unit"] == HOSTILE.replace("\ud800", "\\ud800")
    assert [document["times"][0][field] for field in ("change", "low", "sees")] == [None, None, None]
    broken = document | {"times": [document["times"][0] | {"clock": "sun"}]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, SCHEMA)


def test_the_comment_says_why_where_and_how_much() -> None:
    text = told("markdown", failing())
    assert text.startswith("<!-- perfkit-gate -->\n### ❌ perfkit: GET /orders runs 181 queries per request, was 121\n")
    page = PARSER.render(text)
    assert "<strong>Where</strong> <code>shop/views.py:36</code> in <code>orders()</code>, added in a1b2c3d" in page
    assert "60 times a request, and was not run before" in page
    rows = [re.findall(r"<td.*?>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", page, re.S)]
    assert [f"❌ <code>{ORDERS}</code>", "52.4 ms", "72.1 ms", "+38%", "121 → 181"] in rows
    assert [f"❔ <code>{REPORT}</code>", "100 ms", "101 ms", "+1.0%", "–"] in rows
    before, _, folded = page.partition("<details>")
    assert f"<code>{PAGE}</code>" in folded
    assert f"<code>{PAGE}</code>" not in before
    assert "1 endpoint unchanged (slowdowns of 2.1% or more would have been seen)" in folded


def test_the_comment_heads_with_the_answer() -> None:
    assert told("markdown", passing()).split("\n")[1] == "### ✅ perfkit: 2 endpoints within budget"
    assert "| ✅ `GET /quiet` | – | – | – | – |" in told("markdown", passing())
    assert told("markdown", inconclusive()).split("\n")[1].startswith("### ❔ perfkit: nothing is shown to be slower")


def test_hostile_text_is_no_markup_of_the_comment() -> None:
    page = PARSER.render(told("markdown", hostile()))
    tags = set(re.findall(r"</?(\w+)", page))
    assert tags <= {"h3", "p", "strong", "br", "code", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}
    assert page.count("<!--") == 1
    outside = re.sub(r"<code>.*?</code>", "", page, flags=re.S)
    assert "@everyone" not in outside
    assert "@\u2060everyone" in outside
    assert len(re.findall(r"<td", page)) == 5


def test_the_comment_is_bounded_and_counts_what_it_leaves_out() -> None:
    text = told("markdown", endless())
    assert 50_000 < len(text) <= 65_536
    assert "And 7 breaches more" in text
    assert "50 more are in the JSON report" in text
    shown = len(re.findall(r"^\| [❌❔✅]", text, re.M))
    left = sum(int(number.replace(",", "")) for number in re.findall(r"^([\d,]+) endpoints? did not fit", text, re.M))
    assert shown + left == 2000
    assert text.count("<details>") == text.count("</details>\n") == 1


def test_annotations_stand_at_their_lines() -> None:
    first, second, third = told("github", failing()).splitlines()
    assert first == (
        "::error file=shop/views.py,line=36,title=perfkit%3A GET /orders queries"
        "::GET /orders runs 181 queries per request, was 121"
        "%0A60 times a request, and was not run before: SELECT * FROM coupon%0Abudget: queries +0"
    )
    assert second.startswith("::error title=perfkit%3A GET /orders cpu::")
    assert third.startswith("::warning title=perfkit%3A GET /report cpu::undecided: +1.0%25")
    assert told("github", passing()) == ""


def test_hostile_text_is_no_command_of_its_own() -> None:
    lines = told("github", hostile()).splitlines()
    assert len(lines) == 2
    for line in lines:
        match = re.fullmatch(r"::(error|warning) ([^:]*)::(.*)", line)
        assert match
        assert not re.search(r"%(?!25|0A|3A|2C)", line)
        assert {part.split("=")[0] for part in match[2].split(",")} <= {"file", "line", "title"}


def test_junit_has_a_case_for_what_was_judged() -> None:
    found = cases(failing())
    failed = {case for case, element in found.items() if element.find("failure") is not None}
    assert failed == {(ORDERS, "queries"), (ORDERS, "cpu")}
    skipped = found[REPORT, "cpu"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "+1.0%, between −4.0% and +6.0%"
    assert set(found) - failed == {(REPORT, "cpu"), (PAGE, "cpu"), (PAGE, "queries")}
    assert found[ORDERS, "queries"].get("file") == "shop/views.py"
    assert [len(element) for element in cases(passing()).values()] == [0, 0]


def test_hostile_text_is_text_in_xml() -> None:
    found = cases(hostile())
    assert len(found) == 2
    assert {element.tag for case in found.values() for element in case.iter()} == {"testcase", "failure", "skipped"}
    assert all("<script>" in str(unit) and "\\x00" in str(unit) for unit, _ in found)


def sarif_run(verdict: Verdict) -> dict[str, Any]:
    log = json.loads(told("sarif", verdict))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("perfkit", verdict.perfkit_version)
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
    return dict(run)


def test_sarif_has_places_fingerprints_and_notes() -> None:
    placed, other, undecided = sarif_run(replace(failing(), perfkit_version="1.2"))["results"]
    assert [one["level"] for one in (placed, other, undecided)] == ["error", "error", "note"]
    assert placed["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "shop/views.py", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 36},
    }
    anywhere = {"uri": "pyproject.toml", "uriBaseId": "%SRCROOT%"}
    for one in (other, undecided):
        assert one["locations"][0]["physicalLocation"]["artifactLocation"] == anywhere
    assert placed["partialFingerprints"] != other["partialFingerprints"]
    moved = replace(failing(), breaches=tuple(replace(one, current=999, why=None) for one in failing().breaches))
    assert sarif_run(moved)["results"][0]["partialFingerprints"] == placed["partialFingerprints"]
    assert sarif_run(passing())["results"] == []


def test_hostile_text_is_no_link_and_no_other_address_in_sarif() -> None:
    failed, _ = sarif_run(hostile())["results"]
    assert "](http" not in failed["message"]["text"]
    uri = failed["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert re.fullmatch(r"(?:[\w.~/-]|%[0-9A-F]{2})+", uri)
    assert unquote(uri) == f"{HOSTILE}.py".replace("\ud800", "?")


def test_gitlab_has_a_place_for_each() -> None:
    placed, other = json.loads(told("gitlab", failing()))
    assert placed["location"] == {"path": "shop/views.py", "lines": {"begin": 36}}
    assert other["location"] == {"path": "pyproject.toml", "lines": {"begin": 1}}
    assert placed["fingerprint"] == sha256(b"GET /orders queries").hexdigest()
    assert {placed["severity"], other["severity"]} == {"major"}
    assert [placed["check_name"], other["check_name"]] == ["perfkit-gate-queries", "perfkit-gate-cpu"]
    assert json.loads(told("gitlab", passing())) == []
    (strange,) = json.loads(told("gitlab", hostile()))
    assert strange["description"].isprintable()


def test_openmetrics_has_both_sides() -> None:
    found = series(failing())
    assert found["perfkit_gate_passed",] == 0
    assert found["perfkit_gate_cpu_seconds", f"unit={ORDERS}", "side=baseline"] == 0.0524
    assert found["perfkit_gate_count", f"unit={ORDERS}", "what=queries", "side=current"] == 181
    assert not any("what=statement" in key for key in found)
    assert series(passing())["perfkit_gate_passed",] == 1
    assert series(inconclusive())["perfkit_gate_passed",] == 0
    # The change is infinite and left out; the seconds are known.
    assert [key[0] for key in series(hostile())].count("perfkit_gate_change_ratio") == 0
    assert [key[0] for key in series(hostile())].count("perfkit_gate_cpu_seconds") == 2


@pytest.mark.parametrize("make", VERDICTS)
def test_numbers_agree_between_formats(make: Callable[[], Verdict]) -> None:
    verdict = make()
    document = json.loads(told("json", verdict))
    breaches, undecided = len(document["breaches"]), len(document["undecided"])
    assert len(json.loads(told("gitlab", verdict))) == breaches
    levels = [result["level"] for result in sarif_run(verdict)["results"]]
    assert (levels.count("error"), levels.count("note")) == (breaches, undecided)
    lines = told("github", verdict).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error"] * breaches + ["::warning"] * undecided
    found = cases(verdict).values()
    assert sum(case.find("failure") is not None for case in found) == breaches
    assert sum(case.find("skipped") is not None for case in found) == undecided
    exported = [value for key, value in series(verdict).items() if key[0] == "perfkit_gate_change_ratio"]
    assert exported == [one["change"] for one in document["times"] if one["change"] is not None]


@pytest.mark.parametrize(
    ("file", "root", "named"),
    [
        (f"{ROOT}/shop/views.py", ROOT, "shop/views.py"),
        ("shop/views.py", ROOT, "shop/views.py"),
        (f"{ROOT}//evil.example/x.py", ROOT, "evil.example/x.py"),
        ("C:\\work\\shop\\views.py", "C:\\work", "shop/views.py"),
        ("C:\\other\\views.py", "C:\\work", None),
        ("/etc/back\\slash.py", ROOT, None),
        (f"{ROOT}/.venv/lib/python3.12/site-packages/django/db.py", ROOT, None),
        (f"{ROOT}/../other.py", ROOT, None),
        ("/etc/passwd", ROOT, None),
        ("/etc/passwd", "", None),
        ("<string>", ROOT, None),
    ],
)
def test_only_files_of_the_repository_are_annotated(file: str, root: str, named: str | None) -> None:
    assert in_repository(Place(file, 1, "f", "app"), root) == named
