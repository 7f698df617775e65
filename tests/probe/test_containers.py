"""What a process keeps is found wherever it hangs, counted rightly, and nothing of the application runs for it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from probe_spool import environment_for, read_spool

KEEPS = """
import collections, functools, json, sys, types

ORDERS = {}
NAMES = []
SEEN = set()
RECENT = collections.deque(maxlen=5000)
TEXT = "x" * 100
class Store(dict):
    def __len__(self):
        raise SystemExit("called")
    def __iter__(self):
        raise SystemExit("called")
STORE = Store()
class Cart:
    shared = []
    class Line:
        parts = {}
    def __init__(self):
        self.entries = {}
class Service:
    def __init__(self):
        self.cart = Cart()
SERVICE = Service()
@functools.lru_cache(maxsize=None)
def price_of(key):
    return [key] * 10
@functools.lru_cache(maxsize=100)
def tax_of(key):
    return key
def remembered(function):
    kept = {}
    @functools.wraps(function)
    def inner(key):
        kept.setdefault(key, function(key))
        return kept[key]
    return inner
@remembered
def title_of(key):
    return str(key)
def collect(one, into=[]):
    into.append(one)
def counted(key):
    counted.calls[key] = 1
counted.calls = {}

def fill(n):
    for i in range(len(ORDERS), len(ORDERS) + n):
        ORDERS[i] = NAMES.append(i)
        SEEN.add(i); RECENT.append(i); dict.__setitem__(STORE, i, i)
        Cart.shared.append(i); Cart.Line.parts[i] = i; SERVICE.cart.entries[i] = i
        price_of(i); price_of(i); tax_of(i); title_of(i); collect(i); counted(i)
"""
NAMES = {
    "keeps.ORDERS": "dict",
    "keeps.NAMES": "list",
    "keeps.SEEN": "set",
    "keeps.RECENT": "deque",
    "keeps.STORE": "Store",
    "keeps.Cart.shared": "list",
    "keeps.Cart.Line.parts": "dict",
    "keeps.SERVICE.cart.entries": "dict",
    "keeps.price_of()": "lru_cache",
    "keeps.title_of (variable kept)": "dict",
    "keeps.collect (default)": "list",
    "keeps.counted.calls": "dict",
}


def ran(tmp_path: Path, python: str, script: str, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    project, spool = tmp_path / "app", tmp_path / "spool"
    project.mkdir()
    spool.mkdir(mode=0o700)
    (project / "keeps.py").write_text(KEEPS)
    (project / "main.py").write_text(script)
    ended = subprocess.run(
        [python, *options, str(project / "main.py")],
        env=environment_for(spool, project) | variables,
        cwd=project,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended


LOOK = """
import json, keeps
from perfkit_probe import container_sizes, containers
found = []
for n in (100, 50):
    keeps.fill(n)
    looked = {kept.name: kept for kept in containers.Look().run()}
    found.append({name: (k.kind, k.length, k.file, k.path, k.line, k.bound, k.hits, k.misses, container_sizes.size_of(k))
                  for name, k in looked.items() if name.startswith("keeps.")})
print(json.dumps(found))
"""


def test_everything_that_lives_as_long_as_the_process_is_found(tmp_path: Path, python: str) -> None:
    first, second = json.loads(ran(tmp_path, python, LOOK).stdout)
    lengths = {name: (kept[0], kept[1]) for name, kept in first.items() if kept[1] == 100}
    assert lengths == {name: (kind, 100) for name, kind in NAMES.items()} | {"keeps.tax_of()": ("lru_cache", 100)}
    assert {name for name, kept in second.items() if kept[1] == 150} == set(NAMES)
    assert second["keeps.tax_of()"][1] == 100


def test_places_limits_and_sizes(tmp_path: Path, python: str) -> None:
    _, found = json.loads(ran(tmp_path, python, LOOK).stdout)
    lines = KEEPS.split("\n")
    file, _, line, bound, hits, misses, size = found["keeps.price_of()"][2:]
    assert (bound, hits, misses) == (-1, 150, 150)
    assert file.endswith("keeps.py") and lines[line - 1].startswith("@functools.lru_cache(maxsize=None)")
    assert size > 150 * (56 + 80)  # a list of ten each, and its key
    assert found["keeps.tax_of()"][5] == 100
    assert found["keeps.Cart.Line.parts"][3] == "Cart.Line.parts"
    assert found["keeps.SERVICE.cart.entries"][3] == "Cart.self.entries"
    assert lines[found["keeps.title_of (variable kept)"][4] - 1].strip() == "@functools.wraps(function)"


SHORTER = """
import json, sys, keeps
from perfkit_probe import containers

def lengths(look):
    return {kept.name: kept.length for kept in look.run()}

keeps.fill(100)
whole = containers.Look()
before = lengths(whole)
keeps.fill(50)
keeps.LATE = {}
shorter = containers.Look(frozenset(whole.barren))
after = lengths(shorter)
visited = len(shorter._seen) - len(whole.barren)
print(json.dumps([before, after, len(whole._seen), visited, lengths(containers.Look())]))
"""


def test_a_look_that_passes_by_what_held_nothing_misses_nothing_that_grows(tmp_path: Path, python: str) -> None:
    before, after, everything, visited, again = json.loads(ran(tmp_path, python, SHORTER).stdout)
    own = "__main__."  # what this very program keeps
    assert {name for name in before if not name.startswith(own)} <= after.keys()
    assert {name: length for name, length in again.items() if not name.startswith(own)} == {
        name: length for name, length in after.items() if not name.startswith(own)
    }
    assert after["keeps.LATE"] == 0
    assert {name for name in NAMES if after[name] == 150} == set(NAMES)
    assert visited < everything / 2


STUBBORN = """
import sys, types
class Proxy:
    def __getattribute__(self, name):
        raise SystemExit("called")
    __class__ = property(lambda self: sys.exit("called"))
    __dict__ = property(lambda self: sys.exit("called"))
class Meta(type):
    def __getattribute__(cls, name):
        raise SystemExit("called")
    def __instancecheck__(cls, one):
        raise SystemExit("called")
    def __eq__(cls, other):
        raise SystemExit("called")
    __hash__ = type.__hash__
class Odd(metaclass=Meta):
    pass
class Lazy(types.ModuleType):
    def __getattr__(self, name):
        raise SystemExit("called")
class Slotted:
    __slots__ = ("kept",)
PROXY, ODD, SLOTTED = Proxy(), Odd, Slotted()
class Key(str):
    def __eq__(self, other):
        raise SystemExit("called")
    __hash__ = str.__hash__
globals()[Key("strange")] = {}
sys.modules["lazy"] = Lazy("lazy")
sys.modules["none"] = None
loop = {}
loop["self"] = loop
class Node:
    pass
NODE = Node()
NODE.next = NODE
from perfkit_probe import container_sizes, containers
names = [kept.name for kept in containers.Look().run()]
for kept in containers.Look().run():
    container_sizes.size_of(kept)
print("__main__.loop" in names, "__main__.ODD" in names)
"""


def test_nothing_of_the_application_is_called(tmp_path: Path, python: str) -> None:
    assert ran(tmp_path, python, STUBBORN).stdout == "True False\n"


GROWS = """
import keeps, time
from perfkit_probe import memory_looks
for step in range(5):
    keeps.fill(60)
    memory_looks.tell(float(step))
"""


def test_what_grows_is_told_at_each_look_from_then_on(tmp_path: Path, python: str) -> None:
    ran(tmp_path, python, GROWS)
    from perfkit.collectors.probe_events import Definition, events

    (file,) = (tmp_path / "spool").glob("events-*")
    told = [event.fields for event, _ in events(file.read_bytes()) if isinstance(event, Definition)]
    looks = [fields for fields in told if len(fields) == 11 and fields[1] == "keeps.ORDERS"]
    assert [(fields[0], fields[6]) for fields in looks] == [(f"{n}.0", str(60 * (n + 1))) for n in range(1, 5)]
    assert not any("tax_of" in fields[1] for fields in told if len(fields) == 11 and int(fields[6]) < 100)


SMALL = """
import gc, sys
from perfkit_probe import containers
class Inner:
    def __init__(self, *entries):
        self.entries = list(entries)
class Outer:
    def __init__(self, inner):
        self.name, self.inner, self.number = "x", inner, 1
def plain(): pass
def counted(): pass
counted.calls = []
class Wide(tuple):
    pass
WIDE = Wide(range(100))
WIDE.kept = list(range(60))
NOTHING, FEW, MANY = Outer(None), Outer(Inner(1, 2)), Outer(Inner(*range(60)))
def dicts(one):
    return [type(part) for part in gc.get_referents(one)].count(dict)
before = list(map(dicts, (NOTHING, FEW, FEW.inner, plain)))
def named(barren):
    look = containers.Look(barren, 50)
    print(sorted(kept.name.replace("__main__.", "") for kept in look.run() if "__main__" in kept.name))
    return frozenset(look.barren)
barren = named(frozenset())
print(list(map(dicts, (NOTHING, FEW, FEW.inner, plain))) == before)
FEW.inner.entries.extend(range(60))
counted.calls.extend(range(60))
named(barren)
print(id(NOTHING) in barren, id(FEW) in barren)
"""


def test_what_holds_little_is_left_as_it_is(tmp_path: Path, some_python: str) -> None:
    """No object is given a `__dict__` that it did not have, and what has come to hold much is found by the next look."""
    assert ran(tmp_path, some_python, SMALL).stdout.splitlines() == [
        "['MANY.inner.entries', 'WIDE.kept']",
        "True",
        "['FEW.inner.entries', 'MANY.inner.entries', 'WIDE.kept', 'counted.calls']",
        "True False",
    ]


FORKS = """
import os, sys, time, warnings
warnings.simplefilter("error")
from perfkit_probe import memory_watch
began = memory_watch._thread is not None
for _ in range(3):
    pid = os.fork()
    if pid == 0:
        alive = memory_watch._thread is not None
        sys.stdout.write("child %s\\n" % alive); sys.stdout.flush()
        os._exit(0)
    os.waitpid(pid, 0)
print("parent", began)
"""


def test_a_process_forks_without_a_warning(tmp_path: Path, python: str) -> None:
    ended = ran(tmp_path, python, FORKS, "-W", "error", PERFKIT_TARGET_MEMORY="1")
    assert ended.stdout == "child True\n" * 3 + "parent True\n"
    assert ended.stderr == ""
    assert len(read_spool(tmp_path / "spool")) == 4


WATCHED = """
import keeps, os, sys, time
end = time.monotonic() + 30
while time.monotonic() < end:
    keeps.fill(20)
    time.sleep(0.02)
    spool = os.environ["PERFKIT_SPOOL"]
    texts = [open(os.path.join(spool, name), "rb").read() for name in os.listdir(spool)]
    if sum(text.count(b"keeps.ORDERS") for text in texts) >= 3:
        print("told")
        break
"""


def test_the_thread_tells_while_the_process_works(tmp_path: Path, some_python: str) -> None:
    assert ran(tmp_path, some_python, WATCHED, PERFKIT_TARGET_MEMORY="1").stdout == "told\n"


def test_without_the_wish_nothing_of_it_is_loaded(tmp_path: Path, python: str) -> None:
    code = "import sys; print([name for name in sys.modules if 'memory_watch' in name or 'containers' in name])"
    assert ran(tmp_path, python, code).stdout == "[]\n"
    assert "PERFKIT_TARGET_MEMORY" not in os.environ
