"""Parts that the comparisons with a reference's stored arrays share."""

import numpy as np


def named(reference: dict[str, np.ndarray], kind: str) -> dict[str, np.ndarray]:
    """The arrays whose names begin with `kind`, without it."""
    return {name.removeprefix(kind): array for name, array in reference.items() if name.startswith(kind)}


def assert_close(got, expected: np.ndarray, name: str, tolerance: float = 1e-5) -> None:
    """No element is off by more than that share of the largest one."""
    error = np.abs(np.asarray(got) - expected).max()
    assert error <= tolerance * np.abs(expected).max(), f"{name}: {error}"
