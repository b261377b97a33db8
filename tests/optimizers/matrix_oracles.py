"""Rules with a matrix for each axis, or with second derivatives, in float64 NumPy from the papers; see `oracles`."""

import numpy as np


def _gram(g, axis):
    """The contraction of g with itself over all axes but one."""
    rest = [i for i in range(g.ndim) if i != axis]
    return np.tensordot(g, g, axes=(rest, rest))


def _mode(g, axis, matrix):
    """The tensor-matrix product of g along an axis: the axis's fibres become matrix @ fibre."""
    return np.apply_along_axis(lambda fibre: matrix @ fibre, axis, g)


def shampoo(momentum=0.0, epsilon=1e-4, update_period=20, max_size=1200):
    """Gupta et al. 2018, Algorithm 2; an axis longer than max_size by the diagonal of its matrix, never delayed."""
    h = roots = None
    b = 0.0

    def step(w, g, t, lr):
        nonlocal h, roots, b
        shape = np.shape(g)
        g = np.atleast_1d(g)
        k = g.ndim
        if h is None:
            h = [epsilon * np.eye(n) for n in g.shape]
            roots = [None] * k
        b = momentum * b + (1 - momentum) * g
        moved = b
        for i in range(k):
            h[i] = h[i] + _gram(g, i)
            diagonal = g.shape[i] > max_size or g.shape[i] == 1
            if diagonal:
                h[i] = np.diag(np.diag(h[i]))
            if diagonal or t <= update_period or t % update_period == 0:
                values, vectors = np.linalg.eigh(h[i])
                roots[i] = vectors @ np.diag(values ** (-1 / (2 * k))) @ vectors.T
            moved = _mode(moved, i, roots[i])
        return w - lr * moved.reshape(shape)

    return step


def soap(beta_1=0.95, beta_2=0.95, epsilon=1e-8, precondition_frequency=10, max_size=10000):
    """Vyas et al. 2024, Algorithms 3 and 4, ordered as in the authors' code; the first step only starts P and Q."""
    m = v = 0.0
    p = q = None

    def turned(x, back=False):
        for i in q:
            x = _mode(x, i, q[i] if back else q[i].T)
        return x

    def step(w, g, t, lr):
        nonlocal m, v, p, q
        if p is None:
            axes = [i for i in range(np.ndim(g)) if np.ndim(g) > 1 and g.shape[i] <= max_size]
            p = {i: (1 - beta_2) * _gram(g, i) for i in axes}
            q = {i: np.linalg.eigh(p[i])[1][:, ::-1] for i in axes}
            return w
        t = t - 1
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * turned(g) ** 2
        n = turned(m) / (1 - beta_1**t) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
        w = w - lr * turned(n, back=True)
        for i in p:
            p[i] = beta_2 * p[i] + (1 - beta_2) * _gram(g, i)
            if t % precondition_frequency == 0:
                order = np.argsort(-np.diag(q[i].T @ p[i] @ q[i]))
                v = np.take(v, order, axis=i)
                q[i] = np.linalg.qr(p[i] @ q[i][:, order])[0]
        return w

    return step


def sophia(beta_1=0.96, beta_2=0.99, gamma=0.01, rho=1.0, epsilon=1e-12, update_period=10):
    """Liu et al. 2023, Algorithm 3, with squared gradients for the estimate."""
    m = h = 0.0

    def step(w, g, t, lr):
        nonlocal m, h
        m = beta_1 * m + (1 - beta_1) * g
        if t % update_period == 1 % update_period:
            h = beta_2 * h + (1 - beta_2) * g**2
        return w - lr * np.clip(m / np.maximum(gamma * h, epsilon), -rho, rho)

    return step
