"""Files made to do harm: one clear error each, nothing executed, little memory and time."""

import io
import os
import pickle
import struct
import time
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet.interop import CheckpointError
from tests.interop import files
from tests.interop.files import call, integer, tensor, text, zipped

STORAGE = struct.pack("<4f", 1, 2, 3, 4)
# Far more than any of these files needs, far less than what they ask for.
MOST_BYTES, MOST_SECONDS = 300 << 20, 10


def load(data):
    return scratchnet.load(io.BytesIO(data))


def refused(data, message=None):
    """The file is refused with one error, within bounds of memory and time."""
    began = time.process_time()
    if len(data) < 100_000:  # tracing is slow, and what a file may take is in proportion to its size
        tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match=message):
            load(data)
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < MOST_SECONDS


class Calls:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def setter(state):
    """An OrderedDict, and a state for it."""
    return call("collections.OrderedDict") + state + b"b."


HOSTILE = {
    "system": pickle.dumps(Calls(os.system, "touch executed"), 2),
    "eval": pickle.dumps([Calls(eval, "1/0")], 4),
    "chain": pickle.dumps(Calls(getattr, Calls(__import__, "os"), "system"), 2),
    "module": b"ctorch.nn.modules.linear\nLinear\n)\x81.",
    "getattr of an allowed name": b"ctorch\nSize.__class__\n.",
    "dotted name": b"ccollections\nabc.sys\n.",
    "calls a string": text("eval") + b"(" + text("1") + b"tR.",
    "calls a tensor": tensor() + b")R.",
    "calls a method": b"ctorch\nFloatStorage\n)R.",
    "instantiates": b"(iposix\nsystem\n.",
    "object by its extension": b"\x82\x01.",
    "sets a string": text("x") + b"}b.",
    "sets a tensor": tensor() + b"}b.",
    "state of a dict": b"}}b.",
    "persistent text": b"P0\n.",
    "persistent list": b"]Q.",
    "persistent module": b"(" + text("module") + b"NNNNtQ.",
    "returns a function": b"ccollections\nOrderedDict\n.",
    "returns a storage type": b"]ctorch\nFloatStorage\na.",
    "name of a megabyte": b"c" + b"a" * 1_000_000 + b"\nb\n.",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_is_executed(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for function in ("system", "popen"):  # fails by an exception that `load` does not catch
        monkeypatch.setattr(os, function, lambda *_: pytest.fail("executed"))
    refused(zipped(HOSTILE[name], [STORAGE]))
    legacy = b"".join(pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {}))
    refused(legacy + HOSTILE[name])
    refused(HOSTILE[name])
    assert not any(tmp_path.iterdir())


def test_a_hostile_state_does_not_replace_methods():
    loaded = load(zipped(setter(b"}" + text("items") + integer(0) + b"s" + text("_metadata") + integer(0) + b"s")))
    assert list(loaded.items()) == [] and not hasattr(loaded, "_metadata")


def number(value):
    return b"J" + struct.pack("<i", value)


NESTED = b"]" * 300_000 + b"a" * 299_999 + b"."
EXPLOSIVE = b"]q\x00" + b"".join(b"](h%ch%ceq%c" % (i, i, i + 1) for i in range(60)) + b"."
LONG = text("a" * 1_000_000)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (NESTED, "nested deeper"),
        (b")" + b"\x85" * 999_999 + b".", "nested deeper"),
        (b"]q\x00h\x00a.", "contains itself"),
        (b"}q\x00" + text("a") + b"h\x00s.", "contains itself"),
        (b"0" + EXPLOSIVE, "takes what it has not made"),
        (b"(" + EXPLOSIVE[:-1] + b"l.", "instruction"),
        (b"](" + EXPLOSIVE[:-1] + b"e.", "memo bomb"),
        (b")q\x00" + b"\x86q\x00h\x00".join([b"h\x00"] * 60) + b"\x86}h\x00Ns.", "key|memo bomb|expected one"),
        (LONG + b"q\x000](" + call("_codecs.encode", b"h\x00", text("latin1")) * 200 + b"e.", "memo bomb"),
        (b"](" + b"K\x01" * 30_000 + b"eq\x000](" + call("builtins.set", b"h\x00") * 1000 + b"e.", "memo bomb"),
        (
            b"](" + b"".join(map(number, range(30_000))) + b"eq\x000](" + call("builtins.set", b"h\x00") * 1000 + b"e.",
            "memo bomb",
        ),
        (b"\x8e" + struct.pack("<Q", 2**62) + b".", "truncated"),
        (b"X" + struct.pack("<I", 2**32 - 1) + b".", "truncated"),
        (b"\x8b" + struct.pack("<i", 2**31 - 1) + b".", "instruction"),
        (b"](", "truncated"),
        (b"].]", None),
        (b"N" * 3 + b".", "ends with 3 objects"),
        (b"h\x05.", "not made"),
        (b"\x80\x09N.", "protocol 9"),
        (b"N]a.", "appends"),
        (b"](K\x01u.", "sets 1 keys"),
        (b"}]Ns.", "a key is of type list"),
        (b"\x8f(]\x90.", "a key is of type list"),
        (call("builtins.set", b"]]a") + b".", "a key is of type list"),
        (call("torch.Size", text("ab")) + b".", "no list"),
        (call("torch.device", integer(1)) + b".", "string"),
        (call("collections.Counter", b"]") + b".", "no dict"),
        (call("collections.OrderedDict", b"]K\x01K\x02K\x03\x87a") + b".", "no list of pairs"),
        (call("collections.OrderedDict", b"]" + text("ab") + b"a") + b".", "no list of pairs"),
        (call("numpy.dtype", text("O8"), b"\x89", b"\x88") + b".", "one of bool"),
        (call("numpy.core.multiarray._reconstruct", b"ctorch\nfloat32\n", b")", b"N") + b".", "plain ndarray"),
    ],
)
def test_pickles_that_take_memory_time_or_the_stack(data, message):
    if message is None:
        assert load(zipped(data)) == []
    else:
        refused(zipped(data), message)


def numpy_array(shape, raw):
    dtype = call("numpy.dtype", text("f8"), b"\x89", b"\x88")
    array = call("numpy._core.multiarray._reconstruct", b"cnumpy\nndarray\n", b"(K\x00t", b"N")
    sizes = b"(" + b"".join(map(integer, shape)) + b"t"
    return array + b"(K\x01" + sizes + dtype + b"\x89C" + bytes([len(raw)]) + raw + b"tb."


def test_arrays_of_numpy_cannot_be_larger_than_their_bytes():
    np.testing.assert_array_equal(load(zipped(numpy_array((2, 1), bytes(16)))), np.zeros((2, 1)))
    for shape in ((3,), (2**61,), (-1, -2), (2**40, 2**40, 0)):
        refused(zipped(numpy_array(shape, bytes(16))), "declares|sizes|dimension")
    refused(zipped(numpy_array((2**100,) * 200_000, bytes(16))), "at most 32 sizes")  # their product takes hours


ARRAY = numpy_array((2,), bytes(16))[:-1]  # comparing it gives an array, which is neither true nor false


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (call("numpy.dtype", text("f8")) + b"(K\x03" + ARRAY + b"tb.", "NumPy dtype"),
        (call("numpy.dtype", ARRAY) + b".", "one of bool"),
        (call("_codecs.encode", text("a"), ARRAY) + b".", "latin1"),
        (b"(" + ARRAY + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + integer(1) + b"tQ.", "no storage"),
        (ARRAY + ARRAY + b"b.", "state of a NumPy array"),
        (
            call("numpy._core.multiarray._reconstruct", b"cnumpy\nndarray\n", b")", b"N") + tensor() + b"b.",
            "state of a",
        ),
        (call("torch.Size", b"(" + ARRAY + b"t") + b".", "integers"),
    ],
)
def test_arguments_that_answer_comparisons_with_more_than_yes_or_no(data, message):
    refused(zipped(data, [STORAGE]), message)


@pytest.mark.parametrize("place", [0, 1])
def test_an_array_as_the_first_words_of_a_legacy_stream(place):
    words = [pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001)]
    words[place] = b"\x80\x02" + ARRAY + b"."
    refused(b"".join(words), ("magic number", "protocol version")[place])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"offset": 1}, "reaches element 4 of a storage of 4"),
        ({"offset": -1}, "≥ 0"),
        ({"strides": (2,)}, "reaches element 6"),
        ({"strides": (-1,), "offset": 3}, "≥ 0"),
        ({"shape": (2**62,)}, "reaches element"),
        ({"shape": (2**62,), "strides": (0,)}, "shows a storage of 4"),
        ({"shape": (2, 2)}, "do not fit together"),
        ({"shape": (1,) * 65, "strides": (1,) * 65}, "65 dimensions"),
        ({"shape": (0, 2**70), "strides": (1, 1)}, "_rebuild_tensor_v2"),
        ({"shape": (4, 1), "strides": (1, 2**70)}, "a stride of"),
        ({"shape": (0, 4), "strides": (2**60, 1)}, "a stride of"),
        ({"elements": 5}, "declares 5 elements"),
        ({"elements": 2**50}, "declares"),
        ({"elements": -1}, "≥ 0"),
        ({"kind": "DoubleStorage"}, "declares 4 elements"),
        ({"kind": "ComplexFloatStorage"}, "ComplexFloatStorage"),
        ({"key": "../../etc/passwd"}, "no entry"),
        ({"key": "1"}, "no entry"),
    ],
)
def test_tensors_outside_of_their_storage(options, message):
    assert load(zipped(tensor() + b".", [STORAGE])).tolist() == [1, 2, 3, 4]
    refused(zipped(tensor(**options) + b".", [STORAGE]), message)


def test_one_storage_of_two_kinds():
    refused(zipped(tensor() + tensor(kind="IntStorage") + b"\x86.", [STORAGE]), "FloatStorage")


def end_record(data, **fields):
    """The zip file with other numbers in its end record."""
    at = data.rindex(b"PK\x05\x06")
    names = ["disk", "first", "here", "count", "size", "start", "comment"]
    values = dict(zip(names, struct.unpack_from("<4H2LH", data, at + 4), strict=True)) | fields
    return data[: at + 4] + struct.pack("<4H2LH", *values.values()) + data[at + 22 :]


def test_zip_files_that_lie(monkeypatch):
    good = zipped(tensor() + b".", [STORAGE])
    assert load(good).shape == (4,)
    refused(zipped(tensor() + b".", [STORAGE], zipfile.ZIP_DEFLATED), "compressed")
    monkeypatch.setattr("scratchnet.interop.archive._UNPACKED_FLOOR", 1000)
    refused(zipped(tensor() + b".", [bytes(100_000)], zipfile.ZIP_DEFLATED), "zip bomb")
    refused(zipped(b"N.", names=["../../x"]), "leads out")
    refused(zipped(b"N.", names=["/x"]), "leads out")
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = zipped(b"N.", names=["archive/x", "archive/x"])
    refused(twice, "two entries")
    refused(end_record(good, count=60000, here=60000), "declares 60000 entries")
    refused(end_record(good, disk=1), "volumes")
    refused(end_record(good, start=0), "not where")
    refused(good + b"x", "does not end")
    refused(good[:-30], "truncated")
    refused(zipped(b"N.", names=["archive/constants.pkl"]), "TorchScript")
    directory = good.index(b"PK\x01\x02")
    for position in (42, 20, 24, 8, 10):  # of the header, packed size, size, flags, method
        lie = bytearray(good)
        lie[directory + position] ^= 1
        refused(bytes(lie))


def test_entries_that_overlap():
    good = zipped(b"N.", [bytes(100)])
    second = good.index(b"PK\x01\x02", good.index(b"PK\x01\x02") + 1)
    lie = good[: second + 42] + struct.pack("<L", 0) + good[second + 46 :]
    refused(lie, "overlaps|local header")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        b"PK\x03\x04",
        b"\x80",
        b"\x80\x02.",
        b"\x80\x02K\x01.",
        b"\x00" * 257 + b"ustar",
        b"text",
        b"\x93NUMPY\x01",
    ],
)
def test_what_is_no_checkpoint(data):
    refused(data)


def test_legacy_streams_that_lie():
    good = files.saved(torch.arange(4.0), legacy=True)
    assert load(good).tolist() == [0, 1, 2, 3]
    numbers = good.index(struct.pack("<q", 4) + struct.pack("<f", 0))
    refused(good[:numbers] + struct.pack("<q", 2**60) + good[numbers + 8 :], "has 1152921504606846976 elements")
    refused(good[:-1], "truncated")
    refused(good.replace(b"K\x04N", b"J\xff\xff\xff\x7fN"), "larger than the file")
    refused(good.replace(b"K\x04N", integer(-1) + b"N"), "≥ 0")
