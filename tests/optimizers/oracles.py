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
