"""CTC's loops against the recursion in NumPy, in memory that is guarded, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels.loss_ctc import ctc_backward, ctc_forward
from tests.kernels.calls import assert_close, both_forms, implementation


def problem(seed, dtype):
    rng = np.random.default_rng(seed)
    n, classes, longest, steps = rng.integers(1, 5), rng.integers(2, 5), rng.integers(0, 4), rng.integers(1, 9)
    logits = rng.standard_normal((steps, n, classes))
    log_probs = (logits - np.log(np.exp(logits).sum(2, keepdims=True))).astype(dtype)
    labels, blank = rng.integers(0, classes, (n, longest)), int(rng.integers(0, classes))
    lengths = rng.integers(0, steps + 1, n), rng.integers(0, longest + 1, n)
    return log_probs, labels, *lengths, blank


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(st.integers(0, 10**6), st.booleans())
def test_compiled_and_in_numpy(dtype, seed, zero_infinity):
    """Lengths of 0, labels that are blanks, and labels without an alignment among them."""
    log_probs, *labels = problem(seed, dtype)
    loss, log_alpha = implementation(ctc_forward, "twin")(log_probs, *labels)
    expected, expected_alpha = ctc_forward.reference(log_probs, *labels)
    assert_close(loss, expected, 64), assert_close(log_alpha, expected_alpha, 64)
    g = np.random.default_rng(seed).standard_normal(loss.shape).astype(dtype)
    arguments = g, log_probs, expected_alpha, expected, *labels, zero_infinity
    assert_close(
        implementation(ctc_backward, "twin")(*arguments), ctc_backward.reference(*arguments), 512, scale=10.0
    )


@both_forms
def test_an_example_by_hand(form):
    """Two steps, one label: (a, a), (a, -) and (-, a) have 0.3, 0.3 and 0.2."""
    arguments = np.log([[[0.4, 0.6]], [[0.5, 0.5]]]), np.array([[1]]), np.array([2]), np.array([1])
    loss, log_alpha = implementation(ctc_forward, form)(*arguments)
    np.testing.assert_allclose(np.exp(-loss), [0.8])
    np.testing.assert_allclose(np.exp(log_alpha), [[[0.4, 0.6, 0], [0.2, 0.5, 0.3]]])
    grad = implementation(ctc_backward, form)(np.ones(1), arguments[0], log_alpha, loss, *arguments[1:])
    # the label is emitted at the first step in 0.6 of 0.8, at the second in 0.5 of 0.8
    np.testing.assert_allclose(grad[:, 0], [[0.4 - 0.25, 0.6 - 0.75], [0.5 - 0.375, 0.5 - 0.625]])


@both_forms
@pytest.mark.parametrize("change", [
    {1: np.array([1])}, {1: np.array([[2]])}, {1: np.array([[-1]])}, {2: np.array([3])}, {2: np.array([-1])},
    {3: np.array([2])}, {3: np.array([1, 1])}, {4: 2},
])
def test_what_would_be_read_outside_is_refused(form, change):
    arguments = [np.zeros((2, 1, 2)), np.array([[1]]), np.array([2]), np.array([1]), 0]
    for place, value in change.items():
        arguments[place] = value
    with pytest.raises(RuntimeError, match="ctc: expected"):
        implementation(ctc_forward, form)(*arguments)
    with pytest.raises(RuntimeError, match="ctc: expected"):
        implementation(ctc_backward, form)(np.ones(1), arguments[0], np.zeros((1, 2, 3)), np.zeros(1), *arguments[1:])


@both_forms
@pytest.mark.parametrize("change", [{0: np.ones(2)}, {2: np.zeros((1, 2, 2))}, {2: np.zeros((1, 1, 3))}, {3: np.zeros(())}])
def test_what_forward_did_not_return_is_refused(form, change):
    arguments = [np.ones(1), np.zeros((2, 1, 2)), np.zeros((1, 2, 3)), np.zeros(1)]
    for place, value in change.items():
        arguments[place] = value
    with pytest.raises(RuntimeError, match="ctc_backward: expected log_alpha"):
        implementation(ctc_backward, form)(*arguments, np.array([[1]]), np.array([2]), np.array([1]))
