"""Files that came to harm: mutated ones give an object or one clear error, quickly and in little memory."""

import io
import os
import random
import struct
import time
import zipfile

import numpy as np
import pytest

from scratchnet.interop import CheckpointError
from tests.interop import files
from tests.interop.files import tensor, zipped
from tests.interop.test_attacks import STORAGE, load


def mutated(data, choose):
    """The file with one or a few bytes changed, cut out, repeated, or the end cut off."""
    data = bytearray(data)
    for _ in range(choose.choice((1, 1, 2, 5))):
        at = choose.randrange(len(data))
        kind = choose.randrange(5)
        if kind == 0:
            data[at] ^= 1 << choose.randrange(8)
        elif kind == 1:
            data[at] = choose.choice(b"(.0NKJX]}teusabRQcqhrj\x80\x85\x86\x87\x88\x8a\x8e\x93\x94\x95")
        elif kind == 2:
            del data[at : at + choose.choice((1, 4, 40))]
        elif kind == 3:
            data[at:at] = data[at : at + choose.choice((1, 8, 200))]
        else:
            del data[max(at, 1) :]
        data = data or bytearray(b"\x80")
    return bytes(data)


def originals():
    """Files of every format, and some whose pickle only is mutated."""
    value = files.everything()
    packed, stored = io.BytesIO(), io.BytesIO()
    for write, file in ((np.savez_compressed, packed), (np.savez, stored)):
        write(file, a=np.arange(6.0), b=np.ones((2, 2), np.int32))
    header = b'{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}'
    return [
        files.saved(value),
        files.saved(value, legacy=True),
        packed.getvalue(),
        stored.getvalue(),
        struct.pack("<Q", len(header)) + header + STORAGE,
    ]


def survive(count, seed):
    """Load that many mutated files: each gives an object or one clear error, quickly and in little memory."""
    choose = random.Random(seed)
    whole = originals()
    with zipfile.ZipFile(io.BytesIO(whole[0])) as archive:
        inner = archive.read("archive/data.pkl")
        storages = [
            archive.read(f"archive/data/{i}") for i in range(sum("/data/" in name for name in archive.namelist()))
        ]
    small = tensor() + b"."
    slowest, refusals = 0.0, 0
    for number in range(count):
        kind = number % 7
        if kind < 5:
            data = mutated(whole[kind], choose)
        elif kind == 5:
            data = zipped(mutated(inner, choose), storages)
        else:
            data = zipped(mutated(small, choose), [STORAGE])
        began = time.monotonic()
        try:
            load(data)
        except CheckpointError:
            refusals += 1
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < 5
    assert refusals > count / 3


def test_mutated_files(monkeypatch):
    monkeypatch.setattr(os, "system", lambda *_: pytest.fail("executed"))
    survive(300, 0)


@pytest.mark.slow
def test_a_hundred_thousand_mutated_files(monkeypatch):
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(os, "system", lambda *_: pytest.fail("executed"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    survive(100_000, 1)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500 << 10  # kilobytes
