"""What an operation keeps for its backward, for how long, and whether it is still what it was.

`reads` names what the gradient looks at, so that nothing else is kept alive. One entry for each input:

    reads = ((1,), (0,))     # product: the gradient to input 0 reads input 1, and the other way round
    reads = OUTPUT           # exp: the gradient reads the output
    reads = NOTHING          # sum: the gradient reads neither
    reads = INPUTS           # the gradient to any input reads all inputs
    reads = None             # the default: everything is kept

An entry may hold `OUT` for the output. An input whose gradient is not wanted costs no memory. Arrays that `forward`
leaves in attributes for `backward` (a mask, indices) are named in `notes`, so that they are freed with the rest.

Inputs are kept as Tensors: they bring their history along, which gradients of gradients need. An output is kept as
(array, version counter, version), without its history, which leads back to the operation: that would be a cycle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scratchnet.autograd.tensor import Tensor

if TYPE_CHECKING:
    from scratchnet.autograd.function import Function

OUT = -1  # in an entry of `reads`: the output
OUTPUT = (OUT,)
INPUTS = "inputs"
NOTHING: tuple = ()


class Saving:
    """The part of `Function` that keeps values for backward."""

    reads: Any = None
    notes: tuple[str, ...] = ()
    frees = True  # whether there can be anything to free after backward

    plain = False  # backward is being run on arrays: `inputs` and `output` are arrays
    restored = False  # what was saved comes from a checkpoint's second run

    _plans: dict  # which gradients are wanted → what is kept for them
    _saved: Any = []  # the inputs that backward reads; what can restore them; None when freed
    _stamp = 0  # the sum of their versions
    _output: Any = None

    # of Function
    edges: Any
    fan_out: tuple | None
    called_at: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._plans = {}
        cls.frees = cls.reads != NOTHING or bool(cls.notes)
        if cls.notes:
            cls.__getattr__ = _note  # type: ignore[attr-defined]

    # ---- in forward ------------------------------------------------------------------------------------------
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
        saved, stamp = [None] * len(inputs), 0
        for j in kept:
            x = saved[j] = inputs[j]
            if isinstance(x, Tensor):
                stamp += x._counter[0]
        self._saved, self._stamp = saved, stamp

    def _save_output(self, y: Any) -> None:
        self._output = [(t.array, t._counter, t._counter[0]) for t in (y if self.fan_out is not None else (y,))]

    # ---- in backward -----------------------------------------------------------------------------------------
    @property
    def inputs(self) -> list:
        """The inputs as Tensors (scalars as they were given; None for what `reads` does not name).

        Raises
        ------
        RuntimeError
            If one was changed in place since forward, or if they were freed.
        """
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
            raise self._changed(f"an input (version {stamp}, expected {self._stamp})")
        if not plain and not self.restored:
            for x, edge in zip(saved, self.edges):
                if edge is not None and isinstance(x, Tensor) and edge is not (x._node or x):
                    raise self._changed("an input was detached with .detach_()")
        return values

    @property
    def output(self) -> Any:
        """The output (or the tuple of outputs) as a Tensor with this operation as its history; raises as `inputs` does."""
        while self._saved.__class__ is not list:
            self._recompute()
        if self.fan_out is None:
            return self._restore(self._output[0], self)
        return tuple(self._restore(kept, self.port(i)) for i, kept in enumerate(self._output))

    def _restore(self, kept: tuple, node: Any) -> Any:
        array, counter, expected = kept
        if counter[0] != expected:
            raise self._changed(f"its output (version {counter[0]}, expected {expected})")
        if self.plain:
            return array
        y = Tensor(array, True, node)
        y._counter = counter
        return y

    def _recompute(self) -> None:
        """The saved values are not here: either a checkpoint makes them again, or they were freed."""
        if self._saved is None:
            raise RuntimeError(
                f"{self.name()}: trying to backward through the graph a second time (or to read saved values after they "
                "were freed). Saved intermediate values are freed by backward() or grad(). Give retain_graph=True to the "
                "first call if you need to backward through the graph a second time."
            )
        self._saved.restore(self)

    def _changed(self, what: str) -> RuntimeError:
        where = " called at {0.filename}:{0.lineno}".format(self.called_at[-1]) if self.called_at else ""
        return RuntimeError(
            f"{self.name()}{where}: one of the variables needed for gradient computation has been modified by an inplace "
            f"operation: {what}. Use the out-of-place form, or change a .clone(); autograd.detect_anomaly() names the call."
        )

    # ---- after backward --------------------------------------------------------------------------------------
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

    # ---- of Function -----------------------------------------------------------------------------------------
    def name(self) -> str:
        return type(self).__name__

    def port(self, i: int) -> Function:
        raise NotImplementedError


def _note(function: Saving, name: str) -> Any:
    """`__getattr__` of the Functions that have notes. (A class that has one pays with every attribute that it reads.)"""
    if name in function.notes:
        while function._saved.__class__ is not list:
            function._recompute()
        if name in function.__dict__:
            return function.__dict__[name]
    return object.__getattribute__(function, name)  # or raise, also what a property raised
