"""Wheels of a module or two, made on the spot, and virtual environments that hold them: no index is asked."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path


def wheel(
    folder: Path,
    name: str,
    version: str,
    modules: Mapping[str, str],
    *requires: str,
    scripts: Mapping[str, str] | None = None,
) -> Path:
    """A pure one in `folder`. `modules` are sources by path, `scripts` entry points by name."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files = {
        **modules,
        f"{info}/METADATA": metadata + "".join(f"Requires-Dist: {one}\n" for one in requires),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if scripts:
        files[f"{info}/entry_points.txt"] = "[console_scripts]\n" + "".join(
            f"{one} = {where}\n" for one, where in scripts.items()
        )
    record = f"{info}/RECORD"
    files[record] = "".join(f"{file},,\n" for file in (*files, record))
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"{info.removesuffix('.dist-info')}-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return made


class Environment:
    """A virtual environment, without pip unless told."""

    def __init__(self, folder: Path, pip: bool = False) -> None:
        without = [] if pip else ["--without-pip"]
        subprocess.run([sys.executable, "-m", "venv", *without, str(folder)], check=True)
        self.folder = folder
        self.python = folder / "bin" / "python"
        self.site = next(iter(folder.glob("lib/python3*/site-packages")))

    def install(self, *wheels: Path, url: str | None = None) -> None:
        for made in wheels:
            with zipfile.ZipFile(made) as archive:
                archive.extractall(self.site)
            info = next(iter(self.site.glob(f"{made.name.split('-py3')[0]}.dist-info")))
            if url is not None:
                (info / "direct_url.json").write_text(f'{{"url": "{url}", "dir_info": {{}}}}')

    def script(self, name: str, where: str) -> Path:
        """As an installer writes one."""
        module, _, function = where.partition(":")
        path = self.folder / "bin" / name
        path.write_text(f"#!{self.python}\nimport sys\nfrom {module} import {function}\nsys.exit({function}())\n")
        path.chmod(0o755)
        return path


def versions(python: Path) -> dict[str, str]:
    """Of what is installed beside an interpreter."""
    code = "import importlib.metadata as m; print(*(f'{d.name}={d.version}' for d in m.distributions()))"
    said = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout
    return dict(one.split("=") for one in said.split())
