"""Reports room: a verdict as workflow commands of GitHub Actions: one annotation a breach, and one for what is undecided.

A verdict comes in; lines that the runner reads from a job's log go out, none where all passed.
"""

from __future__ import annotations

import re

from perfkit.model.finding import Place
from perfkit.model.gate import Breach, Undecided, Verdict
from perfkit.reports.interface import RenderOptions
from perfkit.reports.relative import Paths
from perfkit.reports.visible import visible

_TITLE, _TEXT = 200, 2000  # characters: what is longer fills the page of a pull request
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_UP = re.compile(r"(?:^|/)\.\.(?:/|$)")


def render(verdict: Verdict, options: RenderOptions) -> str:
    lines = [_error(breach, verdict.root) for breach in verdict.breaches]
    lines += [_warning(one) for one in verdict.undecided]
    return "".join(line + "\n" for line in lines)


def in_repository(place: Place | None, root: str) -> str | None:
    """The file as the repository names it; None for what is not in it, because nothing can be annotated there: libraries,
    `<string>`, other folders."""
    if place is None or not place.file or place.file.startswith("<"):
        return None
    # An empty root would hold every absolute file.
    paths = Paths((root,) if root else ())
    file = paths.inside(place.file)
    library = paths.short(place.file) != file
    windows = _WINDOWS.match(place.file) is not None
    elsewhere = file == place.file and (windows or file.startswith("/"))
    file = (file.replace("\\", "/") if windows else file).lstrip("/")
    return None if library or elsewhere or not file or _UP.search(file) else file


def cut(text: str, length: int) -> str:
    """Untrusted text as one line of printable characters, at most so many of them."""
    shown = visible(text)
    return shown if len(shown) <= length else shown[: length - 1] + "…"


def _error(breach: Breach, root: str) -> str:
    properties = {}
    file = in_repository(breach.where, root)
    if breach.where is not None and file is not None:
        properties["file"] = file
        if breach.where.line > 0:
            properties["line"] = str(breach.where.line)
    properties["title"] = f"perfkit: {breach.unit} {breach.metric}"
    said = [breach.title, breach.why, f"budget: {breach.metric} {breach.budget}"]
    return _command("error", properties, [part for part in said if part])


def _warning(one: Undecided) -> str:
    return _command("warning", {"title": f"perfkit: {one.unit} {one.metric}"}, [f"undecided: {one.reason}"])


def _command(name: str, properties: dict[str, str], said: list[str]) -> str:
    # A file that is cut is another file.
    shown = {key: visible(value) if key == "file" else cut(value, _TITLE) for key, value in properties.items()}
    listed = ",".join(f"{key}={_property(value)}" for key, value in shown.items())
    return f"::{name} {listed}::{_message(chr(10).join(cut(part, _TEXT) for part in said))}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
