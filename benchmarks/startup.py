"""Start-up: the CPU time of perfkit's commands up to their own work, against `python -c pass` and against its peers.

    python benchmarks/startup.py                    the perfkit beside this Python
    python benchmarks/startup.py --venvs 3.11 3.13  fresh environments with an ordinary installation

A command is refused by its own first check (`--color x`): it is found, imported, parsed and entered, and does nothing.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path

from bench import circumstances, environment, in_turn, interpreters, ratios, spend, table

VERSION, DISPATCH, HELP = 2.0, 6.0, 8.0
REFUSED = ("run", "attach", "report", "rule", "doctor", "demo", "list", "prune", "schema")
WORDS = {"run": ("--color", "x", "--", "y"), "attach": ("--color", "x", "y")}
HELPS = (("--help",), ("run", "--help"), ("report", "--help"))
# Whole commands with next to no work: what a user waits for before a mistake is answered. No target, for comparison.
ANSWERS = (
    ("run", "--", "nosuchcommand"),
    ("attach", "nosuchprocess"),
    ("report", "nosuchrecording"),
    ("rule", "nosuchrule"),
    ("rule", "hot-function"),
    ("list",),
    ("prune", "--keep", "5"),
    ("schema",),
)
PEERS = (
    ("py-spy", "--version"),
    ("pyinstrument", "--help"),
    ("pytest", "--version"),
    ("scalene", "--help"),
    ("memray", "--help"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--venvs", nargs="+", metavar="3.x", help="make an environment for each of these versions")
    options = parser.parse_args()
    print(circumstances() + "\n")
    if not options.venvs:
        measure(Path(sys.executable).parent, {}, options.rounds)
        return
    for python in interpreters(options.venvs):
        measure(*environment(python, ["pytest"], ["scalene", "memray"]), options.rounds)


def measure(folder: Path, missing: dict[str, str], rounds: int) -> None:
    """Every command once a round; ratios are taken round by round."""
    perfkit = str(folder / "perfkit")
    commands: dict[str, tuple[list[str], float | None]] = {
        "python -c pass": ([str(folder / "python"), "-c", "pass"], None),
        "python -c 'import typer'": ([str(folder / "python"), "-c", "import typer"], None),
        "perfkit --version": ([perfkit, "--version"], VERSION),
    }
    for name in REFUSED:
        commands[f"perfkit {name}, entered"] = ([perfkit, name, *WORDS.get(name, ("--color", "x"))], DISPATCH)
    for words in HELPS:
        commands[f"perfkit {' '.join(words)}"] = ([perfkit, *words], HELP)
    for words in ANSWERS:
        commands[f"perfkit {' '.join(words)}"] = ([perfkit, *words], None)
    for words in PEERS:
        if (folder / words[0]).exists():
            commands[" ".join(words)] = ([str(folder / words[0]), *words[1:]], None)
    with tempfile.TemporaryDirectory() as empty:
        for words, _ in commands.values():
            spend(words, cwd=empty)  # the first run compiles
        taken = in_turn(rounds, {name: partial(_cpu, words, empty) for name, (words, _) in commands.items()})
    version = "/".join(sorted({path.name for path in folder.parent.glob("lib/python3*")}))
    print(f"{version}, {rounds} rounds\n")
    base = taken["python -c pass"]
    rows = []
    for name, (_, target) in commands.items():
        ratio = statistics.median(ratios(taken[name], base))
        verdict = "" if target is None else f"{target:g}× {'held' if ratio <= target else 'MISSED'}"
        rows.append([f"`{name}`", f"{statistics.median(taken[name]) * 1000:.1f} ms", f"{ratio:.2f}×", verdict])
    table(("command", "CPU, median", "× `python -c pass`", "target"), rows)
    for name, why in missing.items():
        print(f"{name} is not measured: {why}\n")


def _cpu(words: list[str], folder: str) -> float:
    return spend(words, cwd=folder).cpu


if __name__ == "__main__":
    main()
