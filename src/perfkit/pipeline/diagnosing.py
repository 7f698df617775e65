"""Whether measuring works here: the rooms' own checks in the order in which a user meets them."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit import __version__
from perfkit.model.recording import Run
from perfkit.pipeline.collecting import PROBE_FOLDER
from perfkit.pipeline.reporting import render, report_of

if TYPE_CHECKING:
    from perfkit.shared.diagnosis import Check


def diagnose(folder: Path, pid: int | None) -> Iterator[Check]:
    """What works on this machine, for recordings kept in `folder`, and on a running process. Each is tried as it is asked
    for. Raises PerfkitError (1) for a pid that is gone."""
    from perfkit.collectors import checkup, checkup_process
    from perfkit.recordings.checkup import folder as recordings_folder
    from perfkit.shared.diagnosis import Check

    if pid is not None:
        yield from checkup_process.process(pid, PROBE_FOLDER)
    yield Check("ok", f"perfkit {__version__} on Python {platform.python_version()}, {' '.join(os.uname()[::4])}")
    yield from checkup.machine(PROBE_FOLDER)
    yield recordings_folder(folder)
    yield _offline_report()


def _offline_report() -> Check:
    """Makes a recording and its HTML report, and looks for anything that a browser would fetch."""
    from perfkit.recordings import Writer
    from perfkit.shared.diagnosis import Check
    from perfkit.shared.offline import fetched
    from perfkit.shared.units import size

    with tempfile.TemporaryDirectory(prefix="perfkit-") as spool:
        path = Path(spool, "empty.perfkit")
        run = Run(__version__, "run", "py-spy", "python", spool, (spool,), time.time(), 0.0, 100.0, 1, "")
        Writer(path, run).seal(run)
        html = render(report_of(path, ()), "html")
    addresses = fetched(html)
    if addresses:
        return Check("warn", f"report: the HTML asks the network for {len(addresses)} files, first {addresses[0]}")
    return Check("ok", f"report: HTML opens offline ({size(len(html.encode()))} shell, 0 files from the network)")
