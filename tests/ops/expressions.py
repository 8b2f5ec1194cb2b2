"""One line of code, run in scratchnet and in torch: values, shapes, dtypes, gradients and refusals must agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import scratchnet
from scratchnet.testing import check_against_torch


def agree(code: str, grad: bool = True, **arrays: Any) -> None:
    """Run `code` with the arrays as Tensors of `F`, which is scratchnet or torch.

    It is an expression, or statements (with a `;`) that leave their result in `y`.
    """
    names = list(arrays)

    def program(F: Any) -> Any:
        def run(*tensors: Any) -> Any:
            scope = {"F": F, "np": np, **dict(zip(names, tensors))}
            if ";" not in code:
                return eval(code, scope)
            exec(code, scope)
            return scope["y"]

        run.__name__ = code
        return run

    check_against_torch(program(scratchnet), *arrays.values(), torch_fn=program(torch), grad=grad)
