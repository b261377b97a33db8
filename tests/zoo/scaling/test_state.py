"""A state's file is the old one or the new one, whole, whatever becomes of the writing."""

import resource

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.errors import UserError
from zoo.scaling import state


def save(path, value):
    state.save(path, {"model": [keras.Variable(np.full(1000, value))]}, {"epoch": 3}, tf.distribute.get_strategy())


@pytest.fixture
def full():
    """No file may grow beyond 1,000 bytes: what is written stops half-way, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_what_there_was(tmp_path, full):
    path = tmp_path / "run" / "state.h5"
    save(path, 1.0)
    full()
    with pytest.raises(OSError, match="File too large"):
        save(path, 2.0)
    with pytest.raises(OSError, match="File too large"):
        save(tmp_path / "new" / "folder" / "state.h5", 2.0)
    assert [each.relative_to(tmp_path).as_posix() for each in sorted(tmp_path.rglob("*"))] == ["run", "run/state.h5"]
    found, variable = state.State(path), keras.Variable(np.zeros(1000))
    found.assign("model", [variable])
    assert found.about == {"epoch": 3} and (np.asarray(variable) == 1).all()
    with pytest.raises(UserError, match="other variables than this model has"):
        found.assign("model", [keras.Variable(np.zeros(999))])


def test_a_file_that_is_no_state(tmp_path):
    (tmp_path / "state.h5").write_bytes(b"\x89HDF")
    with pytest.raises(UserError, match="cannot be resumed from"):
        state.State(tmp_path / "state.h5")
