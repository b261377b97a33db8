"""The rules of the papers in float64 NumPy, written from their pseudo-code and not from any implementation.

An oracle takes hyper-parameters, spelled as ours, and gives a function `step(w, g, t, lr) -> w` that keeps the state of
one weight; t counts from 1. Decoupled weight decay is the table's: it comes before the step.
"""

import numpy as np


def sgd(momentum=0.0, nesterov=False):
    """Sutskever et al. 2013 with the learning rate outside: v = mu v + g."""
    v = 0.0

    def step(w, g, t, lr):
        nonlocal v
        v = momentum * v + g
        return w - lr * (g + momentum * v if nesterov else v)

    return step


def adagrad(initial_accumulator_value=0.0, epsilon=1e-10):
    """Duchi et al. 2011, section 1: x - eta g / sqrt(sum of g^2), with a small number beside the root."""
    total = initial_accumulator_value

    def step(w, g, t, lr):
        nonlocal total
        total = total + g * g
        return w - lr * g / (np.sqrt(total) + epsilon)

    return step


def rmsprop(rho=0.9, momentum=0.0, epsilon=1e-7, centered=False):
    """Hinton's lecture 6e; centered as in Graves 2013, equations 38 to 45."""
    n = mean = delta = 0.0

    def step(w, g, t, lr):
        nonlocal n, mean, delta
        n = rho * n + (1 - rho) * g**2
        mean = rho * mean + (1 - rho) * g
        spread = n - mean**2 if centered else n
        delta = momentum * delta + g / (np.sqrt(spread) + epsilon)
        return w - lr * delta

    return step


def adam(beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Kingma & Ba 2015, Algorithm 1."""
    m = v = 0.0

    def step(w, g, t, lr):
        nonlocal m, v
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat = m / (1 - beta_1**t)
        v_hat = v / (1 - beta_2**t)
        return w - lr * m_hat / (np.sqrt(v_hat) + epsilon)

    return step


def adamax(beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Kingma & Ba 2015, Algorithm 2, with epsilon beside u."""
    m = u = 0.0

    def step(w, g, t, lr):
        nonlocal m, u
        m = beta_1 * m + (1 - beta_1) * g
        u = np.maximum(beta_2 * u, np.abs(g))
        return w - lr / (1 - beta_1**t) * m / (u + epsilon)

    return step


def amsgrad(beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Reddi et al. 2018, Algorithm 2, with Adam's bias corrections around the running maximum of v."""
    m = v = largest = 0.0

    def step(w, g, t, lr):
        nonlocal m, v, largest
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        largest = np.maximum(largest, v)
        return w - lr * (m / (1 - beta_1**t)) / (np.sqrt(largest / (1 - beta_2**t)) + epsilon)

    return step


def nadam(beta_1=0.9, beta_2=0.999, epsilon=1e-8, psi=0.004):
    """Dozat 2016, Algorithm 2 with the schedule of mu of its section on momentum."""
    m = v = 0.0
    mus = []

    def mu(i):
        return beta_1 * (1 - 0.5 * 0.96 ** (i * psi))

    def step(w, g, t, lr):
        nonlocal m, v
        mus.append(mu(t))
        g_hat = g / (1 - np.prod(mus))
        m = beta_1 * m + (1 - beta_1) * g
        m_hat = m / (1 - np.prod([*mus, mu(t + 1)]))
        v = beta_2 * v + (1 - beta_2) * g**2
        m_bar = (1 - mu(t)) * g_hat + mu(t + 1) * m_hat
        return w - lr * m_bar / (np.sqrt(v / (1 - beta_2**t)) + epsilon)

    return step


def radam(beta_1=0.9, beta_2=0.999, epsilon=1e-8, threshold=4.0):
    """Liu et al. 2020, Algorithm 2."""
    m = v = 0.0
    rho_inf = 2 / (1 - beta_2) - 1

    def step(w, g, t, lr):
        nonlocal m, v
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat = m / (1 - beta_1**t)
        rho = rho_inf - 2 * t * beta_2**t / (1 - beta_2**t)
        if rho <= threshold:
            return w - lr * m_hat
        r = np.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
        return w - lr * r * m_hat / (np.sqrt(v / (1 - beta_2**t)) + epsilon)

    return step


def adadelta(rho=0.95, epsilon=1e-6):
    """Zeiler 2012, Algorithm 1."""
    squares = updates = 0.0

    def step(w, g, t, lr):
        nonlocal squares, updates
        squares = rho * squares + (1 - rho) * g**2
        delta = -np.sqrt(updates + epsilon) / np.sqrt(squares + epsilon) * g
        updates = rho * updates + (1 - rho) * delta**2
        return w + lr * delta

    return step
