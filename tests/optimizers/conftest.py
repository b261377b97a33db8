"""Settings that the optimizers' tests need to run by hundreds on JAX."""

import itertools

import keras
import pytest

_TESTS = itertools.count(1)


@pytest.fixture(autouse=True)
def forget_compiled_programs():
    """Now and then, on JAX: it keeps every program, each with memory maps of its own, until the system's limit of
    65,530 maps ends the process."""
    yield
    if keras.backend.backend() == "jax" and next(_TESTS) % 50 == 0:
        import jax

        jax.clear_caches()
