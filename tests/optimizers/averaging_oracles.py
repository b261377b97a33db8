"""Oracles of what averages weights, and of what leaves out; as those of `oracles`, from the papers."""

import numpy as np


def schedule_free_sgd(beta_1=0.9, weight_decay=0.0, warmup_steps=0):
    """Defazio et al. 2024, equations 3 to 5; the weights of the mean as the authors' code has them."""
    return _schedule_free(lambda g, t: g, beta_1, weight_decay, warmup_steps)


def schedule_free_adamw(beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, warmup_steps=0):
    """Algorithm 1, the bias correction beside the root as in the authors' code."""
    v = 0.0

    def scaled(g, t):
        nonlocal v
        v = beta_2 * v + (1 - beta_2) * g**2
        return g / (np.sqrt(v / (1 - beta_2**t)) + epsilon)

    return _schedule_free(scaled, beta_1, weight_decay, warmup_steps)


def _schedule_free(direction, beta_1, weight_decay, warmup_steps):
    x = z = None
    rates = []

    def step(y, g, t, lr):
        nonlocal x, z
        if z is None:
            x = z = y
        gamma = lr * min(1, t / warmup_steps) if warmup_steps else lr
        rates.append(gamma)
        largest = np.maximum.accumulate(rates)
        z = z - gamma * direction(g, t) - gamma * weight_decay * y
        c = largest[-1] ** 2 / np.sum(largest**2)
        x = (1 - c) * x + c * z
        step.evaluation = x
        return (1 - beta_1) * z + beta_1 * x

    return step


def swa(path, start, period):
    """Izmailov et al. 2018: the mean of the weights at start, start + period, ... of a path of weights."""
    taken = path[max(start, 1) - 1 :: period]
    return [np.mean([weights[i] for weights in taken], axis=0) for i in range(len(path[0]))]


def lazy(rule, decay=0.0, **arguments):
    """The rule and decay for each row by itself, where the row's gradient is not zero; scalars follow the rule."""
    rows = None

    def step(w, g, t, lr):
        nonlocal rows
        if np.ndim(w) == 0:
            rows = rows or [rule(**arguments)]
            return rows[0](w, g, t, lr)
        rows = rows or [rule(**arguments) for _ in w]
        shrunk = (1 - lr * decay) * w
        return np.stack([one(s, d, t, lr) if np.any(d) else r for one, s, r, d in zip(rows, shrunk, w, g, strict=True)])

    return step
