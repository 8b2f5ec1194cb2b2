"""Compare the gradients of backward with finite differences, and say what is wrong where they differ.

    >>> import scratchnet
    >>> x = scratchnet.tensor([0.5, -1.0, 2.0], dtype=scratchnet.float64, requires_grad=True)
    >>> gradcheck(lambda x: x * x, x)
    True

The parts: `gradcheck_problem` evaluates the function and its backward, `gradcheck_jacobian` compares the
analytic Jacobian with the numeric one, `gradcheck_diagnosis` recognises patterns in their difference,
`gradcheck_report` writes the error message.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scratchnet.autograd import engine
from scratchnet.autograd.gradcheck_jacobian import Block, Tolerance, compare, compare_projected
from scratchnet.autograd.gradcheck_problem import GradcheckError, Problem, strided_copies
from scratchnet.autograd.gradcheck_report import excluded_note, report
from scratchnet.autograd.mode import enable_grad
from scratchnet.autograd.tensor import Tensor

LARGE = 2000  # elements of inputs and outputs together, from which on random projections are compared


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether |analytic − numeric| ≤ atol + rtol · |numeric| for every element of every Jacobian of `func`.

    numeric[k, l] = (f_k(x + ε e_l) − f_k(x − ε e_l)) / 2ε;   analytic[k] = what backward gives for the
    cotangent e_k.

    With `fast_mode`, and by itself where inputs and outputs have more than 2,000 elements together, vᵀJu is
    compared for random v and u instead of every element of J; if it differs, the wrong elements of vᵀJ are
    found by bisection.

    Besides: the function must be deterministic and leave its inputs alone; backward must be deterministic,
    linear in the cotangent, leave the cotangent alone, and give gradients of the input's dtype;
    non-contiguous inputs must give the same.

    Where the function has a kink (its slopes to the left and right differ) and the analytic gradient lies
    between the two slopes, the element is excluded with a warning. If that happens to more than half of them,
    the check fails.

    Parameters
    ----------
    func : callable
        Tensors in, a Tensor or a tuple of Tensors out.
    inputs : Tensor or sequence
        Those with `requires_grad=True` are checked, and should be float64. They are changed during the check
        and restored.
    eps : float
        Step of the differences.
    atol, rtol : float
        Tolerances.
    raise_exception : bool
        Raise `GradcheckError` instead of returning False.
    nondet_tol : float
        How much two evaluations at the same point may differ.
    check_undefined_grad : bool
        With several outputs, differentiate each alone, so that backward meets outputs without a gradient.
    check_grad_dtypes : bool
        Accepted for torch's sake: the dtype of gradients is always checked.
    check_batched_grad, check_batched_forward_grad, check_forward_ad : bool
        Must be False: there is no vmap and no forward mode.

    Raises
    ------
    GradcheckError
        If a check fails. The message is a report: a diagnosis where the pattern is known (a factor, a sign, a
        transpose, a missing sum, …), the worst elements, what was excluded.
    ValueError
        If no input requires grad.
    """
    _refuse(check_batched_grad=check_batched_grad, check_batched_forward_grad=check_batched_forward_grad)
    _refuse(check_forward_ad=check_forward_ad, masked=masked)
    if not check_backward_ad:
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    checks = _Checks(Tolerance(atol, rtol, eps), nondet_tol, check_undefined_grad, fast_mode)
    return checks.passed(raise_exception, func, _as_tuple(inputs))


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """`gradcheck` of the gradient itself: (x, v) ↦ vᵀJ(x) is differentiated in x and in v.

    Parameters are those of `gradcheck`; besides:

    grad_outputs : Tensor or sequence, optional
        The cotangents v. Default: random numbers between −1 and 1.
    gen_non_contig_grad_outputs : bool
        Make the random ones non-contiguous.
    """
    _refuse(check_batched_grad=check_batched_grad, check_fwd_over_rev=check_fwd_over_rev, masked=masked or None)
    if not check_rev_over_rev:
        raise AssertionError("Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True")
    inputs = _as_tuple(inputs)
    if grad_outputs is None:
        cotangents: Sequence[Any] = _random_cotangents(func, inputs, gen_non_contig_grad_outputs)
    else:
        cotangents = _as_tuple(grad_outputs)
    checks = _Checks(Tolerance(atol, rtol, eps), nondet_tol, check_undefined_grad, fast_mode)
    return checks.passed(raise_exception, func, inputs, cotangents)


def check_named(func: Callable[..., Any], inputs: tuple, names: list[str], *, second: bool, **tolerance: float) -> None:
    """`gradcheck` or `gradgradcheck` of inputs that have names, by which the report calls them."""
    checks = _Checks(Tolerance(**tolerance), 0.0, True, False)
    cotangents = _random_cotangents(func, inputs, True) if second else ()
    checks.run(func, inputs, cotangents, names)


class _Checks:
    """The settings of a check, and its steps in order: first what would make the comparison meaningless."""

    def __init__(self, tolerance: Tolerance, nondet_tol: float, undefined: bool, fast: bool) -> None:
        self.tolerance, self.nondet_tol, self.undefined, self.fast = tolerance, nondet_tol, undefined, fast

    def passed(self, raise_exception: bool, func: Callable, inputs: tuple, cotangents: Sequence[Any] = ()) -> bool:
        try:
            self.run(func, inputs, cotangents, [f"input {i}" for i in range(len(inputs))])
        except GradcheckError:
            if raise_exception:
                raise
            return False
        return True

    def run(self, func: Callable, inputs: tuple, cotangents: Sequence[Any], names: list[str]) -> None:
        """Check `func`, or if there are cotangents, its gradient for them."""
        second = len(cotangents) > 0
        _check_inputs(inputs)
        name: Callable[[int], str] = "output {}".format
        if second:
            func, name = _gradient_of(func, inputs, names)
            inputs, names = (
                (*inputs, *cotangents),
                [*names, *[f"grad_output {j}" for j in range(len(cotangents))]],
            )
        problem = Problem(func, inputs, names, name, self.undefined, second)
        problem.check_forward(self.nondet_tol)
        gradients = problem.check_backward(self.nondet_tol)
        fast = self.fast or problem.size() > LARGE
        blocks = (compare_projected if fast else compare)(problem, self.tolerance)
        _judge(blocks, self.tolerance, "gradgradcheck" if second else "gradcheck")
        if not fast:
            n = len(problem.points)
            jacobians = [[b.analytic for b in blocks[k : k + n]] for k in range(0, len(blocks), n)]
            problem.check_linear(jacobians, gradients, self.tolerance.rtol, self.tolerance.atol)
        problem.check_layouts(gradients)


def _gradient_of(func: Callable, inputs: tuple, names: list[str]) -> tuple[Callable, Callable[[int], str]]:
    """The function (x, v) ↦ vᵀJ(x), and the names of its outputs."""
    n, checked = len(inputs), [i for i, x in enumerate(inputs) if _wanted(x)]
    existing: list[int] = []

    def gradient(*args: Any) -> tuple:
        points = args[:n]
        with enable_grad():
            targets = [points[i] for i in checked]
            outputs = _differentiable(func(*points))
            grads = engine.grad(outputs, targets, list(args[n:]), create_graph=True, allow_unused=True)
        existing[:] = [i for i, g in zip(checked, grads) if g is not None]
        return tuple(g for g in grads if g is not None)

    return gradient, lambda j: f"the gradient of {names[existing[j]]}"


def _judge(blocks: list[Block], tolerance: Tolerance, title: str) -> None:
    """Raise if an element is wrong or too much is excluded; warn if anything is."""
    if any(block.wrong.any() for block in blocks):
        raise GradcheckError(report(blocks, tolerance, title))
    for block in blocks:
        excluded = int(block.kink.sum())
        present = int(((block.analytic != 0) | (block.numeric != 0)).sum())
        if excluded > present / 2:
            raise GradcheckError(
                f"{title}: {excluded} of {present} elements of d({block.output})/d({block.input}) could not "
                "be checked.\n"
                f"  {excluded_note(block)}\n  Give inputs away from such points."
            )
        if excluded:
            warnings.warn(f"{title}: {excluded_note(block)}", stacklevel=5)


# ---- what the caller gave ----------------------------------------------------------------------------------
def _check_inputs(inputs: tuple) -> None:
    if not any(_wanted(x) for x in inputs):
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )
    for i, x in enumerate(inputs):
        if not _wanted(x):
            continue
        if x.dtype != np.float64:
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or complex. "
                "This check will likely fail if all the inputs are not of double precision floating point or "
                "complex. ",
                stacklevel=5,
            )
        if x.array.size and any(stride == 0 and size > 1 for stride, size in zip(x.array.strides, x.shape)):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are "
                "non-overlapping to be "
                "able to compute the numerical gradients correctly. You should call .contiguous on the input "
                "before passing "
                "it to gradcheck."
            )


def _refuse(**settings: Any) -> None:
    for name, value in settings.items():
        if value:
            raise NotImplementedError(f"gradcheck: {name}=True is not supported: there is no vmap and no forward mode")


def _wanted(x: Any) -> bool:
    return isinstance(x, Tensor) and x.requires_grad


def _as_tuple(x: Any) -> tuple:
    return tuple(x) if isinstance(x, tuple | list) else (x,)


def _differentiable(outputs: Any) -> tuple[Tensor, ...]:
    return tuple(y for y in _as_tuple(outputs) if _wanted(y))


def _random_cotangents(func: Callable, inputs: tuple, non_contiguous: bool) -> list[Tensor]:
    rng = np.random.default_rng(0)
    cotangents = []
    for y in _differentiable(func(*inputs)):
        v = rng.uniform(-1, 1, y.shape).astype(y.dtype)
        if non_contiguous:
            v = strided_copies(v)[-1]
        cotangents.append(Tensor(v, requires_grad=True))
    return cotangents
