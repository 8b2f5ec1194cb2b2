"""Files of half a gigabyte, which must not need twice that; and what zip files say of sizes beyond 32 bits."""

import io
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import safetensors.numpy
import torch

import scratchnet
from scratchnet.interop import CheckpointError, saving

MEGABYTES, PIECES = 500, 10
# Not ru_maxrss: that of a new process begins with what its parent had, here the arrays that were written.
READER = """
import sys
import scratchnet

def peak():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:")) // 1024

before = peak()
loaded = scratchnet.load(sys.argv[1])
after = peak()
assert all((x.array[::1024] == i + 1).all() for i, x in enumerate(loaded.values()))
print(after - before, peak() - before)
"""


def write(kind, path):
    arrays = {f"w{i}": np.full(MEGABYTES // PIECES * 2**18, i + 1, np.float32) for i in range(PIECES)}
    if kind == "safetensors":
        safetensors.numpy.save_file(arrays, path)
    elif kind == "npz":
        np.savez(path, **arrays)
    elif kind == "npz packed":
        for array in arrays.values():  # all the same, it would be taken for a zip bomb
            array[1::32] = np.random.default_rng(0).random(array[1::32].shape)
        np.savez_compressed(path, **arrays)
    elif kind == "ours":
        scratchnet.save({name: scratchnet.Tensor(array) for name, array in arrays.items()}, path)
    else:
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        torch.save(tensors, path, _use_new_zipfile_serialization=kind == "zip")


# Megabytes that loading may take, and loading and looking at all numbers.
@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells the peak of memory")
@pytest.mark.parametrize(
    ("kind", "most_loading", "most"),
    [("zip", 60, 600), ("ours", 60, 600), ("legacy", 600, 600), ("safetensors", 60, 600),
     ("npz", 60, 600), ("npz packed", 600, 600)],
)
def test_half_a_gigabyte_is_never_in_memory_twice(kind, most_loading, most, tmp_path):
    path = tmp_path / ("x.npz" if kind.startswith("npz") else "x")
    write(kind, path)
    assert (path.stat().st_size > MEGABYTES * 2**20) == (kind != "npz packed")
    result = subprocess.run([sys.executable, "-c", READER, path], capture_output=True, text=True, check=True)
    path.unlink()
    loading, all_of_it = map(int, result.stdout.split())
    assert all_of_it > 0.9 * MEGABYTES  # it is measured at all
    assert loading < most_loading and all_of_it < most


def in_zip64(monkeypatch, value):
    """A checkpoint of ours as if everything in it were larger than 32 bits can say."""
    monkeypatch.setattr(saving, "_ZIP64_FROM", 0)
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    file = io.BytesIO()
    scratchnet.save(value, file)
    monkeypatch.undo()
    return file.getvalue()


def test_wide_sizes_are_written_and_read(monkeypatch):
    value = {"a": scratchnet.arange(6.0).reshape(2, 3), "b": [scratchnet.ones(2), 3]}
    data = in_zip64(monkeypatch, value)
    assert b"PK\x06\x06" in data and b"PK\x06\x07" in data
    entry = struct.unpack_from("<4s6H3L5H2L", data, data.index(b"PK\x01\x02"))
    assert entry[8] == entry[9] == 0xFFFFFFFF  # the first entry's sizes stand in its extra field
    for loaded in (scratchnet.load(io.BytesIO(data)), torch.load(io.BytesIO(data), weights_only=True)):
        assert loaded["a"].tolist() == [[0, 1, 2], [3, 4, 5]] and loaded["b"][0].tolist() == [1, 1] and loaded["b"][1] == 3


def test_wide_sizes_that_lie_are_refused(monkeypatch):
    data = in_zip64(monkeypatch, {"a": scratchnet.ones(4)})
    directory = data.index(b"PK\x01\x02")
    name = struct.unpack_from("<H", data, directory + 28)[0]
    extra = directory + 46 + name
    kind, size = struct.unpack_from("<2H", data, extra)
    assert kind == 1 and size >= 16
    end = data.index(b"PK\x06\x06")
    for place, lie in (
        (extra, struct.pack("<H", 2)),  # no such field: the sizes are 2³² - 1
        (extra + 2, struct.pack("<H", 8)),  # too short for both
        (extra + 4, struct.pack("<Q", 2**60)),
        (end + 32, struct.pack("<Q", 2**50)),  # entries
        (end + 48, struct.pack("<Q", 2**63)),  # where the directory begins
        (data.index(b"PK\x06\x07") + 8, struct.pack("<Q", 2**64 - 1)),
    ):
        with pytest.raises(CheckpointError):
            scratchnet.load(io.BytesIO(data[:place] + lie + data[place + len(lie) :]))
