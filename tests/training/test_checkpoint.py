"""The checkpoint file: what goes in comes out, damage is found, and nothing is ever half written."""

import os
import random
import resource
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter, OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scratchnet import Tensor
from scratchnet.training import CheckpointError, checkpoint

SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5)
ARRAYS = hnp.arrays(
    st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]),
    hnp.array_shapes(min_dims=0, min_side=0),
)
KEYS = st.text(max_size=5) | st.integers() | st.sampled_from(["$array", "a/b", "a"]) | st.tuples(st.integers())
STATES = st.recursive(
    SCALARS | ARRAYS | ARRAYS.map(Tensor),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=3)
        | st.dictionaries(KEYS, inner, max_size=3).map(OrderedDict)
    ),
    max_leaves=8,
)


def same(a, b):
    if isinstance(a, Tensor):
        return isinstance(b, Tensor) and same(a.array, b.array)
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return type(a) is type(b) and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (a == b or a != a)


@given(STATES)
def test_round_trip(tmp_path_factory, state):
    path = tmp_path_factory.mktemp("checkpoint") / "c.npz"
    checkpoint.save(path, state)
    assert same(checkpoint.load(path), state)


def test_numpy_can_read_the_arrays_too(tmp_path):
    weight = np.arange(6.0).reshape(2, 3)
    state = {"model": {"fc.weight": Tensor(weight.T), "n": np.int64(3)}, "milestones": Counter([2, 2, 5])}
    checkpoint.save(tmp_path / "c.npz", state)
    with np.load(tmp_path / "c.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["model/fc.weight"], weight.T)
    again = checkpoint.load(tmp_path / "c.npz")
    assert again["model"]["n"] == 3 and again["milestones"] == Counter([2, 2, 5]) and again["milestones"][7] == 0


@pytest.mark.parametrize(
    "state, place",
    [({"a": [1, {2: object()}]}, r"object at a\.1\.2"), (np.array([None]), "array of objects")],
)
def test_what_cannot_be_stored_is_refused_and_nothing_is_written(tmp_path, state, place):
    with pytest.raises(TypeError, match=place):
        checkpoint.save(tmp_path / "c.npz", state)
    assert not list(tmp_path.iterdir())


# ---- damage ----------------------------------------------------------------------------------------------

STATE = {"w": Tensor(np.linspace(0, 1, 50)), "optimizer": {0: {"m": np.ones((3, 4), np.float32)}}, "lr": 0.1}


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "c.npz"
    checkpoint.save(path, STATE)
    return path.read_bytes()


def test_every_truncation_is_found(content, tmp_path):
    path = tmp_path / "c.npz"
    for n in [*range(8), *range(8, len(content), 37), len(content) - 1]:
        path.write_bytes(content[:n])
        with pytest.raises(CheckpointError, match=r"c\.npz (is no checkpoint|is damaged or truncated)"):
            checkpoint.load(path)


def test_every_flipped_byte_is_found_or_does_not_matter(content, tmp_path):
    path, draw, found = tmp_path / "c.npz", random.Random(0), 0
    for position in draw.sample(range(len(content)), 300):
        damaged = bytearray(content)
        damaged[position] ^= draw.randrange(1, 256)
        path.write_bytes(damaged)
        try:
            assert same(checkpoint.load(path), STATE)  # e.g. a byte of a date
        except CheckpointError:
            found += 1
    assert found > 200


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "c.npz"
    for content, message in (
        (b"", "is empty"),
        (b"\x80\x02}q\x00.", "begins with the bytes '80 02 7d 71'"),
    ):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=message):
            checkpoint.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "b")
    with pytest.raises(CheckpointError, match=r"zip file without state\.json"):
        checkpoint.load(path)
    with pytest.raises(FileNotFoundError):
        checkpoint.load(tmp_path / "none")
    checkpoint.save(path, 1)
    with zipfile.ZipFile(path) as archive:
        document = archive.read("state.json").replace(b'"version": 1', b'"version": 9')
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("state.json", document)
    with pytest.raises(CheckpointError, match="has version 9 of the format"):
        checkpoint.load(path)


def test_nothing_is_unpickled(tmp_path):
    path = tmp_path / "c.npz"
    checkpoint.save(path, {"a": np.zeros(2)})
    evil = np.array([os.getcwd], dtype=object)
    with zipfile.ZipFile(path) as archive:
        document = archive.read("state.json")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("state.json", document)
        with archive.open("a.npy", "w") as member:
            np.lib.format.write_array(member, evil, allow_pickle=True)
    with pytest.raises(CheckpointError, match="allow_pickle"):
        checkpoint.load(path)


# ---- writing ---------------------------------------------------------------------------------------------


def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / "c.npz"
    checkpoint.save(path, {"a": 1})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # or the process would be ended
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(OSError, match=r"cannot write .*c\.npz: File too large"):
            checkpoint.save(path, {"a": np.zeros(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert checkpoint.load(path) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["c.npz"]


WRITER = """
import sys, numpy as np
from scratchnet.training import checkpoint
n = 0
while True:
    n += 1
    checkpoint.save(sys.argv[1], {"n": n, "a": np.full(200_000, n)})
    print(n, flush=True)
"""


def test_sigkill_while_writing_leaves_a_whole_file(tmp_path):
    path = tmp_path / "c.npz"
    for delay in (0.0, 0.004, 0.009, 0.015):
        process = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "1\n"
        time.sleep(delay)
        process.kill()
        last = max([1, *map(int, process.stdout.read().split("\n")[:-1])])
        process.wait()
        process.stdout.close()
        state = checkpoint.load(path)
        assert state["n"] in (last, last + 1)
        assert (state["a"] == state["n"]).all()
