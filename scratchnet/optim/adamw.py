"""Adam with decoupled weight decay."""

from __future__ import annotations

from typing import Any

from scratchnet.optim.adam import Adam


class AdamW(Adam):
    """Adam, with weights that decay on their own and not through the moments of their gradient.

        p = p − γλ·p,  and then as in Adam with λ = 0

    Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2017. Parameters are those of `Adam`; the
    default of `weight_decay` is 0.01.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        **implementation: Any,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            maximize=maximize,
            decoupled_weight_decay=True,
            **implementation,
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As `Optimizer.load_state_dict`; the decay stays decoupled whatever was saved."""
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
