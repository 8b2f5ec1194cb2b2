"""L-BFGS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from scratchnet.autograd.mode import enable_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.optim.line_search import strong_wolfe
from scratchnet.optim.optimizer import Optimizer
from scratchnet.optim.options import check_not_negative

_LEAST_CURVATURE = 1e-10


class LBFGS(Optimizer):
    """Newton's method with the inverse of the Hessian H estimated from the last changes of weights and gradient.

        s_k = p_k − p_{k−1},  y_k = g_k − g_{k−1},  ρ_k = 1 / y_kᵀ s_k
        H_k = (I − ρ s yᵀ) H_{k−1} (I − ρ y sᵀ) + ρ s sᵀ,  from H = (yᵀs / yᵀy) I before the oldest pair that is kept
        p = p − t · H g

    t is the learning rate, or found by a line search. All weights are one vector, in one group. Nocedal, "Updating
    Quasi-Newton Matrices with Limited Storage", 1980; Liu and Nocedal, "On the Limited Memory BFGS Method for Large
    Scale Optimization", 1989.

    Parameters
    ----------
    params : iterable of parameters
    lr : float
    max_iter : int
        Iterations of a step.
    max_eval : int, optional
        Evaluations of the closure in a step; 5/4 of `max_iter` if not given.
    tolerance_grad : float
        Stop when no element of the gradient is larger.
    tolerance_change : float
        Stop when neither weights nor loss change by more.
    history_size : int
        Pairs that are kept.
    line_search_fn : "strong_wolfe", optional

    Raises
    ------
    ValueError
        For a negative learning rate, or more than one group.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_not_negative("learning rate", lr)
        defaults = dict(
            lr=lr, max_iter=max_iter, max_eval=max_iter * 5 // 4 if max_eval is None else max_eval,
            tolerance_grad=tolerance_grad, tolerance_change=tolerance_change, history_size=history_size,
            line_search_fn=line_search_fn,
        )  # fmt: skip
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Take up to `max_iter` iterations; the result is the first loss.

        Parameters
        ----------
        closure : callable
            Computes the loss and its gradients again.
        """
        group = self.param_groups[0]
        lr, most = float(group["lr"]), group["max_eval"]
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported")

        def evaluate() -> tuple[Any, Any]:
            with enable_grad():
                result = closure()
            return result, self._gradient()

        state = self.state[group["params"][0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first, g = evaluate()
        loss, evaluations = _number(first), 1
        state["func_evals"] += 1
        if np.abs(g).max() <= group["tolerance_grad"]:
            return first
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            d = self._direction(state, g, group["history_size"])
            previous_loss = loss
            state.update(d=Tensor(d), prev_flat_grad=Tensor(g), prev_loss=loss)
            t = min(1.0, 1.0 / float(np.abs(g).sum())) * lr if state["n_iter"] == 1 else lr
            slope = float(g @ d)
            state["t"] = t
            if slope > -group["tolerance_change"]:
                break
            calls, converged = 0, False
            if group["line_search_fn"]:
                start = [p.array.copy() for p in group["params"]]

                def along(t: float, d: Any = d, start: list = start) -> tuple[float, Any]:
                    self._move(t, d)
                    result, gradient = evaluate()
                    self._return_to(start)
                    return _number(result), gradient

                loss, g, t, calls = strong_wolfe(along, t, d, loss, g, slope, most=most - evaluations)
                self._move(t, d)
                state["t"] = t
                converged = np.abs(g).max() <= group["tolerance_grad"]
            else:
                self._move(t, d)
                if iteration != group["max_iter"]:  # where the last step leads is the next call's first question
                    result, g = evaluate()
                    loss, calls = _number(result), 1
                    converged = np.abs(g).max() <= group["tolerance_grad"]
            evaluations += calls
            state["func_evals"] += calls
            if iteration == group["max_iter"] or evaluations >= most or converged:
                break
            change = group["tolerance_change"]
            if np.abs(d * d.dtype.type(t)).max() <= change or abs(loss - previous_loss) < change:
                break
        return first

    def _direction(self, state: dict[str, Any], g: Any, size: int) -> Any:
        """−H g, by the recursion in two loops that needs vectors only; the newest pair is taken in before."""
        if state["n_iter"] == 1:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
            return -g
        ys, steps, ro = state["old_dirs"], state["old_stps"], state["ro"]
        y, s = g - state["prev_flat_grad"].array, state["d"].array * g.dtype.type(state["t"])
        curvature = float(y @ s)
        if curvature > _LEAST_CURVATURE:
            if len(ys) == size:
                for history in (ys, steps, ro):
                    history.pop(0)
            ys.append(Tensor(y))
            steps.append(Tensor(s))
            ro.append(1.0 / curvature)
            state["H_diag"] = curvature / float(y @ y)
        state.setdefault("al", [None] * size)
        q, shares = -g, state["al"]
        for i in reversed(range(len(ys))):
            shares[i] = float(steps[i].array @ q) * ro[i]
            q -= g.dtype.type(shares[i]) * ys[i].array
        q *= g.dtype.type(state["H_diag"])
        for i in range(len(ys)):
            q += g.dtype.type(shares[i] - float(ys[i].array @ q) * ro[i]) * steps[i].array
        return q

    # ---- all parameters as one vector --------------------------------------------------------------------------
    def _gradient(self) -> Any:
        parts = []
        for p in self.param_groups[0]["params"]:
            parts.append(np.zeros(p.array.size, p.array.dtype) if p._grad is None else p._grad.array.reshape(-1))
        return np.concatenate(parts)

    def _move(self, t: float, d: Any) -> None:
        """p += t·d"""
        begin = 0
        for p in self.param_groups[0]["params"]:
            part = d[begin:begin + p.array.size].reshape(p.array.shape)
            p.array[...] += p.array.dtype.type(t) * part
            p._counter[0] += 1
            begin += p.array.size

    def _return_to(self, arrays: list) -> None:
        for p, array in zip(self.param_groups[0]["params"], arrays):
            p.array[...] = array
            p._counter[0] += 1


def _number(loss: Any) -> float:
    """What a closure returns: a Tensor of one element, whose history is not asked for, or a number."""
    return float(loss.item() if isinstance(loss, Tensor) else loss)
