"""Elementwise operations, reductions, scans and sorting leave their arrays where they live: on a device, one day.

What looks at numbers to decide what to do is not among them: prod and cumprod of what requires grad (are there zeros?),
quantile, histc, integer division, and what returns Python numbers.
"""

import numpy as np
import pytest

import scratchnet
from scratchnet import Tensor
from scratchnet.testing.strict_array import StrictArray, forbid_host_arrays

ONE = """exp exp2 expm1 log log2 log10 log1p sigmoid logit abs sign sqrt rsqrt reciprocal square neg
    sin cos tan asin acos atan sinh cosh tanh asinh atanh deg2rad rad2deg erf erfc erfinv lgamma digamma
    floor ceil trunc round frac nan_to_num isnan isfinite signbit logical_not
    sum nansum mean nanmean var std max min amax amin aminmax norm any all count_nonzero argmax argmin
    median nanmedian sort argsort msort unique var_mean std_mean""".split()
TWO = """add sub mul div pow atan2 hypot maximum minimum fmax fmin remainder fmod logaddexp
    eq ne lt le gt ge isclose logical_and logical_or""".split()
ALONG = """sum mean var std amax amin max min argmax logsumexp cumsum cummax cummin logcumsumexp
    sort median nanmedian mode any count_nonzero""".split()
OTHERS = {
    "rsub": lambda x: 1 - x,
    "rtruediv": lambda x: 1 / x,
    "rpow": lambda x: 2**x,
    "zero ** x": lambda x: 0**x,
    "x ** 0": lambda x: x**0,
    "x ** 3": lambda x: x**3,
    "rounded div": lambda x: scratchnet.div(x, 0.3, rounding_mode="floor"),
    "add_": lambda x: (x * 1).add_(1),
    "clamp": lambda x: x.clamp(0.3, 0.6),
    "clamp by tensors": lambda x: x.clamp(x * 0.5, x * 0.7),
    "where": lambda x: scratchnet.where(x > 0.5, x, x * 2),
    "where 0": lambda x: scratchnet.where(x > 0.5, 0.0, x),
    "where of numbers": lambda x: scratchnet.where(x > 0.5, 1.0, 2.0),
    "bits": lambda x: ((x > 0.5) & (x < 0.7)) | ~(x == 0.2),
    "lerp": lambda x: x.lerp(x * 2, 0.3),
    "addcmul": lambda x: x.addcmul(x, x, value=2),
    "addcdiv": lambda x: x.addcdiv(x, x, value=2),
    "polygamma": lambda x: x.polygamma(2),
    "diff": lambda x: x.diff(dim=0),
    "topk": lambda x: x.topk(1, 0),
    "kthvalue": lambda x: x.kthvalue(1, 0),
    "bucketize": lambda x: scratchnet.bucketize(x, x.detach()[0]),
    **{f"norm {p}": lambda x, p=p: x.norm(p, 0) for p in (0, 0.5, 1, 2, 3, float("inf"))},
}
CASES = (
    {name: getattr(scratchnet, name) for name in ONE}
    | {f"{name} of two": lambda x, name=name: getattr(scratchnet, name)(x, x * 0.5) for name in TWO}
    | {f"{name} along 0": lambda x, name=name: getattr(scratchnet, name)(x, 0) for name in ALONG}
    | OTHERS
)


@pytest.mark.parametrize("name", CASES)
def test_arrays_stay_where_they_are(name):
    x = Tensor(np.array([[0.2, 0.5, 0.7], [0.9, 0.4, 0.45]]).view(StrictArray), requires_grad=True)
    with forbid_host_arrays():
        result = CASES[name](x)
        outputs = result if isinstance(result, tuple) else (result,)
        for y in outputs:
            assert isinstance(y.array, StrictArray)
        for y in outputs:
            if y.requires_grad:
                for create_graph in (True, False):  # the gradient of Tensors, and of arrays
                    (g,) = scratchnet.autograd.grad(
                        y, x, Tensor(np.ones_like(y.array)), create_graph=create_graph, allow_unused=True
                    )
                    assert g is None or isinstance(g.array, StrictArray)
