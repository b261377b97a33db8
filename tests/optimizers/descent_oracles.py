"""The rules of gradient descent's younger kin, as `oracles.py` has the others: float64 NumPy, from the pseudo-code."""

import numpy as np

from tests.optimizers.adam_kin_oracles import projection


def sgdp(momentum=0.9, nesterov=False, delta=0.1, decay_ratio=0.1, weight_decay=0.0):
    """Heo et al. 2021, Algorithm 1, with the decay that stands outside the momentum."""
    v = 0.0

    def step(w, g, t, lr):
        nonlocal v
        v = momentum * v + g
        q, invariant = projection(w, g, g + momentum * v if nesterov else v, delta)
        decay = weight_decay * (decay_ratio if invariant else 1)
        return (1 - lr * decay) * w - lr * q

    return step


def qhm(momentum=0.999, nu=0.7):
    """Ma & Yarats 2019, equations 3 and 4."""
    buffer = 0.0

    def step(w, g, t, lr):
        nonlocal buffer
        buffer = momentum * buffer + (1 - momentum) * g
        return w - lr * ((1 - nu) * g + nu * buffer)

    return step


def aggmo(betas=(0.0, 0.9, 0.99)):
    """Lucas et al. 2019, equation 2."""
    velocities = [0.0] * len(betas)

    def step(w, g, t, lr):
        for i, beta in enumerate(betas):
            velocities[i] = beta * velocities[i] - g
        return w + lr / len(betas) * sum(velocities)

    return step


def fromage():
    """Bernstein et al. 2020, Algorithm 1."""

    def norm(x):
        return np.sqrt(np.sum(x**2))

    def step(w, g, t, lr):
        return (w - lr * norm(w) / norm(g) * g) / np.sqrt(1 + lr**2)

    return step


def asgd(lambd=1e-4, alpha=0.75, t0=1e6, averaged=False):
    """Bottou 2010, section 5, k counts from 0; gives the weights, or with `averaged` the averages beside them."""
    average = 0.0

    def step(w, g, t, lr):
        nonlocal average
        k = t - 1
        eta = lr / (1 + lambd * lr * k) ** alpha
        w = w - eta * (lambd * w + g)
        average = average + (w - average) / max(1, k - t0)
        return (w, average) if averaged else w

    return step


def sm3(momentum=0.9):
    """Anil et al. 2019, SM3-II with a cover of slices along each axis; momentum as in its experiments."""
    mu, m = None, 0.0

    def step(w, g, t, lr):
        nonlocal mu, m
        gradient = np.atleast_1d(g)
        mu = [np.zeros(length) for length in gradient.shape] if mu is None else mu
        nu = np.empty_like(gradient)
        larger = [np.zeros_like(each) for each in mu]
        for i in np.ndindex(nu.shape):
            nu[i] = min(mu[r][i[r]] for r in range(len(i))) + gradient[i] ** 2
            for r in range(len(i)):
                larger[r][i[r]] = max(larger[r][i[r]], nu[i])
        mu = larger
        update = np.divide(gradient, np.sqrt(nu), out=np.zeros_like(nu), where=nu > 0)
        m = momentum * m + (1 - momentum) * update
        return w - lr * m.reshape(np.shape(w))

    return step
