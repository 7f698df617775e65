"""Whether the probe starts in a Python: an interpreter comes in, one check goes out, made by starting it there."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

from perfkit.collectors.probe import ProbeCollector
from perfkit.collectors.probe_events import Definition, GarbledError, events
from perfkit.shared.diagnosis import Check

_WAIT = 20.0
_TIMES = 3  # the first start writes the compiled files
_LEFT_OUT = ("perfkit run --no-probe -- COMMAND   (samples alone)",)
_IMPORTED = re.compile(r"^import time:\s*(\d+) \|\s*(\d+) \|\s*(sitecustomize|perfkit_probe[.\w]*)\s*$", re.MULTILINE)
_OWN_VARIABLES = ("PERFKIT_", "PYTHON")


def probe(interpreter: str, folder: str) -> Check:
    """Runs `interpreter` as `perfkit run` starts a target, `folder` being where the probe lies. It must say hello."""
    try:
        version, times = _start(interpreter, folder)
        for _ in range(_TIMES - 1):
            times = min(times, _start(interpreter, folder)[1])
    except (OSError, subprocess.SubprocessError) as error:
        return Check("warn", f"probe: {interpreter} cannot be tried: {error}", _LEFT_OUT)
    if version is None or not times:
        return Check("warn", f"probe: it does not start in {interpreter}; requests and SQL are not timed", _LEFT_OUT)
    whole, own = (seconds * 1000 for seconds in times)
    text = (
        f"probe: loads in {whole:.0f} ms in Python {version}, {own:.0f} ms of it its own and the rest standard library"
    )
    return Check("ok", f"{text}; requests and SQL are timed")


def _start(interpreter: str, folder: str) -> tuple[str | None, tuple[float, ...]]:
    """Which Python said hello; the seconds of loading, in all and without the standard library's modules."""
    with tempfile.TemporaryDirectory(prefix="perfkit-") as spool:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_OWN_VARIABLES)}
        environment |= {"PYTHONPATH": folder, **ProbeCollector.variables(spool, (spool,), False, False)}
        done = subprocess.run(
            [interpreter, "-X", "importtime", "-c", "pass"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_WAIT,
            env=environment,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        version = _hello(Path(spool))
    found = [(int(own), int(whole), name) for own, whole, name in _IMPORTED.findall(done.stderr)]
    whole = [whole * 1e-6 for _, whole, name in found if name == "sitecustomize"]
    return version, (whole[0], sum(own for own, _, _ in found) * 1e-6) if whole else ()


def _hello(spool: Path) -> str | None:
    """The version of the Python that wrote there."""
    for file in spool.glob("events-*"):
        try:
            for event, _ in events(file.read_bytes()):
                if isinstance(event, Definition) and event.kind == "hello":
                    return event.fields[2]
        except (GarbledError, OSError, IndexError):
            continue
    return None
