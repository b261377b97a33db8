"""Eigenvectors and their power iteration, made so that rounding does not choose the basis.

Eigenvectors of one eigenvalue are any basis of their space. Which one a decomposition returns depends on the last
digits of the matrix, and so on the backend, the compiler and the number of devices. Adam's step depends on the basis,
up to signs and order. The first gradient of a small batch has a large null space, hence the convention below.
"""

import keras
import numpy as np
from keras import ops

from optimizers import kernels
from optimizers.arithmetic import smaller

# The bound below which an eigenvalue counts as 0: relative to the largest, in units of the dtype's rounding. Directions
# of eigenvalues near it are known to two digits; a larger bound would leave out what small eigenvalues tell.
NOISE = 64


def eigenvectors(matrix):
    """(eigenvalues from small to large, eigenvectors in columns) of a symmetric matrix."""
    return ops.eigh(matrix)


@kernels.traced_once
def eigenbasis(matrix):
    """Eigenvectors in columns, from the largest eigenvalue down, of a symmetric matrix without negative eigenvalues.

    The basis of an eigenspace of more than one dimension is made of the unit vectors' projections into it, orthogonal
    in the order of their coordinates. Of all coordinates those are taken whose projections are the most independent;
    in a tie, the first. A unit vector that lies in the space is thus in its basis.
    """
    values, vectors = (ops.flip(each, -1) for each in eigenvectors(matrix))
    noise = rounding(values.dtype) * values[0]
    values = ops.where(values > noise, values, 0)
    # Distinct if apart by more than rounding; small ones, which are less exact, if apart by more than 1 %.
    apart = values[:-1] - values[1:] > smaller(noise * ops.ones_like(values[:-1]), 0.01 * values[:-1])
    spaces = ops.concatenate([ops.zeros((1,), "int32"), ops.cumsum(ops.cast(apart, "int32"))])
    count = matrix.shape[0]
    return ops.cond(spaces[-1] < count - 1, lambda: _conventional(vectors, spaces), lambda: vectors)


def _conventional(vectors, spaces):
    """The basis by convention. `spaces` numbers the eigenspaces that the columns are in, in rising order."""
    count = vectors.shape[0]
    places = ops.arange(count, dtype="int32")
    together = ops.cast(ops.equal(spaces[:, None], spaces[None, :]), vectors.dtype)
    preference = 1 - ops.cast(places, vectors.dtype) * (0.25 / count)

    def choose(column, state):
        """The coordinate whose unit vector has the longest projection into what is left of the column's space."""
        rows, chosen = state
        rows_here = rows * ops.take(together, column, axis=0)
        place = ops.argmax(ops.sum(ops.square(rows_here), axis=1) * preference)
        pivot = ops.take(rows_here, place, axis=0)
        pivot = pivot / ops.sqrt(ops.sum(ops.square(pivot)))
        rows = rows - ops.expand_dims(ops.sum(rows_here * pivot, axis=1), 1) * pivot
        return rows, ops.where(ops.equal(places, column), ops.cast(place, "int32"), chosen)

    _, chosen = ops.fori_loop(0, count, choose, (vectors, ops.zeros_like(places)))
    chosen = ops.sort(spaces * count + chosen) - spaces * count
    projections = vectors @ (ops.transpose(ops.take(vectors, chosen, axis=0)) * together)
    return orthonormal(projections)[0]


@kernels.traced_once
def followed(matrix, basis):
    """One round of power iteration: the Q of QR(matrix @ basis), and the order of the basis's columns in it.

    The columns go from the largest Rayleigh quotient down, since QR keeps the first columns' directions best. A column
    of which nothing but rounding is left beside those before it keeps its direction in the former basis, at the end.
    """
    image = matrix @ basis
    quotients = ops.sum(basis * image, axis=0)
    noise = rounding(image.dtype) * ops.max(quotients)
    places = ops.cast(ops.arange(basis.shape[1]), image.dtype)
    order = ops.argsort(noise * places - quotients)  # the former order where the quotients tie
    next_basis, sizes = orthonormal(ops.take(image, order, axis=1))
    sound = sizes > noise

    def kept():
        last = ops.argsort(places + ops.cast(~sound, places.dtype) * basis.shape[1])
        columns = ops.where(sound, next_basis, ops.take(basis, order, axis=1))
        return orthonormal(ops.take(columns, last, axis=1))[0], ops.take(order, last)

    return ops.cond(ops.all(sound), lambda: (next_basis, order), kept)


def orthonormal(columns):
    """(Q, the diagonal of R) of QR, with signs such that the diagonal is positive."""
    q, r = ops.qr(columns)
    diagonal = ops.diagonal(r)
    return ops.where(diagonal < 0, -q, q), ops.abs(diagonal)


def rounding(dtype) -> float:
    """The relative size of what is nothing but rounding."""
    return NOISE * float(np.finfo(keras.backend.standardize_dtype(dtype)).eps)
