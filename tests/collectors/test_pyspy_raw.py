"""py-spy's raw text: odd names are read, nothing makes the parser fail, and nothing is dropped in silence."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.collectors.pyspy_raw import RawFrame, RawStack, parse, parse_line


def frame(function: str, file: str = "/srv/app.py", line: int = 5) -> RawFrame:
    return RawFrame(function, file, line)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "thread (4380): MainThread;main (/srv/app.py:12);work (/srv/app.py:5) 17",
            RawStack(4380, "MainThread", (frame("main", line=12), frame("work")), 17),
        ),
        ("thread (0x7F2A);work (/srv/app.py:5) 1", RawStack(0x7F2A, "", (frame("work"),), 1)),
        ("work (/srv/app.py:5) 3", RawStack(None, "", (frame("work"),), 3)),
        (
            "thread (7): ThreadPoolExecutor-0_0;work (/srv/app.py:5) 2",
            RawStack(7, "ThreadPoolExecutor-0_0", (frame("work"),), 2),
        ),
        (
            "thread (7): pool (io) 3;work (/srv/app.py:5) 2",
            RawStack(7, "pool (io) 3", (frame("work"),), 2),
        ),
        (
            "thread (7): M;<lambda> (/srv/a b (1).py:5);<module> (<string>:1) 2",
            RawStack(7, "M", (frame("<lambda>", "/srv/a b (1).py"), frame("<module>", "<string>", 1)), 2),
        ),
        (
            r"thread (7): M;work (C:\Users\me\app.py:5) 2",
            RawStack(7, "M", (frame("work", r"C:\Users\me\app.py"),), 2),
        ),
        (
            "thread (7): M;Outer.f.<locals>.<genexpr> (/srv/app.py:5) 2",
            RawStack(7, "M", (frame("Outer.f.<locals>.<genexpr>"),), 2),
        ),
        (
            "thread (7): M;größe (/srv/naïve/日本.py:5) 2",
            RawStack(7, "M", (frame("größe", "/srv/naïve/日本.py"),), 2),
        ),
        ("thread (7): M;work (/srv/app.py) 2", RawStack(7, "M", (frame("work", line=0),), 2)),
        ("thread (7): M;work (libc.so.6) 2", RawStack(7, "M", (frame("work", "libc.so.6", 0),), 2)),
        (
            "thread (7): M;render (/srv/a;b.py:5);work (/srv/app.py:5) 2",
            RawStack(7, "M", (frame("render", "/srv/a;b.py"), frame("work")), 2),
        ),
        ("thread (7): M 9", RawStack(7, "M", (), 9)),
    ],
)
def test_reads(line: str, expected: RawStack) -> None:
    assert parse_line(line) == expected


@pytest.mark.parametrize("line", ["", "nonsense", "work (/srv/app.py:5)", "work 3", "work (/srv/app.py:5) -3", "a;b 1"])
def test_what_is_not_a_stack_is_none(line: str) -> None:
    assert parse_line(line) is None


def test_unreadable_lines_come_out_as_text() -> None:
    assert list(parse(["garbage\n", "\n", "work (/srv/app.py:5) 3\n"])) == [
        "garbage",
        RawStack(None, "", (frame("work"),), 3),
    ]


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_no_text_makes_it_fail(line: str) -> None:
    assert parse_line(line) is None or isinstance(parse_line(line), RawStack)


pieces = st.text(alphabet="thread (4380): Main;/srv.py<>λ7\\", max_size=40)


@settings(max_examples=500, deadline=None)
@given(pieces)
def test_no_almost_right_text_makes_it_fail(line: str) -> None:
    assert parse_line(f"thread (1): {line} 3") is None or isinstance(parse_line(f"{line} 3"), RawStack | None)


names = st.text(alphabet="abcxyz_.<>-λ0129", min_size=1, max_size=12)
files = st.builds(
    lambda folder, stem: f"{folder}{stem}.py",
    st.sampled_from(["/srv/", "/srv/my app/", "/srv/copy (2)/", "C:\\Users\\", "/sr;v/"]),
    st.text(alphabet="abc _-", min_size=1, max_size=8),
)
stacks = st.builds(
    RawStack,
    st.integers(1, 2**31),
    st.text(alphabet="abcABC-_ 019()", max_size=12).map(str.strip),
    st.lists(st.builds(RawFrame, names, files, st.integers(1, 10**5)), min_size=1, max_size=8).map(tuple),
    st.integers(1, 10**6),
)


@settings(max_examples=300, deadline=None)
@given(stacks)
def test_what_pyspy_would_write_is_read_back(stack: RawStack) -> None:
    frames = ";".join(f"{f.function} ({f.file}:{f.line})" for f in stack.frames)
    name = f": {stack.thread}" if stack.thread else ""
    assert parse_line(f"thread ({stack.tid}){name};{frames} {stack.n}") == stack


def test_a_long_line_is_read_in_linear_time() -> None:
    """A backtracking parser would not come back from this within the suite's patience."""
    depth = 3000
    line = "thread (1): M;" + ";".join(["recurse (/srv/app.py:5)"] * depth) + " 4"
    stack = parse_line(line)
    assert stack is not None
    assert len(stack.frames) == depth
