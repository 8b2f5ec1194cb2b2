"""Formats that hold named arrays and no program: .safetensors and .npz."""

import io
import json
import struct
import sys
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save as save_safetensors

import scratchnet
from scratchnet import interop
from tests.interop.test_loading import load


def test_safetensors():
    values = {"b": np.arange(6, dtype=np.float32).reshape(2, 3), "a": np.array(3), "c": np.array([True, False])}
    result = load(save_safetensors(values, metadata={"format": "pt"}))
    assert sorted(result) == ["a", "b", "c"]
    for name, value in values.items():
        assert result[name].array.dtype == value.dtype
        np.testing.assert_array_equal(result[name].array, value)


def safetensors(header, data=b""):
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(header)) + header + data


def test_safetensors_by_hand_with_bfloat16():
    half = {"w": {"dtype": "BF16", "shape": [2, 1], "data_offsets": [0, 4]}}
    assert load(safetensors(half, struct.pack("<2H", 0x3F80, 0xC000)))["w"].tolist() == [[1], [-2]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (struct.pack("<Q", 2**60) + b"{}", "refuses"),
        (safetensors({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, bytes(4)), "refuses"),
        (safetensors({"w": {"dtype": "F32", "shape": [2**60], "data_offsets": [0, 2**62]}}, bytes(4)), "refuses"),
        (safetensors({"w": {"dtype": "F32", "shape": [-1], "data_offsets": [0, -4]}}), "refuses"),
        (safetensors({n: {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]} for n in "ab"}, bytes(2)), "refuses"),
        (safetensors({"w": {"dtype": "C64", "shape": [], "data_offsets": [0, 8]}}, bytes(8)), "dtype"),
        (safetensors({"w": {"dtype": "U8", "shape": [1] * 80, "data_offsets": [0, 1]}}, bytes(1)), "damaged"),
        (safetensors({}, bytes(1)), "refuses"),
        (
            safetensors(
                b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
                b'"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}',
                bytes(2),
            ),
            "refuses",
        ),
        (safetensors(b'{"a":' + b"[" * 100_000), "refuses"),
    ],
)
@pytest.mark.parametrize("by_path", [False, True])
def test_safetensors_that_are_refused(data, message, by_path, tmp_path):
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(interop.CheckpointError, match=message):
        scratchnet.load(tmp_path / "x") if by_path else load(data)


@pytest.mark.parametrize("mmap", [None, True, False])
def test_safetensors_by_path_have_their_numbers_and_may_be_mapped(tmp_path, mmap):
    values = {"f": np.arange(3.0), "h": np.arange(5, dtype=np.float16), "e": np.zeros((0, 2)), "b": np.array([True])}
    (tmp_path / "x").write_bytes(save_safetensors(values))
    result = scratchnet.load(tmp_path / "x", mmap=mmap)
    assert sorted(result) == sorted(values)
    for name, value in values.items():
        assert result[name].array.dtype == value.dtype and result[name].shape == value.shape
        np.testing.assert_array_equal(result[name].array, value)
    root = result["f"].array
    while isinstance(root.base, np.ndarray):
        root = root.base
    assert isinstance(root, np.memmap) == bool(mmap)
    result["h"].array[:] = 7  # writable, and the file stays
    assert scratchnet.load(tmp_path / "x")["h"].tolist() == [0, 1, 2, 3, 4]


def test_safetensors_without_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ImportError, match=r"pip install 'scratchnet\[cli\]'"):
        load(safetensors({}))


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_npz(write):
    file = io.BytesIO()
    write(
        file,
        a=np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        b=np.array(3),
        c=np.array(["x", "yz"]),
        d=np.zeros((0, 2)),
    )
    result = load(file.getvalue())
    assert result["a"].tolist() == [[0, 1, 2], [3, 4, 5]] and result["b"].item() == 3
    assert result["c"].tolist() == ["x", "yz"] and result["d"].shape == (0, 2)


@pytest.mark.parametrize("mmap", [None, True, False])
@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_npz_by_path_may_be_mapped(write, mmap, tmp_path):
    """Names of all lengths: numbers begin at all places, and only those at a multiple of their size can stay there."""
    values = {"x" * n: np.arange(n, dtype=dtype) for n, dtype in enumerate(("f8", "f4", "f2", "i8", ">i4", "u1"), 1)}
    values |= {"fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "flags": np.array([True, False]), "none": np.zeros(0)}
    write(tmp_path / "x.npz", **values)
    result = scratchnet.load(tmp_path / "x.npz", mmap=mmap)
    mapped = 0
    for name, value in values.items():
        array = result[name].array
        assert array.dtype == value.dtype.newbyteorder("=") and array.flags.aligned and array.flags.writeable
        np.testing.assert_array_equal(array, value)
        root = array
        while isinstance(root.base, np.ndarray):
            root = root.base
        mapped += isinstance(root, np.memmap)
        array[...] = 1
    assert (mapped > 0) == (mmap is True and write is np.savez)
    with np.load(tmp_path / "x.npz") as there:
        for name, value in values.items():
            np.testing.assert_array_equal(there[name], value)


@pytest.mark.parametrize("mapped", [True, False])
def test_checksums_of_npz(mapped, tmp_path, monkeypatch):
    monkeypatch.setattr("scratchnet.interop.loading._MAPPED_FROM", 0 if mapped else 1 << 30)
    path = tmp_path / "x.npz"
    np.savez(path, **{"x" * n: np.full(3, 1.0) for n in range(1, 9)})
    good = path.read_bytes()
    for at in [i for i in range(len(good)) if good.startswith(struct.pack("<3d", 1, 1, 1), i)]:
        path.write_bytes(good[:at] + b"\1" + good[at + 1 :])
        with pytest.raises(interop.CheckpointError, match="checksum differs"):
            scratchnet.load(path)
        assert len(scratchnet.load(path, mmap=True)) == 8


def test_a_byte_that_is_no_bool_is_true():
    array, file = io.BytesIO(), io.BytesIO()
    np.save(array, np.array([True, False, True]))
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.npy", array.getvalue()[:-3] + b"\2\0\1")
    assert load(file.getvalue())["a"].array.view(np.uint8).tolist() == [1, 0, 1]


@pytest.mark.parametrize("shape", ["(1,)", "(1L,)"])
def test_headers_that_old_versions_wrote(shape):
    """NumPy warns of them; text is text."""
    header, file = f"{{'descr': '|a2', 'fortran_order': False, 'shape': {shape}}}", io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + b"xy")
    assert load(file.getvalue())["a"].tolist() == [b"xy"]


def test_arrays_of_objects_are_refused():
    file = io.BytesIO()
    np.savez(file, a=np.array([{}], object))
    with pytest.raises(interop.CheckpointError, match="would have to be unpickled"):
        load(file.getvalue())


@pytest.mark.parametrize("dtype", [np.complex64, np.longdouble, "datetime64[s]", "V3"])
def test_arrays_of_what_no_tensor_has_are_refused(dtype):
    file = io.BytesIO()
    np.savez(file, a=np.zeros(2, dtype))
    with pytest.raises(interop.CheckpointError, match="which no tensor has here"):
        load(file.getvalue())


@pytest.mark.parametrize(
    "header",
    ["-" * 9000 + "1", "(" * 300, "'''", "{[]: 1}", "{1: 2, 'a': 3}", "   1\n 2", "\0"]
    + [f"{{'descr': {descr}, 'fortran_order': False, 'shape': ()}}" for descr in ("()", "3", "'O8,('", "[('a',)]")],
)
def test_headers_of_npy_that_are_none(header):
    encoded, file = header.encode(), io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(encoded)) + encoded)
    with pytest.raises(interop.CheckpointError, match="no header"):
        load(file.getvalue())
