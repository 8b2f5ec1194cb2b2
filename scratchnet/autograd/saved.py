"""What an operation keeps for its gradient: saved when it is recorded, checked when it is read, freed when it is used.

A value changed in place since it was saved would give a wrong gradient, silently. So every memory has a version, which in-place
operations count up; the versions of what is saved are noted, and compared when it is read.
"""

from __future__ import annotations

from typing import Any

from scratchnet.autograd.tensor import Tensor

OUT = -1  # in an entry of `reads`: the output
OUTPUT = (OUT,)
INPUTS = "inputs"
NOTHING: tuple = ()


class Saved:
    """The part of a `Function` that remembers. See there for the meaning of `reads` and `notes`."""

    reads: Any = None
    notes: tuple[str, ...] = ()

    edges: Any = ()  # for each input: the Function that made it, the leaf Tensor itself, or None
    fan_out: tuple | None = None  # for each of several outputs: its shape and dtype
    called_at: Any = None  # the user's lines that led to the call, in anomaly mode
    plain = False  # backward is being run on arrays: inputs and output are arrays
    restored = False  # what was saved comes from a checkpoint's second run
    frees = True  # whether there is anything to free after backward

    port: Any  # the node of one of several outputs
    name: Any
    _plans: dict  # which gradients are wanted → what is kept for them
    _saved: Any = []  # the inputs that backward reads; a checkpoint's ticket if it has them; None when freed
    _stamp = 0  # the sum of their versions
    _output: Any = None  # the outputs, if backward reads them: array, version counter, version

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._plans = {}
        cls.frees = cls.reads != NOTHING or bool(cls.notes)
        if cls.notes:
            cls.__getattr__ = _note  # type: ignore[attr-defined]

    # ---- when it is recorded ---------------------------------------------------------------------------------
    @classmethod
    def _plan(cls, needed: int, n: int) -> tuple[tuple[bool, ...], tuple[int, ...], bool]:
        """Which gradients are wanted; from that and `reads`, which inputs are kept and whether the output is."""
        reads, needs = cls.reads, tuple(bool(needed >> i & 1) for i in range(n))
        if reads is None or reads == INPUTS:
            plan = needs, tuple(range(n)), reads is None
        else:
            if not reads or not isinstance(reads[0], tuple):  # OUTPUT, or positions that every gradient reads
                reads = (reads,) * n
            wanted = {j for i in range(n) if needs[i] for j in reads[i]}
            plan = needs, tuple(sorted(j for j in wanted if 0 <= j < n)), OUT in wanted  # n varies: optional inputs
        cls._plans[needed + (1 << n)] = plan
        return plan

    def _save(self, inputs: tuple, kept: tuple[int, ...]) -> None:
        """Remember those of the inputs that backward reads, and the sum of their versions."""
        saved, stamp = [None] * len(inputs), 0
        for j in kept:
            x = saved[j] = inputs[j]
            if isinstance(x, Tensor):
                stamp += x._counter[0]
        self._saved, self._stamp = saved, stamp

    def _save_output(self, y: Any) -> None:
        self._output = [(t.array, t._counter, t._counter[0]) for t in (y if self.fan_out is not None else (y,))]

    # ---- when backward reads it ------------------------------------------------------------------------------
    @property
    def inputs(self) -> list:
        """The inputs as Tensors (scalars as they were given; None for what `reads` does not name), checked for changes."""
        while (saved := self._saved).__class__ is not list:
            self._recompute()
        plain, stamp, values = self.plain, 0, []
        for x in saved:
            if isinstance(x, Tensor):
                stamp += x._counter[0]
                if plain:
                    x = x.array
            values.append(x)
        if stamp != self._stamp:
            raise RuntimeError(_changed_in_place(self, f"an input (version {stamp}, expected {self._stamp})"))
        if not plain and not self.restored:
            for x, edge in zip(saved, self.edges):
                if edge is not None and isinstance(x, Tensor) and edge is not (x._node or x):
                    raise RuntimeError(_changed_in_place(self, "an input was detached with .detach_()"))
        return values

    @property
    def output(self) -> Any:
        """The output (or the tuple of outputs) as a Tensor with this operation as its history, checked for changes."""
        while self._saved.__class__ is not list:
            self._recompute()
        if self.fan_out is not None:
            return tuple(self._restore(kept, self.port(i)) for i, kept in enumerate(self._output))
        return self._restore(self._output[0], self)

    def _restore(self, kept: tuple, node: Any) -> Any:
        array, version, expected = kept
        if version[0] != expected:
            raise RuntimeError(_changed_in_place(self, f"its output (version {version[0]}, expected {expected})"))
        if self.plain:
            return array
        y = Tensor(array, True, node)
        y._counter = version
        return y

    def _recompute(self) -> None:
        """The saved values are not here: either a checkpoint makes them again, or they were released."""
        if self._saved is None:
            raise RuntimeError(
                f"{self.name()}: trying to backward through the graph a second time (or to read saved values after they "
                "were freed). Saved intermediate values are freed by backward() or grad(). Give retain_graph=True to the "
                "first call if you need to backward through the graph a second time."
            )
        self._saved.restore(self)

    # ---- when it is used -------------------------------------------------------------------------------------
    def release(self) -> None:
        """Free what was kept, unless nothing was (so that a sum, say, can be walked twice, as in torch)."""
        if self._saved or self._output is not None or self.notes:
            self._saved = self._output = None
            for name in self.notes:
                self.__dict__.pop(name, None)

    def drop(self, instead: Any) -> None:
        """Forget what was kept; `instead` can restore it."""
        self.release()
        self._saved = instead


def _note(function: Saved, name: str) -> Any:
    """`__getattr__` of the Functions that have notes. (A class that has one pays with every attribute that it reads.)"""
    if name in function.notes:
        while function._saved.__class__ is not list:
            function._recompute()
        if name in function.__dict__:
            return function.__dict__[name]
    return object.__getattribute__(function, name)  # or raise, also what a property raised


def _changed_in_place(function: Saved, what: str) -> str:
    where = ""
    if function.called_at:
        where = " called at {0.filename}:{0.lineno}".format(function.called_at[-1])
    return (
        f"{function.name()}{where}: one of the variables needed for gradient computation has been modified by an inplace "
        f"operation: {what}. Use the out-of-place form, or change a .clone(); autograd.detect_anomaly() names the call."
    )
