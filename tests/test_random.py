"""Every draw against torch from the same seed: the numbers, and where the stream stands afterwards."""

import copy
import pickle
import platform
import threading

import numpy as np
import pytest
import torch

from scratchnet import Tensor, _counts, random

SIZES = [*range(41), 100, 1000, 100_003]
FLOATS = [np.float32, np.float64]
X86 = platform.machine() in ("x86_64", "AMD64")     # elsewhere torch's float32 normals come from another libm


def torch_dtype(dtype):
    return getattr(torch, np.dtype(dtype).name)


def twins(seed):
    return random.Generator().manual_seed(seed), torch.Generator().manual_seed(seed)


def assert_same_state(ours, theirs):
    """Both generators go on with the same words and the same cached normal."""
    goes_on = torch.Generator()
    goes_on.set_state(torch.from_numpy(ours.get_state().numpy()))
    theirs = theirs.clone_state()
    for n in (1, 20):
        assert torch.equal(torch.randn(n, generator=goes_on), torch.randn(n, generator=theirs))


def assert_ulps(actual, expected, ulps, scale=None):
    """|actual - expected| within `ulps` units in the last place of the larger of |expected| and `scale`."""
    expected = expected.numpy()
    assert actual.shape == expected.shape and actual.dtype == expected.dtype
    unit = np.spacing(np.maximum(np.abs(expected), expected.dtype.type(scale or 0)))
    assert np.all(np.abs(actual - expected) <= ulps * unit)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("low, high", [(0, 1), (-0.0442, 0.0442), (2.5, 9)])
def test_uniform_is_torchs(dtype, low, high):
    ours, theirs = twins(3)
    for n in SIZES:
        expected = torch.empty(n, dtype=torch_dtype(dtype)).uniform_(low, high, generator=theirs)
        # float64: torch fuses the multiply and the add
        assert_ulps(ours.uniform(n, dtype, low, high), expected, 0 if dtype == np.float32 or high == 1 else 1,
                    max(abs(low), abs(high)))
    assert_same_state(ours, theirs)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("mean, std", [(0, 1), (-1.5, 0.3), (7, 0)])
def test_normal_is_torchs(dtype, mean, std):
    ours, theirs = twins(4)
    for n in SIZES:
        actual = ours.normal(n, dtype, mean, std)
        expected = torch.empty(n, dtype=torch_dtype(dtype)).normal_(mean, std, generator=theirs)
        if dtype == np.float32 and X86:
            assert np.array_equal(actual, expected.numpy())
        else:
            assert_ulps(actual, expected, 4, std + abs(mean))
    assert_same_state(ours, theirs)


@pytest.mark.parametrize("low, high", [(0, 1), (0, 10), (-5, 5), (0, 2**28 - 1), (0, 2**28), (-2**40, 3),
                                       (-2**63, 2**63 - 1)])
def test_randint_is_torchs(low, high):
    ours, theirs = twins(2**40 + 5)
    for n in SIZES:
        expected = torch.randint(low, high, (n,), generator=theirs).numpy()
        assert np.array_equal(ours.randint(low, high, n), expected)
    assert_same_state(ours, theirs)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.bool_, np.float32, np.float64])
def test_randint_in_other_dtypes(dtype):
    ours, theirs = twins(1)
    expected = torch.randint(0, 2, (5, 3), dtype=torch_dtype(dtype), generator=theirs).numpy()
    actual = ours.randint(0, 2, (5, 3), dtype)
    assert actual.dtype == expected.dtype and np.array_equal(actual, expected)


def test_randperm_is_torchs():
    ours, theirs = twins(-1)
    for n in SIZES:
        actual = ours.randperm(n)
        assert actual.dtype == np.int64
        assert np.array_equal(actual, torch.randperm(n, generator=theirs).numpy())
    assert_same_state(ours, theirs)


@pytest.mark.parametrize("dtype", FLOATS)
def test_bernoulli_is_torchs(dtype):
    ours, theirs = twins(8)
    p = np.random.default_rng(0).random((7, 9)).astype(dtype)
    p[0, :2] = 0, 1
    for _ in range(20):
        actual = ours.bernoulli(p)
        expected = torch.bernoulli(torch.from_numpy(p), generator=theirs).numpy()
        assert actual.dtype == dtype and np.array_equal(actual, expected)
        expected = torch.empty(33).bernoulli_(0.3, generator=theirs).numpy()
        actual = ours.bernoulli(0.3, 33)
        assert actual.dtype == np.float32 and np.array_equal(actual, expected)
    assert_same_state(ours, theirs)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("draw, function", [
    (lambda g, n, d: g.exponential(n, d, 2.5), lambda u: -torch.log1p(-u) / 2.5),
    (lambda g, n, d: g.cauchy(n, d, 1, 2), lambda u: 1 + 2 * torch.tan(torch.pi * (u - 0.5))),
    (lambda g, n, d: g.geometric(0.3, n, d), lambda u: torch.ceil(torch.log(u) / np.log1p(-0.3)))])
def test_functions_of_one_uniform(draw, function, dtype):
    ours, theirs = twins(6)
    for n in SIZES:
        u = torch.rand(n, dtype=torch.float64, generator=theirs)
        actual = draw(ours, n, dtype)
        expected = function(u).numpy().astype(dtype)
        np.testing.assert_allclose(actual, expected, rtol=1e-12 if dtype == np.float64 else 3e-7)
        assert actual.dtype == dtype
    assert_same_state(ours, theirs)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["cauchy", "geometric", "log_normal"])
def test_other_distributions_are_torchs(name, dtype):
    ours, theirs = twins(11)
    arguments = {"cauchy": (1.0, 2.0), "geometric": (0.3,), "log_normal": (0.5, 2.0)}[name]
    for n in (1, 2, 5, 17, 1000):
        draw = getattr(ours, name)
        actual = draw(0.3, n, dtype) if name == "geometric" else draw(n, dtype, *arguments)
        expected = getattr(torch.empty(n, dtype=torch_dtype(dtype)), name + "_")(*arguments, generator=theirs)
        assert_ulps(actual, expected, 1 if dtype == np.float32 else 32)
    assert_same_state(ours, theirs)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(1,), (30,), (4, 30)])
def test_multinomial_with_replacement_is_torchs(shape, dtype):
    ours, theirs = twins(12)
    weights = np.random.default_rng(1).random(shape).astype(dtype)
    weights[..., 3:9] = 0
    for num_samples in (2, 7, 500):
        expected = torch.multinomial(torch.from_numpy(weights), num_samples, True, generator=theirs).numpy()
        assert np.array_equal(ours.multinomial(weights, num_samples, True), expected)
    assert_same_state(ours, theirs)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("replacement", [True, False])
def test_multinomial_race(dtype, replacement):
    """One sample, or any number without replacement: the largest of weights/q, q exponential."""
    ours, theirs = twins(13)
    weights = np.random.default_rng(2).random((6, 20)).astype(dtype)
    for num_samples in [1] if replacement else [1, 5, 20]:
        q = -torch.log1p(-torch.rand(6, 20, dtype=torch.float64, generator=theirs)).to(torch_dtype(dtype))
        expected = (torch.from_numpy(weights) / q).topk(num_samples).indices.numpy()
        assert np.array_equal(ours.multinomial(weights, num_samples, replacement), expected)
    assert ours.multinomial(weights[0], 3).shape == (3,)


def test_interleaved_calls_keep_step():
    """Small normals leave a cached number behind that only small normals take up, and a seed forgets."""
    ours, theirs = twins(21)
    script = np.random.default_rng(3)
    for _ in range(300):
        n, kind = int(script.integers(0, 40)), script.integers(6)
        dtype = FLOATS[script.integers(2)]
        target = torch.empty(n, dtype=torch_dtype(dtype))
        if kind == 0:
            assert_ulps(ours.normal(n, dtype), target.normal_(generator=theirs), 4, 1)
        elif kind == 1:
            assert_ulps(ours.uniform(n, dtype), target.uniform_(generator=theirs), 0)
        elif kind == 2:
            assert np.array_equal(ours.randint(0, 10, n), torch.randint(10, (n,), generator=theirs).numpy())
        elif kind == 3:
            assert np.array_equal(ours.randperm(n), torch.randperm(n, generator=theirs).numpy())
        elif kind == 4:
            assert_ulps(ours.log_normal(n, np.float32), torch.empty(n).log_normal_(generator=theirs), 1)
        elif script.integers(10) == 0:
            ours.manual_seed(n), theirs.manual_seed(n)
        assert_same_state(ours, theirs)


@pytest.mark.parametrize("dtype", FLOATS)
def test_counts_are_torchs(dtype):
    """Both methods of each, their ends, and certain outcomes."""
    script = np.random.default_rng(0)
    rate, count = script.gamma(1, 12, (20, 9)).astype(dtype), script.integers(-1, 300, (20, 9)).astype(dtype)
    prob = script.uniform(-0.01, 1.01, (20, 9)).astype(dtype)
    rate[0, 0], rate[0, 1], count[1, 0], prob[3, 3] = 0, 1e9, 3.5, np.nan
    ours, theirs = twins(6)
    for rates in (rate, rate.T):
        assert np.array_equal(ours.poisson(rates), torch.poisson(torch.from_numpy(rates), generator=theirs))
        drawn = torch.binomial(torch.from_numpy(count), torch.from_numpy(prob), generator=theirs)
        assert np.array_equal(ours.binomial(count, prob), drawn, equal_nan=True)
        assert_same_state(ours, theirs)


class Ends:
    """Uniform numbers that hardly ever come: the ends of the interval, and then some from its middle."""

    def __init__(self, *first):
        self.numbers = iter((*first, *[0.5, 0.5] * 9))

    def __next__(self):
        return next(self.numbers)


@pytest.mark.parametrize("draw", [
    lambda u: _counts.poisson(20.0, u), lambda u: _counts.binomial(100.0, 0.3, u)])
def test_counts_at_the_ends_of_the_uniform_numbers(draw):
    middle = draw(Ends())
    assert draw(Ends(0.0, 0.5)) == middle                               # the hat has no end there
    assert draw(Ends(0.5, 0.0)) == middle and draw(Ends(0.99999, 0.999)) == middle


def test_a_waiting_time_without_end():
    assert _counts.binomial(5.0, 0.3, Ends(0.0)) == 0


def test_states_travel_between_the_libraries():
    ours, theirs = twins(5)
    ours.normal(3), torch.randn(3, generator=theirs)
    assert np.array_equal(ours.get_state(), theirs.get_state().numpy())
    for draws in (1, 620, 1, 1, 1, 1):                      # across the end of a block of 624 words
        ours.uniform(draws), torch.rand(draws, generator=theirs)
        assert ours.set_state(theirs.get_state().numpy()) is ours
        assert_same_state(ours, theirs)
    assert ours.initial_seed() == 5


def test_a_state_is_a_tensor_of_bytes_and_may_be_given_as_an_array():
    """Arrays are what older checkpoints hold."""
    generator = random.Generator().manual_seed(4)
    for get, take in ((generator.get_state, generator.set_state), (random.get_rng_state, random.set_rng_state)):
        state = get()
        assert type(state) is Tensor and state.dtype == np.uint8 and state.shape == torch.get_rng_state().shape
        take(state.numpy())
        assert np.array_equal(get(), state)
    with pytest.raises(TypeError, match="uint8, got float64"):
        random.set_rng_state(state.double())


def test_a_state_brings_back_the_cached_normal():
    generator = random.Generator().manual_seed(1)
    generator.normal(1)
    state, clone = generator.get_state(), generator.clone_state()
    copies = [clone, copy.deepcopy(generator), pickle.loads(pickle.dumps(generator))]
    expected = generator.normal(3)
    generator.uniform(100)
    for other in (generator.set_state(state), *copies):
        assert np.array_equal(other.normal(3), expected)


@pytest.mark.parametrize("seed", [0, 7, -1, -2**63, 2**32, 2**64 - 1, True, 1.5])
def test_seeds_are_torchs(seed):
    ours = random.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        assert ours.initial_seed() == torch.initial_seed()
        assert np.array_equal(ours.uniform(9), torch.rand(9).numpy())


def test_a_new_generator_starts_where_torchs_does():
    assert random.Generator().initial_seed() == torch.Generator().initial_seed()


def test_default_generator_and_fork():
    random.manual_seed(3)
    assert random.initial_seed() == 3
    with random.fork_rng([]):
        first = random.default_generator.uniform(4)
    with pytest.raises(KeyError), random.fork_rng():
        random.default_generator.uniform(1)
        raise KeyError
    state = random.get_rng_state()
    assert np.array_equal(random.default_generator.uniform(4), first)
    random.set_rng_state(state)
    with random.fork_rng(enabled=False):
        assert np.array_equal(random.default_generator.uniform(4), first)
    assert not np.array_equal(random.default_generator.uniform(4), first)
    assert random.seed() == random.initial_seed() != 3


def test_threads_share_a_generator_without_losing_words():
    generator, drawn = random.Generator().manual_seed(1), []
    draw = lambda: drawn.extend(generator.uniform(50) for _ in range(100))      # noqa: E731
    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = random.Generator().manual_seed(1).uniform(4 * 100 * 50)
    assert np.array_equal(np.sort(np.concatenate(drawn)), np.sort(expected))


@pytest.mark.parametrize("ours, theirs", [
    (lambda g: g.uniform(3, low=1, high=0), lambda t: t.uniform_(1, 0)),
    (lambda g: g.uniform(3, low=float("nan")), lambda t: t.uniform_(float("nan"), 1)),
    (lambda g: g.uniform(3, low=-3e38, high=3e38), lambda t: t.uniform_(-3e38, 3e38)),
    (lambda g: g.uniform(3, np.int64), lambda t: t.long().uniform_()),
    (lambda g: g.uniform(-3), lambda t: torch.rand(-3)),
    (lambda g: g.normal(3, std=-1), lambda t: t.normal_(0, -1)),
    (lambda g: g.normal(3, np.int64), lambda t: t.long().normal_()),
    (lambda g: g.randint(5, 5, 3), lambda t: torch.randint(5, 5, (3,))),
    (lambda g: g.randint(0, 300, 3, np.uint8), lambda t: torch.randint(0, 300, (3,), dtype=torch.uint8)),
    (lambda g: g.randint(-1, 3, 3, np.uint8), lambda t: torch.randint(-1, 3, (3,), dtype=torch.uint8)),
    (lambda g: g.randint(0, 3, 3, np.bool_), lambda t: torch.randint(0, 3, (3,), dtype=torch.bool)),
    (lambda g: g.randint(0, 2**64, 3), lambda t: torch.randint(0, 2**64, (3,))),
    (lambda g: g.randperm(-1), lambda t: torch.randperm(-1)),
    (lambda g: g.randperm(300, np.uint8), lambda t: torch.randperm(300, dtype=torch.uint8)),
    (lambda g: g.bernoulli(1.5, 3), lambda t: t.bernoulli_(1.5)),
    (lambda g: g.bernoulli(float("nan"), 3), lambda t: t.bernoulli_(float("nan"))),
    (lambda g: g.bernoulli(np.array([0.5, 2])), lambda t: torch.bernoulli(torch.tensor([0.5, 2]))),
    (lambda g: g.bernoulli(np.array([1])), lambda t: torch.bernoulli(torch.tensor([1]))),
    (lambda g: g.exponential(3, lambd=0), lambda t: t.exponential_(0)),
    (lambda g: g.log_normal(3, std=0), lambda t: t.log_normal_(0, 0)),
    (lambda g: g.cauchy(3, sigma=0), lambda t: t.cauchy_(0, 0)),
    (lambda g: g.geometric(1, 3), lambda t: t.geometric_(1)),
    (lambda g: g.multinomial(np.array([1, 2]), 1), lambda t: torch.tensor([1, 2]).multinomial(1)),
    (lambda g: g.multinomial(np.ones((2, 2, 2)), 1), lambda t: torch.ones(2, 2, 2).multinomial(1)),
    (lambda g: g.multinomial(np.ones(3), 0), lambda t: torch.ones(3).multinomial(0)),
    (lambda g: g.multinomial(np.ones(3), 4), lambda t: torch.ones(3).multinomial(4)),
    (lambda g: g.multinomial(np.zeros(3), 2, True), lambda t: torch.zeros(3).multinomial(2, True)),
    (lambda g: g.multinomial(np.array([1, -1.0]), 1), lambda t: torch.tensor([1, -1.0]).multinomial(1)),
    (lambda g: g.multinomial(np.array([1, np.inf]), 2, True),
     lambda t: torch.tensor([1, np.inf]).multinomial(2, True)),
    (lambda g: g.poisson(np.array([1, -1.0])), lambda t: torch.poisson(torch.tensor([1, -1.0]))),
    (lambda g: g.poisson(np.array([1, np.nan])), lambda t: torch.poisson(torch.tensor([1, np.nan]))),
    (lambda g: g.manual_seed(2**64), lambda t: torch.manual_seed(2**64)),
    (lambda g: g.manual_seed("a"), lambda t: torch.manual_seed("a")),
    (lambda g: g.set_state(np.zeros(50, np.uint8)),
     lambda t: torch.Generator().set_state(torch.zeros(50, dtype=torch.uint8))),
    (lambda g: g.set_state(np.zeros(5056, np.uint8)),
     lambda t: torch.Generator().set_state(torch.zeros(5056, dtype=torch.uint8))),
    (lambda g: g.set_state(np.zeros(5056)), lambda t: torch.Generator().set_state(torch.zeros(5056))),
    (lambda g: random.Generator("nowhere"), lambda t: torch.Generator("nowhere")),
])
def test_what_torch_refuses_is_refused_and_draws_nothing(ours, theirs):
    generator = random.Generator().manual_seed(0)
    state = generator.get_state()
    with pytest.raises(Exception) as expected:
        theirs(torch.empty(3))
    with pytest.raises(expected.type):
        ours(generator)
    assert np.array_equal(generator.get_state(), state)
