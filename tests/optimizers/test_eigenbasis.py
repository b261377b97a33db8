"""SOAP's bases do not depend on rounding: neither by the decomposition, nor by how a step is run."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

import optimizers
from optimizers import eigenbasis
from tests.optimizers.running import run

ALLOWED = {"SOAP": 5e-3, "Shampoo": 1e-4}  # of the movement
TENSORFLOW = keras.backend.backend() == "tensorflow"


def of_low_rank(shape, rank, steps, same_inputs=True) -> list[np.ndarray]:
    """Gradients as a batch of `rank` examples gives them: input 1 is always 0, inputs 2 and 4 are equal."""
    random = np.random.RandomState(5)
    rows, made = int(np.prod(shape[:-1])), []
    for _ in range(steps):
        if not made or not same_inputs:
            inputs = random.normal(size=(rows, rank))
            inputs[1], inputs[4] = 0, inputs[2]
        made.append(np.float32(inputs @ random.normal(size=(rank, shape[-1]))).reshape(shape))
    return made


def low_rank_gram():
    gradient = of_low_rank((7, 5), 2, 1)[0].astype("float64")
    return gradient @ gradient.T


MATRICES = {
    "null-space": low_rank_gram(),
    "repeated": np.diag([3.0, 1.0, 3.0, 1.0, 0.0]),
    "repeated-turned": 2 * np.eye(5) + np.ones((5, 5)),
    "zero": np.zeros((4, 4)),
    "rank-one-with-ties": np.ones((6, 6)),
}


def oracle(matrix) -> np.ndarray:
    """The convention of `eigenbasis`, from the projectors that the eigenvalues' polynomials give; up to signs."""
    values = np.unique(np.round(np.linalg.eigvalsh(matrix), 9))[::-1]
    size, basis = len(matrix), []
    for value in values:
        projector = np.eye(size)
        for other in values[values != value]:
            projector = projector @ (matrix - other * np.eye(size)) / (value - other)
        left, taken = projector.copy(), []
        for _ in range(round(np.trace(projector))):
            lengths = np.diag(left) * (1 - 0.25 * np.arange(size) / size)
            place = int(np.argmax(np.round(lengths, 9)))
            taken.append(place)
            left = left - np.outer(left[:, place], left[place]) / left[place, place]
        space = []
        for place in sorted(taken):
            vector = projector[:, place]
            for before in space:
                vector = vector - before * (before @ vector)
            space.append(vector / np.linalg.norm(vector))
        basis += space
    return np.stack(basis, axis=1)


def basis_of(matrix, dtype="float64"):
    # Not the graph that is kept: it would know nothing of what a test replaces.
    found = eigenbasis.eigenbasis.__wrapped__(keras.ops.convert_to_tensor(np.asarray(matrix, dtype)))
    return keras.ops.convert_to_numpy(found)


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_basis_is_the_conventions_whatever_the_decomposition_returns(name, seed, monkeypatch):
    matrix = MATRICES[name]

    def turned(given):
        """Eigenvectors turned at random within each eigenspace."""
        values, vectors = np.linalg.eigh(matrix)
        random = np.random.RandomState(seed)
        for value in np.unique(np.round(values, 9)):
            space = np.abs(values - value) < 1e-8
            turn = np.linalg.qr(random.normal(size=(space.sum(), space.sum())))[0]
            vectors[:, space] = vectors[:, space] @ turn
        return keras.ops.convert_to_tensor(values), keras.ops.convert_to_tensor(vectors)

    monkeypatch.setattr(eigenbasis, "eigenvectors", turned)
    found, expected = basis_of(matrix), oracle(matrix)
    np.testing.assert_allclose(np.abs(np.sum(found * expected, axis=0)), 1, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.T @ found, np.eye(len(matrix)), rtol=0, atol=1e-9)
    np.testing.assert_allclose(found @ found.T @ matrix, matrix, rtol=0, atol=1e-8)


def test_a_unit_vector_of_the_null_space_stays_in_the_basis():
    """So the weights of an input that is always 0 stay where they are."""
    assert np.abs(basis_of(low_rank_gram())[1]).max() == pytest.approx(1, abs=1e-9)


def test_power_iteration_is_qr_of_the_ordered_image():
    random = np.random.RandomState(3)
    root = random.normal(size=(5, 8))
    matrix, basis = root @ root.T, np.linalg.qr(random.normal(size=(5, 5)))[0]
    found, order = eigenbasis.followed(*map(keras.ops.convert_to_tensor, (matrix, basis)))
    expected = np.argsort(-np.diag(basis.T @ matrix @ basis))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(order), expected)
    q, r = np.linalg.qr(matrix @ basis[:, expected])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found), q * np.sign(np.diag(r)), rtol=0, atol=1e-9)


def test_power_iteration_keeps_directions_of_which_only_rounding_is_left():
    """Of a matrix of rank 2 the range is taken, and else the former basis as far as it is orthogonal to that."""
    random = np.random.RandomState(3)
    basis = np.linalg.qr(random.normal(size=(7, 7)))[0]
    matrix = low_rank_gram()
    found, order = eigenbasis.followed(*map(keras.ops.convert_to_tensor, (matrix, basis)))
    found, order = (keras.ops.convert_to_numpy(each) for each in (found, order))
    assert sorted(order) == list(range(7))
    np.testing.assert_allclose(found.T @ found, np.eye(7), rtol=0, atol=1e-9)
    np.testing.assert_allclose(matrix @ found[:, 2:], 0, rtol=0, atol=1e-8)
    expected = np.linalg.qr(np.hstack([found[:, :2], basis[:, order[2:]]]))[0]
    np.testing.assert_allclose(np.abs(np.sum(found * expected, axis=0)), 1, rtol=0, atol=1e-9)


def ends(optimizer, mode, shape, gradients):
    on = [keras.Variable(np.random.RandomState(1).normal(size=shape), dtype="float32", name="w")]
    return run(optimizer, "float32", mode, [[gradient] for gradient in gradients], on)[0]


def before(shape):
    return np.float32(np.random.RandomState(1).normal(size=shape)).astype("float64")


MODES = ["graph", pytest.param("xla", marks=pytest.mark.matrix)] if TENSORFLOW else ["graph"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "build, shape",
    [
        ("SOAP", (7, 6)),
        pytest.param("SOAP", (2, 3, 2, 3), marks=pytest.mark.matrix),
        pytest.param("Shampoo", (7, 6), marks=pytest.mark.matrix),
    ],
)
@pytest.mark.parametrize("same_inputs", [True, pytest.param(False, marks=pytest.mark.matrix)])
def test_gradients_of_low_rank_end_the_same_however_a_step_is_run(build, shape, mode, same_inputs):
    gradients = of_low_rank(shape, 2, 8, same_inputs)
    arguments = {"precondition_frequency": 3} if build == "SOAP" else {}
    eager = ends(getattr(optimizers, build)(**arguments), "eager", shape, gradients)
    other = ends(getattr(optimizers, build)(**arguments), mode, shape, gradients)
    assert np.abs(eager - other).max() < 1e-4 * np.abs(eager - before(shape)).max()


def test_gradients_of_low_rank_that_differ_by_rounding_end_the_same():
    gradients, random = of_low_rank((7, 6), 2, 8), np.random.RandomState(9)
    nearby = [g * (1 + 2e-7 * random.uniform(-1, 1, g.shape)) for g in gradients]
    one, other = (ends(optimizers.SOAP(precondition_frequency=3), "graph", (7, 6), g) for g in (gradients, nearby))
    assert np.abs(one - other).max() < 1e-3 * np.abs(one - before((7, 6))).max()


def test_weights_of_an_input_that_is_always_zero_stay():
    gradients = of_low_rank((7, 6), 2, 8)
    end = ends(optimizers.SOAP(precondition_frequency=3), "graph", (7, 6), gradients)
    assert np.abs(end - before((7, 6)))[1].max() < 1e-6
    assert np.abs(end - before((7, 6)))[0].max() > 1e-3


@pytest.mark.matrix
def test_two_replicas_on_jax_end_as_one_device():
    """SOAP differed by 0.9 of the movement. What is left comes of directions that the outputs' gradients enter in the
    course of the training, with eigenvalues that are little above rounding."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.optimizers.jax_replicas", "low-rank", "SOAP", "Shampoo"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    cases = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    cases = [case for case in cases if case["way"] == "data"]
    assert [case["name"] for case in cases] == ["SOAP", "Shampoo"]
    assert [case for case in cases if case["devices"] != 2 or not case["share"] < ALLOWED[case["name"]]] == []
