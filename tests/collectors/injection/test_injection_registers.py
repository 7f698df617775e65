"""What a thread holds in its registers is the same afterwards: integers, vectors, the old floating-point stack."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from injected import Run, until_it_computes

from perfkit.collectors.injection import Refused, inject

pytestmark = pytest.mark.real

SOURCE = r"""
/* Fills the vector registers and pushes pi, waits, and writes down what is there then, below the stack pointer too. */
#define EACH(what) what(0) what(1) what(2) what(3) what(4) what(5) what(6) what(7) \
                   what(8) what(9) what(10) what(11) what(12) what(13) what(14) what(15)
#define LOAD(n) "vmovdqu 32*" #n "(%%r12), %%ymm" #n "\n"
#define STORE(n) "vmovdqu %%ymm" #n ", 32*" #n "(%%r13)\n"
void keeps(const char *in, char *out, const volatile int *over, long pipe, long spins) {
    char byte;
    register const char *r12 __asm__("r12") = in;
    register char *r13 __asm__("r13") = out;
    register const volatile int *r14 __asm__("r14") = over;
    register long r15 __asm__("r15") = pipe;
    register char *rbx __asm__("rbx") = &byte;
    __asm__ volatile(
        EACH(LOAD) "fldpi\n"
        "movq %%r12, -8(%%rsp)\n movq %%r12, -128(%%rsp)\n"
        "test %[spins], %[spins]\n jz 2f\n"
        "1: cmpl $0, (%%r14)\n je 1b\n jmp 3f\n"
        "2: xorl %%eax, %%eax\n mov %%r15, %%rdi\n mov %%rbx, %%rsi\n movl $1, %%edx\n syscall\n"
        "cmp $-4, %%rax\n je 2b\n"
        "3: movq -8(%%rsp), %%rax\n movq %%rax, 528(%%r13)\n movq -128(%%rsp), %%rax\n movq %%rax, 536(%%r13)\n"
        "fstpt 512(%%r13)\n" EACH(STORE) "vzeroupper\n"
        : : "r"(r12), "r"(r13), "r"(r14), "r"(r15), "r"(rbx), [spins] "r"(spins)
        : "rax", "rcx", "rdx", "rdi", "rsi", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
          "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}
"""
BODY = """
import ctypes, threading, time
library = ctypes.CDLL({library!r})
held = os.urandom(512)
out = ctypes.create_string_buffer(544)
flag = ctypes.c_int(0)
there, here = os.pipe()
def release():
    while not over():
        time.sleep(0.005)
    flag.value = 1
    os.write(here, b"x")
thread = threading.Thread(target=release)
thread.start()
print("computes", flush=True)
library.keeps(held, out, ctypes.byref(flag), ctypes.c_long(there), ctypes.c_long({spins}))
assert out.raw[:512] == held, (out.raw, held)
assert out.raw[512:522].hex() == "35c26821a2da0fc90040", out.raw[512:].hex()
assert out.raw[528:] == 2 * ctypes.cast(held, ctypes.c_void_p).value.to_bytes(8, "little"), out.raw[528:]
thread.join()
"""


@pytest.fixture
def library(tmp_path: Path, requires: Callable[..., str]) -> Path:
    if " avx " not in Path("/proc/cpuinfo").read_text():
        pytest.skip("this processor has no AVX")
    code = tmp_path / "keeps.c"
    code.write_text(SOURCE)
    done = tmp_path / "keeps.so"
    subprocess.run(
        [requires("gcc", "clang"), "-O1", "-mno-red-zone", "-shared", "-fPIC", "-mavx", "-o", done, code], check=True
    )
    return done


def test_while_it_waits(run: Run, spool: Path, python: str, library: Path) -> None:
    program = run(python, BODY.format(library=str(library), spins=0))
    source = f"{program.payload}\n[0.1 * number for number in range(1000)]"
    program.inject(spool)
    inject(program.pid, source, spool=str(spool), timeout=60)
    program.finish()
    assert program.runs() == 2


def test_while_it_computes_and_what_came_too_late_never_runs(
    run: Run, spool: Path, some_python: str, library: Path
) -> None:
    """One long call into C: nothing can run before it has returned."""
    program = run(some_python, BODY.format(library=str(library), spins=1))
    until_it_computes(program)
    for _ in range(3):
        with pytest.raises(Refused, match=r"one long call.*will not run any more"):
            program.inject(spool, timeout=0.3)
    program.finish()
    assert program.runs() == 0
