"""Run by a foreign interpreter, as a file: prints as JSON what it is, and what is installed beside it. Its arguments are the
distributions of which it tells the modules' files.

Python 3.8+, standard library only; nothing of perfkit is imported.
"""

from __future__ import annotations

import sys

# This folder has modules of its own names.
del sys.path[0]

import importlib.metadata  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import platform  # noqa: E402
import re  # noqa: E402
import sysconfig  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _installed(projects: list[str]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for one in importlib.metadata.distributions():
        name = re.sub(r"[-_.]+", "-", one.metadata["Name"] or "").lower()
        if name and name not in found:  # the first on the path is the one that is imported
            url = json.loads(one.read_text("direct_url.json") or "{}")
            wanted = name in projects or url.get("url", "").startswith("file:")
            files = [str(one.locate_file(file)) for file in one.files or ()] if wanted else []
            editable = bool(url.get("dir_info", {}).get("editable"))
            found[name] = [one.version, url.get("url"), editable, [file for file in files if file.endswith(".py")]]
    return found


sys.stdout.write(
    json.dumps(
        {
            "executable": sys.executable,
            "prefix": sys.prefix,
            "base": getattr(sys, "_base_executable", None) or sys.executable,
            "version": " ".join((platform.python_implementation(), platform.python_version())),
            "platform": sysconfig.get_platform(),
            "scripts": sysconfig.get_path("scripts"),
            "site": [path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages")],
            "conda": os.path.isdir(os.path.join(sys.prefix, "conda-meta")),
            "installed": _installed(sys.argv[1:]),
        }
    )
)
