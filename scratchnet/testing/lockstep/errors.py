"""What the simulator finds: one class an error, each with the place, the threads and the element."""

from __future__ import annotations

import linecache
import sys
from types import FrameType
from typing import Any

MARK = "__lockstep__"  # in the globals of every function that runs under the simulator


class KernelError(AssertionError):
    """A kernel did what is undefined, forbidden or impossible on a device.

    Attributes
    ----------
    kernel : str or None
        Name of the kernel that was launched.
    line : int or None
        Line of the source, in the kernel or in a device function that it called.
    threads : tuple of str
        The threads involved, such as ``thread (3, 0, 0) of block (1, 0, 0)``.
    array : str or None
        Name of the kernel's parameter, or of the shared or local array.
    element : tuple of int or None
        Index of the element.
    """

    def __init__(self, text: str, *, threads: tuple[Any, ...] = (), array: str | None = None, element: Any = None):
        super().__init__(text)
        self.text = text
        self.kernel: str | None = None
        self.threads = tuple(map(str, threads))
        self.array = array
        self.element = element
        self.file, self.line = where(sys._getframe(1))

    def locate(self, frame: FrameType | None) -> None:
        self.file, self.line = where(frame)

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else ""
        source = linecache.getline(self.file, self.line).strip() if self.file and self.line else ""
        return f"{self.kernel}: {place}{self.text}" + (f"\n    {source}" if source else "")


class LaunchLimit(KernelError):
    """A grid or a block that no device starts: empty, or beyond a limit."""


class SharedMemoryLimit(KernelError):
    """More shared memory than a block may have."""


class OutOfRange(KernelError):
    """An index beyond the end of an array."""


class NegativeIndex(OutOfRange):
    """An index below 0: Python would count from the end, a device reads what lies in front."""


class UninitialisedRead(KernelError):
    """A shared, local or declared element was read before any thread wrote it."""


class Race(KernelError):
    """Two threads used one element, one of them wrote it, and nothing orders the two."""

    watch: tuple[int, int] | None = None  # memory and element: what the second run, which finds the lines, looks at


class DivergentBarrier(KernelError):
    """Not all threads of a block came to the same barrier."""


class WarpMask(KernelError):
    """A warp operation whose mask does not name the lanes that take part in it."""


class Deadlock(KernelError):
    """Threads wait for what can never happen."""


class Unsupported(KernelError):
    """Something that the simulator, or the device, does not do."""


class Failure(KernelError):
    """The kernel raised an exception of Python's; it is the ``__cause__``."""


def where(frame: FrameType | None) -> tuple[str, int]:
    """File and line of the innermost frame that runs a kernel's code: ('', 0) if there is none."""
    while frame is not None and MARK not in frame.f_globals:
        frame = frame.f_back
    return (frame.f_code.co_filename, frame.f_lineno) if frame is not None else ("", 0)
