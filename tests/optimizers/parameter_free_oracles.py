"""Rules that find their own step size, in float64 NumPy, written from the papers' pseudo-code; see `oracles`.

All but COCOB move all weights at once: their steps take lists and give a list.
"""

import numpy as np


def _inner(left, right):
    return sum(np.sum(a * b) for a, b in zip(left, right, strict=True))


def _length(arrays):
    return np.sqrt(_inner(arrays, arrays))


def dog(initial_distance=1e-6, epsilon=1e-8, weight_decay=0.0):
    """Ivgi et al. 2023, equations 2 and 3 with the start of its section 4; the decay goes by the step size."""
    x0 = r = None
    total = 0.0

    def step(w, g, t, lr):
        nonlocal x0, r, total
        if x0 is None:
            x0, r = w, initial_distance * (1 + _length(w))
        r = max(r, _length([a - b for a, b in zip(w, x0, strict=True)]))
        total = total + _inner(g, g)
        eta = lr * r / np.sqrt(total + epsilon)
        return [x - eta * (y + weight_decay * x) for x, y in zip(w, g, strict=True)]

    return step


def cocob(alpha=100.0, epsilon=1e-8, weight_decay=0.0):
    """Orabona & Tommasi 2017, Algorithm 2, in its negative gradients; L starts at epsilon."""
    w1 = None
    largest, size, reward, theta = epsilon, 0.0, 0.0, 0.0

    def step(w, g, t, lr):
        nonlocal w1, largest, size, reward, theta
        w1 = w if w1 is None else w1
        g = -lr * (g + weight_decay * w)
        largest = np.maximum(largest, np.abs(g))
        size = size + np.abs(g)
        reward = np.maximum(reward + (w - w1) * g, 0)
        theta = theta + g
        beta = theta / (largest * np.maximum(size + largest, alpha * largest))
        return w1 + beta * (largest + reward)

    return step


def dadapt_adam(beta_1=0.9, beta_2=0.999, epsilon=1e-8, initial_distance=1e-6, weight_decay=0.0, from_before=False):
    """Defazio & Mishchenko 2023, Algorithm 5, with AdamW's decay at the rate lr d.

    from_before: whether r takes the v of the step before, as in the authors' code.
    """
    m = v = s = None
    r, d = 0.0, initial_distance
    b = np.sqrt(beta_2)

    def step(w, g, t, lr):
        nonlocal m, v, s, r, d
        if m is None:
            m = v = s = [0.0 * x for x in w]
        lamda = d * lr
        before = v
        m = [beta_1 * x + (1 - beta_1) * lamda * y for x, y in zip(m, g, strict=True)]
        v = [beta_2 * x + (1 - beta_2) * y**2 for x, y in zip(v, g, strict=True)]
        a = [np.sqrt(x) + epsilon for x in v]
        scale = [np.sqrt(x) + epsilon for x in before] if from_before else a
        r = b * r + (1 - b) * lamda * _inner(g, [x / y for x, y in zip(s, scale, strict=True)])
        s = [b * x + (1 - b) * lamda * y for x, y in zip(s, g, strict=True)]
        d = max(d, r / ((1 - b) * sum(np.abs(x).sum() for x in s)))
        return [x - y / z - lamda * weight_decay * x for x, y, z in zip(w, m, a, strict=True)]

    return step


def dadapt_sgd(momentum=0.9, initial_distance=1e-6, weight_decay=0.0):
    """Defazio & Mishchenko 2023, Algorithm 4, with G = ||g_0||; the decay is part of the gradient."""
    z = s = g0 = None
    r, d = 0.0, initial_distance

    def step(w, g, t, lr):
        nonlocal z, s, g0, r, d
        g = [x + weight_decay * y for x, y in zip(g, w, strict=True)]
        if z is None:
            z, s, g0 = w, [0.0 * x for x in w], _length(g)
        lamda = d * lr / g0
        r = r + lamda * _inner(g, s)
        s = [x + lamda * y for x, y in zip(s, g, strict=True)]
        z = [x - lamda * y for x, y in zip(z, g, strict=True)]
        d = max(d, 2 * r / _length(s))
        return [momentum * x + (1 - momentum) * y for x, y in zip(w, z, strict=True)]

    return step
