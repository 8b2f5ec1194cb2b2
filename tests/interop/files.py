"""Checkpoints that torch writes, and pickles written instruction by instruction."""

import io
import struct
import zipfile
from collections import Counter, OrderedDict

import numpy as np
import torch

KINDS = {
    torch.float64: "Double", torch.float32: "Float", torch.float16: "Half", torch.bfloat16: "BFloat16",
    torch.int64: "Long", torch.int32: "Int", torch.int16: "Short", torch.int8: "Char", torch.uint8: "Byte",
    torch.bool: "Bool",
}  # fmt: skip


def saved(value, legacy=False):
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=not legacy)
    return file.getvalue()


def everything():
    """A checkpoint with all that a checkpoint may have."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    x = torch.arange(24.0).reshape(2, 3, 4)
    return {
        (1, "a"): 1,
        7: OrderedDict(a=1),
        "net": net.state_dict(),
        "parameter": net[0].weight,
        "dtypes": [(torch.randn(2, 3) * 3).to(dtype) for dtype in KINDS],
        "views": (x, x.transpose(0, 2), x[1, ::2, 1:], x[..., 0], x[0, 0, 0], x[:, :0], x[0, 0, :1].expand(3, 1, 1)),
        "plain": [
            None,
            True,
            False,
            0,
            -5,
            300,
            2**40,
            -(2**70),
            2.5,
            float("inf"),
            "text ü",
            "",
            b"\x00\xff",
            (),
            [],
            {},
        ],
        "numpy": (
            np.arange(6.0).reshape(2, 3),
            np.asfortranarray(np.ones((2, 2), np.int32)),
            np.float64(1.5),
            np.int64(3),
        ),
        "kinds": (x.shape, torch.device("cuda", 1), torch.float32, torch.int64, {1, 2}, Counter("aab"), 1 + 2j),
    }


def zipped(pickle, storages=(), method=zipfile.ZIP_STORED, names=(), byteorder=b"little"):
    """A zip checkpoint with this pickle and these storages."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("archive/data.pkl", pickle)
        archive.writestr("archive/byteorder", byteorder)
        archive.writestr("archive/version", b"3\n")
        for key, storage in enumerate(storages):
            archive.writestr(f"archive/data/{key}", storage)
        for name in names:
            archive.writestr(name, b"")
    return file.getvalue()


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def integer(value):
    data = value.to_bytes(16, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def call(name, *arguments):
    """A function by its name, called with what other instructions make."""
    module, _, name = name.rpartition(".")
    return f"c{module}\n{name}\n".encode() + b"(" + b"".join(arguments) + b"tR"


def tensor(elements=4, offset=0, shape=(4,), strides=(1,), kind="FloatStorage", key="0"):
    """The instructions for one tensor."""
    identifier = (
        b"(" + text("storage") + f"ctorch\n{kind}\n".encode() + text(key) + text("cpu") + integer(elements) + b"tQ"
    )
    sizes, steps = (b"(" + b"".join(map(integer, numbers)) + b"t" for numbers in (shape, strides))
    return call("torch._utils._rebuild_tensor_v2", identifier, integer(offset), sizes, steps, b"\x89", b"N")
