"""Names of torch's that scripts use and that have little to do here: old constructors, switches, mixed precision."""

import numpy as np
import pytest
import torch

import scratchnet

LIBRARIES = (scratchnet, torch)
TYPES = "Float Double Half Long Int Short Char Byte Bool".split()


@pytest.mark.parametrize("name", TYPES)
def test_old_constructors(name):
    data = np.array([[0.0, 1.0, 2.0]])
    for given in ([0, 1, 3], range(3), (2, 3), data):
        ours, theirs = (getattr(library, f"{name}Tensor")(given) for library in LIBRARIES)
        assert ours.tolist() == theirs.tolist()
        assert str(theirs.dtype) == f"torch.{ours.dtype.name}"
        assert isinstance(ours, getattr(scratchnet, f"{name}Tensor"))
        assert sum(isinstance(ours, getattr(scratchnet, f"{n}Tensor")) for n in TYPES) == 1
        assert isinstance(theirs, getattr(torch, f"{name}Tensor"))
    for library in LIBRARIES:
        constructor = getattr(library, f"{name}Tensor")
        assert tuple(constructor(2, 0).shape) == (2, 0) and tuple(constructor().shape) == (0,)
        assert tuple(constructor(library.zeros(2, 4).shape).shape) == (2, 4)
        assert library.zeros(2).type(constructor).dtype == constructor(1).dtype


@pytest.mark.parametrize("given, error", [((2, -1), RuntimeError), ((2, 0.5), TypeError), ((0.5,), TypeError)])
def test_old_constructors_refuse(given, error):
    for library in LIBRARIES:
        with pytest.raises(error):
            library.FloatTensor(*given)
        with pytest.raises(TypeError):
            library.FloatTensor(library.ones(2, dtype=library.int64))


def test_variable():
    for library in LIBRARIES:
        x = library.ones(2)
        v = library.autograd.Variable(x, requires_grad=True)
        assert v.requires_grad and not x.requires_grad and isinstance(x, library.autograd.Variable)
        (v * v).sum().backward()
        assert v.grad.tolist() == [2, 2]
        x[0] = 5
        assert v.tolist() == [5, 1]
        with pytest.raises(TypeError):
            library.autograd.Variable([1.0])


@pytest.mark.parametrize("change", [lambda x: x.squeeze_(), lambda x: x.squeeze_(1), lambda x: x.unsqueeze_(-1),
                                    lambda x: x[0].t_(), lambda x: x.transpose_(0, 2), lambda x: x.swapdims_(0, -1)])
def test_other_shapes_in_place(change):
    results = []
    for library in LIBRARIES:
        x = library.arange(6.0).reshape(2, 1, 3)
        y = change(x)
        y[0] = 9.0
        leaf = library.arange(6.0).reshape(2, 1, 3).requires_grad_()
        z = change(leaf * 2)
        z.mul_(3)
        (z * z).sum().backward()
        results.append((x.tolist(), y.tolist(), z.tolist(), leaf.grad.tolist()))
        with pytest.raises(RuntimeError, match="leaf"):
            change(leaf)
        with library.no_grad():
            assert change(library.ones(2, 1, 3)).add_(1).max() == 2
    assert results[0] == results[1]


def test_limits_of_dtypes():
    for name in ("float16", "float32", "float64"):
        ours, theirs = (library.finfo(getattr(library, name)) for library in LIBRARIES)
        for what in ("bits", "max", "min", "eps", "tiny", "smallest_normal", "resolution", "dtype"):
            assert getattr(ours, what) == getattr(theirs, what), what
        assert repr(ours).startswith(repr(theirs)[:20])
    for name in ("uint8", "int8", "int16", "int32", "int64"):
        ours, theirs = (library.iinfo(getattr(library, name)) for library in LIBRARIES)
        assert (ours.bits, ours.max, ours.min, ours.dtype) == (theirs.bits, theirs.max, theirs.min, theirs.dtype)
    assert repr(scratchnet.iinfo(scratchnet.int8)) == repr(torch.iinfo(torch.int8))
    for library in LIBRARIES:
        assert library.finfo().dtype == "float32"
        with pytest.raises(TypeError):
            library.finfo(library.int8)
        with pytest.raises(TypeError):
            library.iinfo(library.float32)


def test_switches():
    before = scratchnet.get_num_threads()
    for library in LIBRARIES:
        threads = library.get_num_threads()
        library.set_num_threads(1)
        assert library.get_num_threads() == 1
        with pytest.raises(RuntimeError, match="positive"):
            library.set_num_threads(0)
        library.set_num_threads(threads)
        library.use_deterministic_algorithms(True)
        assert library.are_deterministic_algorithms_enabled()
        library.use_deterministic_algorithms(False)
        assert not library.are_deterministic_algorithms_enabled()
    assert scratchnet.get_num_threads() == before
    ours, theirs = scratchnet.backends, torch.backends
    for name in ("enabled", "benchmark", "deterministic", "allow_tf32"):
        assert getattr(ours.cudnn, name) == getattr(theirs.cudnn, name)
    assert ours.cuda.matmul.allow_tf32 == theirs.cuda.matmul.allow_tf32
    for place in (ours.cudnn, ours.mps, ours.mkldnn):
        assert place.is_available() is False
    assert ours.mps.is_built() is ours.cuda.is_built() is False and ours.cudnn.version() is None


def test_compile_returns_what_it_is_given():
    net = scratchnet.nn.Linear(2, 2)
    assert scratchnet.compile(net, mode="max-autotune") is net
    assert scratchnet.compile(fullgraph=True)(len) is len
    with pytest.raises(TypeError, match="speed"):
        scratchnet.compile(net, speed=2)


def test_mixed_precision_is_off():
    from scratchnet.cuda.amp import autocast

    w = scratchnet.ones(2, requires_grad=True)
    optimizer = scratchnet.optim.SGD([w], lr=0.5)
    scaler = scratchnet.amp.GradScaler("cuda", init_scale=8.0)
    with scratchnet.amp.autocast(device_type="cpu"), autocast():
        loss = (w * w).sum()
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    assert loss.dtype == scratchnet.float32 and w.tolist() == [0, 0]
    assert (scaler.get_scale(), scaler.is_enabled(), scaler.state_dict()) == (1.0, False, {})
    scaler.load_state_dict({})
    assert autocast()(lambda x: x + 1)(2) == 3
    with pytest.raises(TypeError, match="growth"):
        scratchnet.amp.GradScaler(growth=2)


def test_nothing_is_pinned():
    x = scratchnet.ones(2)
    assert x.pin_memory() is x and x.is_pinned() is torch.ones(2).is_pinned() is False


def test_a_name_that_is_not_here_says_where_to_look():
    with pytest.raises(AttributeError, match=r"'scratchnet' has no attribute 'fft'; docs/coverage\.md"):
        getattr(scratchnet, "fft")  # noqa: B009
