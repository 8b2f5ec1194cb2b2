"""replacing: the old file or the new one, never half of it."""

import os

import pytest

from scratchnet.training.files import replacing


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path, "w") as file:
        file.write("new")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert names(tmp_path) == ["a.txt"]


def test_an_exception_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyError), replacing(path, "w") as file:
        file.write("new")
        raise KeyError
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_what_a_killed_process_left_is_overwritten(tmp_path):
    (tmp_path / ".a.txt.tmp").write_text("half")
    with replacing(tmp_path / "a.txt", "w") as file:
        file.write("new")
    assert names(tmp_path) == ["a.txt"]


def test_a_full_disk_is_an_error_that_names_the_file(tmp_path):
    os.symlink("/dev/full", tmp_path / ".a.txt.tmp")
    with (
        pytest.raises(OSError, match=r"cannot write .*a\.txt: No space left on device"),
        replacing(tmp_path / "a.txt", "w") as file,
    ):
        file.write("new")
    assert names(tmp_path) == []


def test_a_folder_that_is_not_there(tmp_path):
    with (
        pytest.raises(OSError, match=r"cannot write .*a\.txt: No such file or directory"),
        replacing(tmp_path / "none" / "a.txt", "w"),
    ):
        pass
