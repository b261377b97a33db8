"""The rules of Adam's younger kin, as `oracles.py` has the others: float64 NumPy, from the papers' pseudo-code."""

import numpy as np

from tests.optimizers.oracles import adam


def adabound(beta_1=0.9, beta_2=0.999, epsilon=1e-8, final_ratio=100.0, gamma=1e-3, amsbound=False):
    """Luo et al. 2019, Algorithms 2 and 3 with Adam's corrections and without 1 / sqrt(t), as the authors run it."""
    m = v = largest = 0.0

    def step(w, g, t, lr):
        nonlocal m, v, largest
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        largest = np.maximum(largest, v)
        final = final_ratio * lr
        lower, upper = final * (1 - 1 / (gamma * t + 1)), final * (1 + 1 / (gamma * t))
        alpha = lr * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        eta = np.clip(alpha / (np.sqrt(largest if amsbound else v) + epsilon), lower, upper)
        return w - eta * m

    return step


def projection(w, g, p, delta):
    """Heo et al. 2021, section 3: the update p, projected or not, and whether it was."""
    if np.ndim(w) < 2:
        return p, False

    def cosine(a, b):
        return abs(np.vdot(a, b)) / (np.linalg.norm(a) * np.linalg.norm(b))

    def tangent(a, b):
        unit = a / np.linalg.norm(a)
        return b - np.vdot(unit, b) * unit

    channels = range(w.shape[-1])
    size = w.size // w.shape[-1]
    if all(cosine(w[..., k], g[..., k]) < delta / np.sqrt(size) for k in channels):
        return np.stack([tangent(w[..., k], p[..., k]) for k in channels], axis=-1), True
    if cosine(w, g) < delta / np.sqrt(w.size):
        return tangent(w, p), True
    return p, False


def adamp(beta_1=0.9, beta_2=0.999, epsilon=1e-8, delta=0.1, decay_ratio=0.1, weight_decay=0.0):
    """Heo et al. 2021, Algorithm 2."""
    m = v = 0.0

    def step(w, g, t, lr):
        nonlocal m, v
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        p = (m / (1 - beta_1**t)) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
        q, invariant = projection(w, g, p, delta)
        decay = weight_decay * (decay_ratio if invariant else 1)
        return (1 - lr * decay) * w - lr * q

    return step


def qhadam(beta_1=0.995, beta_2=0.999, nu_1=0.7, nu_2=1.0, epsilon=1e-8):
    """Ma & Yarats 2019, equations 12 to 16."""
    m = v = 0.0

    def step(w, g, t, lr):
        nonlocal m, v
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat, v_hat = m / (1 - beta_1**t), v / (1 - beta_2**t)
        top = (1 - nu_1) * g + nu_1 * m_hat
        return w - lr * top / (np.sqrt((1 - nu_2) * g**2 + nu_2 * v_hat) + epsilon)

    return step


def laprop(beta_1=0.9, beta_2=0.999, epsilon=1e-15):
    """Ziyin et al. 2020, Algorithm 1 (mu = beta_1, nu = beta_2)."""
    m = n = 0.0

    def step(w, g, t, lr):
        nonlocal m, n
        n = beta_2 * n + (1 - beta_2) * g**2
        m = beta_1 * m + (1 - beta_1) * g / (np.sqrt(n / (1 - beta_2**t)) + epsilon)
        return w - lr * m / (1 - beta_1**t)

    return step


def mars(beta_1=0.95, beta_2=0.99, epsilon=1e-8, gamma=0.025):
    """Yuan et al. 2024, Algorithm 2 (MARS-AdamW) with the gradient before in place of a second one."""
    rest = adam(beta_1, beta_2, epsilon)
    before = None

    def step(w, g, t, lr):
        nonlocal before
        before = g if before is None else before
        c = g + gamma * beta_1 / (1 - beta_1) * (g - before)
        before = g
        norm = np.sqrt(np.sum(c**2))
        return rest(w, c / norm if norm > 1 else c, t, lr)

    return step


def came(beta_1=0.9, beta_2=0.999, beta_3=0.9999, epsilon_1=1e-30, epsilon_2=1e-16, clip_threshold=1.0):
    """Luo et al. 2023, Algorithm 2, by sums of rows and columns; vectors keep v and step by m."""
    r = c = v = m = rows = columns = 0.0

    def outer(rows, columns):
        return rows[..., :, None] * columns[..., None, :] / rows.sum(-1)[..., None, None]

    def step(w, g, t, lr):
        nonlocal r, c, v, m, rows, columns
        squared = g**2 + epsilon_1
        if np.ndim(w) < 2:
            v = beta_2 * v + (1 - beta_2) * squared
            u = g / np.sqrt(v)
        else:
            r = beta_2 * r + (1 - beta_2) * squared.sum(-1)
            c = beta_2 * c + (1 - beta_2) * squared.sum(-2)
            u = g / np.sqrt(outer(r, c))
        u = u / max(1, np.sqrt(np.mean(u**2)) / clip_threshold)
        m = beta_1 * m + (1 - beta_1) * u
        if np.ndim(w) < 2:
            return w - lr * m
        instability = (u - m) ** 2 + epsilon_2
        rows = beta_3 * rows + (1 - beta_3) * instability.sum(-1)
        columns = beta_3 * columns + (1 - beta_3) * instability.sum(-2)
        return w - lr * m / np.sqrt(outer(rows, columns))

    return step
