"""What scalar functions for compiled loops are made of: pieces that become single instructions, and no calls.

Write such functions with `inlined`, and numbers in them as ``like(1, x)``: ``float32 + 1`` is float64 in compiled code,
and half as fast.  `vector_math` shows how.
"""

from __future__ import annotations

import numpy as np

from scratchnet.kernels.jit import Loop


class Inlined(Loop):
    """A compiled function whose instructions always stand in the loop that calls it: a call would keep the loop from
    becoming vector instructions."""

    def compiled(self):
        dispatcher = super().compiled()
        dispatcher.targetoptions["forceinline"] = True
        return dispatcher


def inlined(function):
    """`jit` for scalar functions that loops call."""
    return Inlined(function, False)


class Intrinsic(Loop):
    """A function that emits its instructions itself; without the compiler it is the Python function."""

    def __init__(self, function, emit):
        super().__init__(function, False)
        self._emit = emit

    def __call__(self, *args):
        return self.python(*args)

    def compiled(self):
        if self._compiled is None:
            from numba.extending import intrinsic

            self._compiled = intrinsic(self._emit)
        return self._compiled


def _like(value, x):
    """A number in the dtype of x; of a pair of numbers or of tables, the one for that dtype."""
    if isinstance(value, tuple):
        return value[x.dtype.itemsize == 8]
    return x.dtype.type(value)


def _emit_like(typingctx, value, x):
    from numba import types

    if isinstance(value, types.BaseTuple):
        index = int(x.bitwidth == 64)
        result = value[index]

        def codegen(context, builder, signature, args):
            return builder.extract_value(args[0], index)
    else:
        result = x

        def codegen(context, builder, signature, args):
            return context.cast(builder, args[0], value, x)
    return result(value, x), codegen


def _bits(x):
    """The bits of a float as an integer of its size."""
    return x.view(np.int32 if x.dtype.itemsize == 4 else np.int64)


def _emit_bits(typingctx, x):
    from numba import types

    integer = types.int32 if x.bitwidth == 32 else types.int64
    return integer(x), lambda context, builder, signature, args: builder.bitcast(
        args[0], context.get_value_type(integer))


def _from_bits(bits, x):
    """The float of x's dtype that has these bits."""
    return x.dtype.type(0) + np.array(bits).astype(f"i{x.dtype.itemsize}").view(x.dtype)[()]


def _emit_from_bits(typingctx, bits, x):
    from numba import types

    integer = types.int32 if x.bitwidth == 32 else types.int64

    def codegen(context, builder, signature, args):
        return builder.bitcast(context.cast(builder, args[0], bits, integer), context.get_value_type(x))
    return x(bits, x), codegen


def _polynomial(x, coefficients):
    """c[0] + c[1]·x + c[2]·x² + ... by Horner's rule."""
    y = coefficients[-1]
    for c in coefficients[-2::-1]:
        y = y * x + c
    return y


def _emit_polynomial(typingctx, x, coefficients):
    def codegen(context, builder, signature, args):
        x, table = args
        count = len(signature.args[1])
        y = builder.extract_value(table, count - 1)
        for i in range(count - 2, -1, -1):
            product = builder.fmul(y, x, flags=("contract",))
            y = builder.fadd(product, builder.extract_value(table, i), flags=("contract",))
        return y
    return x(x, coefficients), codegen


like = Intrinsic(_like, _emit_like)
bits = Intrinsic(_bits, _emit_bits)
from_bits = Intrinsic(_from_bits, _emit_from_bits)
polynomial = Intrinsic(_polynomial, _emit_polynomial)


@inlined
def where(condition, a, b):
    """a where the condition holds, else b: a choice between numbers, not between ways."""
    return a if condition else b


@inlined
def sign(x):
    """1, -1 or, of zeros, 0; NaN of NaN."""
    zero, one = like(0, x), like(1, x)
    return one if x > zero else (-one if x < zero else x * zero)


@inlined
def minimum(a, b):
    """The smaller of both, where b is a number; NaN if a is."""
    return b if a > b else a


@inlined
def maximum(a, b):
    """The larger of both, where b is a number; NaN if a is."""
    return b if a < b else a
