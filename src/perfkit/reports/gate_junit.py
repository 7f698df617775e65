"""Reports room: a verdict as JUnit XML, which every CI server reads.

A verdict comes in; a document with one test suite goes out, a test case for each unit and metric on which there is an answer or
a reason for none. What is not judged, because it is not known and no budget asks, is no test case: green would say that it was.
"""

from __future__ import annotations

from xml.etree import ElementTree

from perfkit.model.gate import Breach, Verdict
from perfkit.reports.gate_github import in_repository
from perfkit.reports.interface import RenderOptions
from perfkit.reports.visible import visible

_Case = tuple[str, str]


def render(verdict: Verdict, options: RenderOptions) -> str:
    failed: dict[_Case, list[Breach]] = {}
    for breach in verdict.breaches:
        failed.setdefault((breach.unit, breach.metric), []).append(breach)
    reasons = {(one.unit, one.metric): one.reason for one in verdict.undecided}
    skipped = {case: reason for case, reason in reasons.items() if case not in failed}
    cases = list(dict.fromkeys([*failed, *skipped, *_held(verdict)]))
    numbers = {"tests": len(cases), "failures": len(failed), "errors": 0, "skipped": len(skipped)}
    attributes = {"name": "perfkit", **{name: str(number) for name, number in numbers.items()}}
    suites = ElementTree.Element("testsuites", attributes)
    suite = ElementTree.SubElement(suites, "testsuite", attributes)
    for case in cases:
        unit, metric = case
        element = ElementTree.SubElement(suite, "testcase", {"classname": visible(unit), "name": visible(metric)})
        if case in failed:
            _fail(element, failed[case], verdict.root)
        elif case in skipped:
            ElementTree.SubElement(element, "skipped", {"message": visible(skipped[case])})
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def _held(verdict: Verdict) -> list[_Case]:
    """What has an answer; breaches among them are known by their names. Wall time that is slower and no breach is told by the
    breach of CPU time; single statements and modules are parts of a count."""
    times = [(one.unit, one.clock) for one in verdict.times if one.status in ("same", "faster")]
    counts = [(one.key.unit, one.key.what) for one in verdict.counts if one.status != "flaky" and not one.key.name]
    return [*times, *counts]


def _fail(element: ElementTree.Element, breaches: list[Breach], root: str) -> None:
    file = in_repository(breaches[0].where, root)
    if breaches[0].where is not None and file is not None:
        element.set("file", visible(file))
        element.set("line", str(breaches[0].where.line))
    # Characters that XML forbids are control characters and surrogates, which `visible` spells out; the rest is escaped.
    failure = ElementTree.SubElement(element, "failure", {"message": visible(breaches[0].title), "type": "budget"})
    failure.text = "\n".join(_body(breach, root) for breach in breaches)


def _body(breach: Breach, root: str) -> str:
    lines = [visible(breach.title), f"budget   {visible(breach.metric)} {visible(breach.budget)}"]
    if breach.why:
        lines.append(f"why      {visible(breach.why)}")
    if breach.where is not None:
        file = in_repository(breach.where, root) or breach.where.file
        since = f", {visible(breach.since)}" if breach.since else ""
        lines.append(f"where    {visible(file)}:{breach.where.line}{since}")
    return "\n".join(lines)
