"""Steps of the optimizers beside SGD and Adam: by hand, special numbers, empty and strided arrays, refusals.
(Against torch: tests/optim/test_optimizers.py; twin against reference: test_registry.py)"""

import numpy as np
import pytest

from scratchnet.kernels import (
    adadelta_step,
    adagrad_step,
    adamax_step,
    asgd_step,
    moments_step,
    rmsprop_step,
    rprop_step,
)
from tests.kernels.calls import both_forms, implementation

# kernel: number of states, arguments behind them
STEPS = {
    adagrad_step: (1, (0.5, 0.0)),
    adadelta_step: (2, (1.0, 0.75, 0.25)),
    rmsprop_step: (3, (0.5, 0.75, 1.0, 0.0, 0.5)),
    adamax_step: (2, (1, 0.5, 0.5, 0.5, 0.0)),
    moments_step: (2, (0.5, 0.25, 1.0, 0.5, 0.5, 0.75)),
    rprop_step: (2, (0.5, 1.5, 0.1, 2.0)),
    asgd_step: (1, (0.5, 0.25, 0.5)),
}
every_step = pytest.mark.parametrize("kernel", STEPS, ids=lambda kernel: kernel.__name__)


def run(kernel, form, p, g, states=None):
    count, rest = STEPS[kernel]
    states = [np.zeros_like(p) for _ in range(count)] if states is None else states
    implementation(kernel, form)(p, g, *states, *rest)
    return [p, *states]


@both_forms
@pytest.mark.parametrize(
    "kernel, expected",
    [
        (adagrad_step, (0.5, 4)),                           # 1 - 0.5·2/√4
        (adadelta_step, (1 - 0.5 / 1.25**0.5 * 2, 1, 0.2)),  # δ = √¼/√(1 + ¼)·2, u = ¼·δ²
        (rmsprop_step, (1 - 0.5 * 2 / (0.75**0.5 + 1), 1, 2 / (0.75**0.5 + 1), 0.5)),    # √(1 - ½²)
        (adamax_step, (0.5, 1, 2)),                         # 1 - 0.5/(1 - ½)·1/2
        (moments_step, (1 - 1.25 / 1.5, 1, 1)),             # (½·2 + ¼·1) / (√1 + ½)
        (rprop_step, (0.9, 2, 0.1)),                        # sizes start from 0: the least is 0.1
        (asgd_step, (-0.25, -0.0625)),                      # (1 - ½·½)·1 - ½·2
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)  # fmt: skip
def test_an_example_by_hand(form, kernel, expected):
    actual = run(kernel, form, np.array([1.0]), np.array([2.0]))
    np.testing.assert_allclose(np.concatenate(actual), expected, rtol=1e-12)


@both_forms
def test_rprop_takes_no_step_where_the_sign_changes(form):
    p, before, size = np.ones(3), np.array([1.0, -1.0, 0.0]), np.ones(3)
    run(rprop_step, form, p, np.ones(3), [before, size])
    assert p.tolist() == [-0.5, 1, 0] and before.tolist() == [1, 0, 1] and size.tolist() == [1.5, 0.5, 1]


@both_forms
@every_step
def test_infinite_weights_stay_out_of_their_neighbours(form, kernel):
    p = np.ones(40)
    p[7] = np.inf
    p, *_ = run(kernel, form, p, np.ones(40))
    assert np.isfinite(np.delete(p, 7)).all() and not np.isfinite(p[7])


@both_forms
@every_step
@pytest.mark.parametrize("shape", [(0,), (), (3, 0, 2)])
def test_no_elements_or_no_dimensions(form, kernel, shape):
    p, *_ = run(kernel, form, np.ones(shape), np.ones(shape))
    assert p.shape == shape and np.isfinite(p).all()


@both_forms
@every_step
def test_a_parameter_that_is_not_contiguous_is_changed_in_place(form, kernel):
    whole = np.ones((4, 6))
    p = whole[::2, ::-3]
    expected = run(kernel, form, p.copy(), np.full_like(p, 2))[0]
    run(kernel, form, p, np.full_like(p, 2))
    np.testing.assert_allclose(p, expected, rtol=1e-12)
    assert (whole[1::2] == 1).all() and not (p == 1).any()


@both_forms
@every_step
def test_wrong_arrays_are_refused(form, kernel):
    p, states = np.ones(3), [np.ones(3) for _ in range(STEPS[kernel][0])]
    with pytest.raises(RuntimeError, match=f"{kernel.__name__}: expected a gradient"):
        run(kernel, form, p, np.ones(4))
    with pytest.raises(RuntimeError, match=f"{kernel.__name__}: expected a state"):
        run(kernel, form, p, np.ones(3), [*states[:-1], np.ones(3, np.float32)])
