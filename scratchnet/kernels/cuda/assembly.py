"""What a kernel becomes: compiled to PTX and linked for a GPU, on a machine that need not have one.

    assemble(kernel, args).registers

It takes NVIDIA's compiler and linker, which are libraries (the extra ``cuda-check``), and no driver.
"""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

from scratchnet.kernels.cuda import target

HOPPER = (9, 0)
# of a multiprocessor of compute capability 9.0
_REGISTERS, _SHARED, _THREADS, _BLOCKS = 65536, 228 * 1024, 2048, 32
_RESERVED = 1024                    # bytes of shared memory that the system takes of each block


class Assembly(NamedTuple):
    """What the linker says of a kernel, and what stands in its PTX."""

    ptx: str
    registers: int                  # of a thread
    shared: int                     # bytes of a block
    stack: int                      # bytes of a thread
    spills: int                     # bytes that are stored or loaded because registers ran out
    float64: int                    # instructions in double precision, which run at 1/64 of the speed on most GPUs
    local: int                      # loads and stores of local memory
    divisions: int                  # of 64-bit integers

    def occupancy(self, threads: int) -> float:
        """The share of a multiprocessor's threads that can be there at once, of compute capability 9.0, as registers, shared
        memory and blocks allow."""
        registers = -(-self.registers * 32 // 256) * 256 * -(-threads // 32)    # given out to warps, in pieces of 256
        blocks = min(_BLOCKS, _THREADS // threads, _REGISTERS // registers, _SHARED // (self.shared + _RESERVED))
        return blocks * threads / _THREADS

    def faults(self, kernel: target.GridKernel) -> list[str]:
        """What a kernel must not be: slow without saying so, or larger than it is declared to be."""
        limits = {"registers": kernel.registers, "shared": kernel.shared}
        return [f"{name} {value}, at most {limits.get(name, 0)}" for name, value in self._asdict().items()
                if name != "ptx" and value > limits.get(name, 0)]


def assemble(kernel: target.GridKernel, args: tuple, arch: tuple[int, int] = HOPPER) -> Assembly:
    """Compile a kernel for arguments like these, and link it.

    Raises
    ------
    RuntimeError
        If the compiler or the linker is not installed.
    """
    compiler = target.compiler()
    try:
        core = importlib.import_module("cuda.core")
    except ImportError as error:
        raise RuntimeError("assembling a kernel takes NVIDIA's linker: pip install 'scratchnet[cuda-check]'") from error
    typeof = importlib.import_module("numba").typeof
    with _for(arch):
        ptx, _ = compiler.compile_ptx(kernel.for_compiler(), tuple(map(typeof, args)), cc=arch,
                                      launch_bounds=kernel.threads)
    name, = re.findall(r"\.visible \.entry (\w+)", ptx)
    ptx = ptx.replace(name, kernel.__name__)
    options = core.LinkerOptions(arch=f"sm_{arch[0]}{arch[1]}", verbose=True, ptxas_options=["-v"])
    linker = core.Linker(core.ObjectCode.from_ptx(ptx.encode()), options=options)
    linker.link("cubin")
    return read(ptx, linker.get_info_log())


def read(ptx: str, log: str) -> Assembly:
    """What a kernel's PTX and the linker's log of it say."""
    def number(pattern: str) -> int:
        found = re.search(pattern, log)
        return int(found[1]) if found else 0

    if "Used" not in log:
        raise RuntimeError(f"the linker did not say what it made:\n{log}")
    return Assembly(
        # the linker counts what the system takes, if there is any
        ptx, number(r"Used (\d+) registers"), max(0, number(r"(\d+) bytes smem") - _RESERVED), number(r"(\d+) bytes stack frame"),
        number(r"(\d+) bytes spill stores") + number(r"(\d+) bytes spill loads"), len(re.findall(r"\.f64\b", ptx)),
        len(re.findall(r"\b(?:ld|st)\.local", ptx)), len(re.findall(r"\b(?:div|rem)\.[su]64", ptx)))


@contextlib.contextmanager
def _for(arch: tuple[int, int]) -> Iterator[None]:
    """Device functions ask the driver what they are compiled for: here is an answer."""
    dispatcher: Any = importlib.import_module("numba.cuda.dispatcher")
    before = dispatcher.get_current_device
    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=arch)
    try:
        yield
    finally:
        dispatcher.get_current_device = before
