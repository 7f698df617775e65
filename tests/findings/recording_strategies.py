"""Any recording at all, for property tests: threads, processes, requests, waiting, imports, holders of the interpreter lock."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from perfkit.model.recording import Request

SHOP = """
class Shop:
    def unique(self, rows):
        seen = []
        for row in rows:
            if row in seen:  #<search>
                continue
            seen.append(row)  #<append>
        return seen

    def locked(self, rows):
        with self._lock:  #<take>
            rows = self.unique(rows)  #<inside>
        time.sleep(0.1)  #<sleep>
        self.socket.sendall(rows)  #<send>
        return [row for row in rows if row in self.known]  #<filter>

def both(rows):
    text = ""
    seen = []
    for row in rows:
        text += str(row)  #<grow>
        if row in seen:  #<again>
            seen.remove(row)  #<remove>
    import pandas  #<import>
    import plotting  #<import-too>

def work(rows):
    for row in rows:
        Shop().locked(row)  #<call>
"""
SOURCES = {"shop.py": SHOP}

IMPORT = (
    "_find_and_load@<frozen importlib._bootstrap>:1176; _call_with_frames_removed@<frozen importlib._bootstrap>:241"
)
APP = [
    *(
        f"Shop.{function}@shop.py#{mark}"
        for function, mark in [
            ("unique", "search"),
            ("unique", "append"),
            ("locked", "take"),
            ("locked", "inside"),
            ("locked", "sleep"),
            ("locked", "send"),
            ("locked", "filter"),
        ]
    ),
    *(f"both@shop.py#{mark}" for mark in ("grow", "again", "remove", "import", "import-too")),
    "work@shop.py#call",
    "<lambda>@jobs.py:4",
    "Shop.locked.<locals>.<listcomp>@shop.py#filter",
    "__eq__@models.py:9",
]
LIBRARY = [
    "dumps@std/json/__init__.py:238",
    "compile@std/re/_compiler.py:743",
    "compile@std/re/__init__.py:227",
    "deepcopy@std/copy.py:128",
    "info@std/logging/__init__.py:1489",
    f"{IMPORT}; <module>@lib/pandas/__init__.py:31",
    "both@shop.py#import-too; _find_and_load@<frozen importlib._bootstrap>:1176; <module>@lib/plotting/__init__.py:3",
    "execute@lib/django/db/backends/utils.py:87",
    "to_representation@lib/rest_framework/serializers.py:686",
    "render@lib/jinja2/environment.py:1300",
    "measure@lib/svgchart/text.py:12",
    "draw@lib/svgchart/draw.py:99",
    "recv_into@std/ssl.py:1166",
]
WAITING = [
    "select@std/selectors.py:468",
    "get@std/queue.py:171",
    "_worker@std/concurrent/futures/thread.py:81",
    "accept@std/socket.py:294",
    "wait@std/threading.py:629",
    "join@std/threading.py:1112",
]
SERVER = ["flask>", "django>", "celery>", "fastapi>", "script>", "run@std/threading.py:975"]
SCRIPT = ["script>", "run@std/threading.py:975"]
THREADS = ["MainThread", "worker 1", "worker 2", "pool_0"]


@st.composite
def texts(draw: st.DrawFn) -> str:
    rows = []
    entries = draw(st.sampled_from([SERVER, SCRIPT]))
    for _ in range(draw(st.integers(1, 12))):
        segments = [f"thread {draw(st.sampled_from(THREADS))}", f"process {draw(st.sampled_from([1, 1, 1, 2]))}"]
        if draw(st.booleans()):
            first = draw(st.integers(1, 4))
            segments.append(f"windows {first}-{draw(st.integers(first, 4))}")
        if draw(st.integers(0, 5)) == 0:
            segments.append("gil")
        segments.append(draw(st.sampled_from(entries)))
        segments.extend(draw(st.lists(st.sampled_from(APP + LIBRARY), max_size=5)))
        if draw(st.integers(0, 3)) == 0:
            segments.append(draw(st.sampled_from(WAITING)))
        rows.append("; ".join(segments) + f" {draw(st.integers(1, 200))}")
    return "\n".join(rows)


requests = st.lists(
    st.builds(
        Request,
        endpoint=st.sampled_from(["/a", "/b"]),
        start=st.floats(0, 5),
        seconds=st.floats(0, 2),
        status=st.sampled_from([0, 200, 500]),
    ),
    max_size=4,
)
runs = st.fixed_dictionaries(
    {},
    optional={
        "warmup": st.sampled_from([0.0, 0.5]),
        "ready_at": st.sampled_from([None, 0.3]),
        "exclude": st.just(("work",)),
        "engine": st.sampled_from(["py-spy", "pyinstrument"]),
        "sealed": st.booleans(),
    },
)


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    """Arguments of `recording_of`."""
    return {
        "text": draw(texts()),
        "sources": SOURCES,
        "windows": 4,
        "cpu": draw(st.dictionaries(st.sampled_from(THREADS), st.floats(0, 1), max_size=4)),
        "requests": draw(requests),
        "run": draw(runs),
    }
