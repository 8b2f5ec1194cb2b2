"""no_grad, enable_grad, set_grad_enabled, inference_mode: in every form in which torch has them, and per thread."""

import threading

import pytest
import torch

import scratchnet
from scratchnet.autograd.mode import modes
from tests.autograd.side_by_side import assert_same, constant, leaf


@pytest.fixture(autouse=True)
def switches_are_put_back():
    before = vars(modes).copy()
    yield
    assert vars(modes) == before


def state(F):
    return F.is_grad_enabled(), F.is_inference_mode_enabled()


MODES = {
    "no_grad": lambda F: F.no_grad(),
    "enable_grad": lambda F: F.enable_grad(),
    "set_grad_enabled(True)": lambda F: F.set_grad_enabled(True),
    "set_grad_enabled(False)": lambda F: F.set_grad_enabled(False),
    "inference_mode": lambda F: F.inference_mode(),
    "inference_mode(True)": lambda F: F.inference_mode(True),
    "inference_mode(False)": lambda F: F.inference_mode(False),
    "inference_mode(mode=False)": lambda F: F.inference_mode(mode=False),
}
every_mode = pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())


@every_mode
def test_context_manager(mode):
    def program(F):
        before = state(F)
        with mode(F):
            inside = state(F)
            y = leaf(F) * 2
        return before, inside, state(F), y.requires_grad, y.is_inference(), (leaf(F) * 2).requires_grad

    assert_same(program)


@every_mode
@pytest.mark.parametrize("outer", MODES.values(), ids=MODES.keys())
def test_nesting(outer, mode):
    # Inside inference_mode, enable_grad records nothing in either library; ours says so, torch's is_grad_enabled() is True.
    def program(F):
        seen = []
        with outer(F):
            with mode(F):
                x = leaf(F)
                y = x * 2
                seen += [F.is_inference_mode_enabled(), y.requires_grad, y.is_inference()]
            seen += [state(F), (leaf(F) * 2).requires_grad]
        return seen, state(F)

    assert_same(program)


def test_nothing_switches_recording_on_inside_inference_mode():
    with scratchnet.inference_mode(), scratchnet.enable_grad():
        assert not scratchnet.is_grad_enabled()
        assert not (leaf(scratchnet) * 2).requires_grad
    with scratchnet.inference_mode(), scratchnet.set_grad_enabled(True):
        assert not scratchnet.is_grad_enabled()


@every_mode
def test_decorator(mode):
    def program(F):
        before = state(F)

        @mode(F)
        def function(x, *, scale):
            """What it does."""
            return state(F), (x * scale).requires_grad

        between = state(F)
        return before, between, function(leaf(F), scale=2), state(F), function.__name__, function.__doc__

    assert_same(program)


@pytest.mark.parametrize("name", ["no_grad", "enable_grad", "inference_mode"])
def test_decorator_without_parentheses(name):
    def program(F):
        @getattr(F, name)
        def function():
            return state(F)

        with F.no_grad():
            inside = function()
        return function(), inside, function.__name__, state(F)

    assert_same(program)


def test_decorated_method_and_recursion():
    def program(F):
        class Model:
            @F.no_grad()
            def depth(self, n):
                return [state(F)] + (self.depth(n - 1) if n else [])

        return Model().depth(3), state(F)

    assert_same(program)


def test_one_object_entered_twice():
    # torch's forgets the outermost state, and recording stays off
    mode = scratchnet.no_grad()
    with mode:
        with mode:
            assert not scratchnet.is_grad_enabled()
        assert not scratchnet.is_grad_enabled()
    assert scratchnet.is_grad_enabled()


@every_mode
def test_exception_puts_the_old_mode_back(mode):
    def program(F):
        @mode(F)
        def fails():
            raise KeyError("in the body")

        try:
            with mode(F):
                raise KeyError("in the body")
        except KeyError:
            after_with = state(F)
        try:
            fails()
        except KeyError:
            return after_with, state(F)

    assert_same(program)


@every_mode
def test_generator(mode):
    """The mode holds inside the generator and not in its consumer; send, throw, return and close go through."""

    def program(F):
        seen = []

        @mode(F)
        def numbers():
            seen.append(("start", state(F)))
            try:
                got = yield 1
                seen.append(("sent", got, state(F)))
                try:
                    yield 2
                except KeyError:
                    seen.append(("thrown", state(F)))
                    yield 3
                yield 4
            finally:
                seen.append(("closed", state(F)))
            return "never"

        generator = numbers()
        seen += [state(F), next(generator), state(F), generator.send("hello"), state(F), generator.throw(KeyError())]
        with F.no_grad():
            seen += [next(generator), state(F)]
        generator.close()
        return seen, state(F)

    assert_same(program)


def test_generator_returns_its_value():
    def program(F):
        @F.no_grad()
        def inner():
            yield 1
            return "value"

        def outer():
            result = yield from inner()
            yield result

        return list(outer())

    assert_same(program)


def test_set_grad_enabled_acts_at_once_and_wants_a_bool():
    def program(F):
        F.set_grad_enabled(False)
        off = state(F)
        F.set_grad_enabled(True)
        return off, state(F)

    assert_same(program)
    assert isinstance(assert_same(lambda F: F.set_grad_enabled(1)), TypeError)


def test_backward_inside_no_grad():
    def program(F):
        x = leaf(F)
        y = (x * x).sum()
        with F.no_grad():
            y.backward(create_graph=True)
        return x.grad, x.grad.requires_grad

    assert_same(program)


# ---- inference tensors ------------------------------------------------------------------------------------------------
def in_inference(F):
    with F.inference_mode():
        return leaf(F) * 2


INFERENCE_PROGRAMS = {
    "use outside": lambda F: [(z := in_inference(F) + 1).is_inference(), z.requires_grad, z],
    "add to what needs grad": lambda F: [(z := in_inference(F) + leaf(F)).is_inference(), z.requires_grad],
    "save for backward": lambda F: in_inference(F) * leaf(F),
    "change outside": lambda F: in_inference(F).add_(1),
    "change with a value that needs grad": lambda F: in_inference(F).add_(leaf(F)),
    "assign an element outside": lambda F: in_inference(F).__setitem__(0, 5.0),
    "requires_grad_": lambda F: in_inference(F).requires_grad_(),
    "version": lambda F: in_inference(F)._version,
    "view outside": lambda F: [(z := in_inference(F)[0]).is_inference(), z.requires_grad],
    "change a view outside": lambda F: in_inference(F)[0].add_(1),
    "clone": lambda F: [(z := in_inference(F).clone()).is_inference(), (z * leaf(F)).requires_grad],
    "detach": lambda F: in_inference(F).detach().is_inference(),
}


@pytest.mark.parametrize("program", INFERENCE_PROGRAMS.values(), ids=INFERENCE_PROGRAMS.keys())
def test_inference_tensor(program):
    assert_same(program)


def test_changes_inside_inference_mode():
    def program(F):
        normal, needs_grad = constant(F), leaf(F)
        with F.inference_mode():
            made = normal * 2
            made.add_(1)
            made[0] = 7.0
            view = made[1:]
            view.mul_(3)
            normal.add_(1)
            needs_grad.add_(1)
            window = normal[1:]
            window.mul_(2)
        normal.add_(1)
        return made, made.is_inference(), normal, normal._version, needs_grad, needs_grad._version, window.is_inference()

    assert_same(program)


def test_view_made_in_inference_mode_is_not_changed_where_that_would_be_recorded():
    def program(F):
        y = leaf(F) * 2
        with F.inference_mode():
            view = y[:2]
        view.mul_(2)

    assert isinstance(assert_same(program), RuntimeError)


def test_errors_say_what_to_do():
    with pytest.raises(RuntimeError, match=r"inference.*clone"):
        in_inference(scratchnet) * leaf(scratchnet)
    with pytest.raises(RuntimeError, match=r"outside InferenceMode is not allowed.*clone"):
        in_inference(scratchnet).add_(1)


# ---- threads ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("F", [scratchnet, torch], ids=["scratchnet", "torch"])
def test_a_new_thread_records(F):
    seen = []
    with F.no_grad():
        thread = threading.Thread(target=lambda: seen.append(state(F)))
        thread.start()
        thread.join()
    assert seen == [(True, False)]


def test_threads_take_turns_in_different_modes():
    """Each thread enters and leaves modes while others are inside theirs; every one sees its own alone."""
    names = ["no_grad", "enable_grad", "inference_mode"]
    barrier = threading.Barrier(len(names), timeout=20)
    failures = []

    def work(name):
        try:
            for _ in range(20):
                barrier.wait()
                with getattr(scratchnet, name)():
                    barrier.wait()
                    y = leaf(scratchnet) * 2
                    assert y.requires_grad == (name == "enable_grad")
                    assert y.is_inference() == (name == "inference_mode")
                    barrier.wait()
                assert state(scratchnet) == (True, False)
        except Exception as error:
            failures.append(error)
            barrier.abort()

    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
