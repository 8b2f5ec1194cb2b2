"""Reading and refusing IDX files."""

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scratchnet.data.datasets import read_idx, write_idx

DTYPES = st.sampled_from([np.uint8, np.int8, np.int16, np.int32, np.float32, np.float64])
ARRAYS = DTYPES.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(max_dims=4, min_side=0)))


@given(ARRAYS, st.booleans())
def test_round_trip(tmp_path_factory, array, zipped):
    path = tmp_path_factory.mktemp("idx") / ("a.gz" if zipped else "a")
    write_idx(path, array)
    again = read_idx(path, ndim=array.ndim)
    assert again.dtype == array.dtype and again.dtype.isnative
    np.testing.assert_array_equal(again, array)


def test_by_hand(tmp_path):
    (tmp_path / "a").write_bytes(bytes([0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 7, 8, 9]))
    assert read_idx(tmp_path / "a").tolist() == [[7, 8, 9]]


GOOD = struct.pack(">HBBII", 0, 8, 2, 2, 3) + bytes(6)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "no IDX file"),
        (b"\x89PNG\r\n", "no IDX file"),
        (b"\0\0\x07\x01", "no IDX file"),
        (GOOD[:6], "truncated: 6 bytes, its header alone has 12"),
        (GOOD[:-1], r"truncated: shape \(2, 3\) needs 18 bytes, there are 17"),
        (GOOD + b"x", "longer than its header says"),
        (struct.pack(">HBBI", 0, 8, 1, 2) + bytes(2), "1 dimensions, expected 2"),
        (gzip.compress(GOOD, mtime=0)[:-6], "gzip file is damaged or truncated"),
        (b"\x1f\x8bnonsense", "gzip file is damaged or truncated"),
        (gzip.compress(GOOD[:-1], mtime=0), "truncated"),
    ],
    ids=lambda value: value if isinstance(value, str) else "bytes",
)
def test_damaged_files_are_refused(tmp_path, content, message):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_idx(tmp_path / "a", ndim=2)


def test_what_the_format_cannot_hold_is_refused(tmp_path):
    with pytest.raises(ValueError, match="cannot hold int64"):
        write_idx(tmp_path / "a", np.zeros(3, np.int64))
