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


def lion(beta_1=0.9, beta_2=0.99):
    """Chen et al. 2023, Algorithm 2."""
    m = 0.0

    def step(w, g, t, lr):
        nonlocal m
        update = np.sign(beta_1 * m + (1 - beta_1) * g)
        m = beta_2 * m + (1 - beta_2) * g
        return w - lr * update

    return step


def signum(momentum=0.9):
    """Bernstein et al. 2018, Algorithm 1 (signum)."""
    m = 0.0

    def step(w, g, t, lr):
        nonlocal m
        m = momentum * m + (1 - momentum) * g
        return w - lr * np.sign(m)

    return step


def _norm(x):
    return np.sqrt(np.sum(x * x))


def lamb(beta_1=0.9, beta_2=0.999, epsilon=1e-6, weight_decay=0.0):
    """You et al. 2020, Algorithm 2 with phi the identity."""
    m = v = 0.0

    def step(w, g, t, lr):
        nonlocal m, v
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        r = (m / (1 - beta_1**t)) / (np.sqrt(v / (1 - beta_2**t)) + epsilon) + weight_decay * w
        ratio = _norm(w) / _norm(r) if _norm(w) and _norm(r) else 1
        return w - lr * ratio * r

    return step


def lars(momentum=0.9, trust_coefficient=0.001, weight_decay=0.0):
    """You et al. 2017, Algorithm 1; variables of fewer than two dimensions take plain momentum."""
    v = 0.0

    def step(w, g, t, lr):
        nonlocal v
        if np.ndim(w) < 2:
            v = momentum * v + lr * g
        else:
            local = trust_coefficient * _norm(w) / (_norm(g) + weight_decay * _norm(w))
            v = momentum * v + lr * local * (g + weight_decay * w)
        return w - v

    return step


def adabelief(beta_1=0.9, beta_2=0.999, epsilon=1e-16):
    """Zhuang et al. 2020, Algorithm 2."""
    m = s = 0.0

    def step(w, g, t, lr):
        nonlocal m, s
        m = beta_1 * m + (1 - beta_1) * g
        s = beta_2 * s + (1 - beta_2) * (g - m) ** 2 + epsilon
        return w - lr * (m / (1 - beta_1**t)) / (np.sqrt(s / (1 - beta_2**t)) + epsilon)

    return step


def yogi(beta_1=0.9, beta_2=0.999, epsilon=1e-3, initial_accumulator_value=1e-6):
    """Zaheer et al. 2018, Algorithm 2, with Adam's bias corrections."""
    m = v = initial_accumulator_value

    def step(w, g, t, lr):
        nonlocal m, v
        m = beta_1 * m + (1 - beta_1) * g
        v = v - (1 - beta_2) * np.sign(v - g**2) * g**2
        return w - lr * (m / (1 - beta_1**t)) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)

    return step


def novograd(beta_1=0.95, beta_2=0.98, epsilon=1e-8, weight_decay=0.0):
    """Ginsburg et al. 2019, Algorithm 1."""
    m = v = 0.0

    def step(w, g, t, lr):
        nonlocal m, v
        v = beta_2 * v + (1 - beta_2) * np.sum(g * g) if t > 1 else np.sum(g * g)
        m = beta_1 * m + (g / (np.sqrt(v) + epsilon) + weight_decay * w)
        return w - lr * m

    return step


def adan(beta_1=0.98, beta_2=0.92, beta_3=0.99, epsilon=1e-8, weight_decay=0.0):
    """Xie et al. 2022, Algorithm 1, in the paper's betas (1 - ours), with the authors' bias corrections."""
    b1, b2, b3 = 1 - beta_1, 1 - beta_2, 1 - beta_3
    m = v = n = 0.0
    before = None

    def step(w, g, t, lr):
        nonlocal m, v, n, before
        change = g - before if before is not None else 0 * g
        before = g
        m = (1 - b1) * m + b1 * g
        v = (1 - b2) * v + b2 * change
        n = (1 - b3) * n + b3 * (g + (1 - b2) * change) ** 2
        m_hat, v_hat, n_hat = m / (1 - (1 - b1) ** t), v / (1 - (1 - b2) ** t), n / (1 - (1 - b3) ** t)
        eta = lr / (np.sqrt(n_hat) + epsilon)
        return (w - eta * (m_hat + (1 - b2) * v_hat)) / (1 + weight_decay * lr)

    return step


def ademamix(beta_1=0.9, beta_2=0.999, beta_3=0.9999, alpha=5.0, epsilon=1e-8, warmup_steps=None):
    """Pagliardini et al. 2024, Algorithm 1 and its schedulers of alpha and beta_3."""
    m1 = m2 = v = 0.0

    def schedulers(t):
        if warmup_steps is None:
            return alpha, beta_3
        done, start = t / warmup_steps, beta_1
        if done >= 1:
            return alpha, beta_3
        b = np.exp(np.log(start) * np.log(beta_3) / ((1 - done) * np.log(beta_3) + done * np.log(start)))
        return min(done * alpha, alpha), min(b, beta_3)

    def step(w, g, t, lr):
        nonlocal m1, m2, v
        a, b3 = schedulers(t)
        m1 = beta_1 * m1 + (1 - beta_1) * g
        m2 = b3 * m2 + (1 - b3) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        return w - lr * (m1 / (1 - beta_1**t) + a * m2) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)

    return step


def adopt(beta_1=0.9, beta_2=0.9999, epsilon=1e-6):
    """Taniguchi et al. 2024, Algorithm 2; our step 1 is its initialization with g_0."""
    m, v = 0.0, None

    def step(w, g, t, lr):
        nonlocal m, v
        if v is None:
            v = g**2
            return w
        c = (t - 1) ** 0.25
        m = beta_1 * m + (1 - beta_1) * np.clip(g / np.maximum(np.sqrt(v), epsilon), -c, c)
        v = beta_2 * v + (1 - beta_2) * g**2
        return w - lr * m

    return step


def madgrad(momentum=0.9, epsilon=1e-6):
    """Defazio & Jelassi 2021, Algorithm 1; c = 1 - momentum, k counts from 0."""
    s = v = 0.0
    x0 = None

    def step(w, g, t, lr):
        nonlocal s, v, x0
        x0 = w if x0 is None else x0
        k = t - 1
        lamda = lr * np.sqrt(k + 1)
        s = s + lamda * g
        v = v + lamda * g**2
        z = x0 - s / (np.cbrt(v) + epsilon)
        c = 1 - momentum
        return (1 - c) * w + c * z

    return step


def rprop(eta_minus=0.5, eta_plus=1.2, minimum_step=1e-6, maximum_step=50.0):
    """Riedmiller & Braun 1993 without backtracking (the variant called iRprop-)."""
    before, size = 0.0, None

    def step(w, g, t, lr):
        nonlocal before, size
        size = np.full(np.shape(w), lr) if size is None else size
        product = g * before
        size = np.where(product > 0, np.minimum(size * eta_plus, maximum_step), size)
        size = np.where(product < 0, np.maximum(size * eta_minus, minimum_step), size)
        g = np.where(product < 0, 0, g)
        before = g
        return w - np.sign(g) * size

    return step


def ftrl(
    beta=1.0,
    l1_regularization_strength=0.0,
    l2_regularization_strength=0.0,
    initial_accumulator_value=0.0,
    learning_rate_power=-0.5,
    l2_shrinkage_regularization_strength=0.0,
):
    """McMahan et al. 2013, Algorithm 1; the power and the shrinkage as TensorFlow documents its ApplyFtrlV2."""
    z, n = 0.0, initial_accumulator_value

    def step(w, g, t, lr):
        nonlocal z, n
        sigma = ((n + g**2) ** -learning_rate_power - n**-learning_rate_power) / lr
        z = z + (g + 2 * l2_shrinkage_regularization_strength * w) - sigma * w
        n = n + g**2
        shrunk = z - np.sign(z) * l1_regularization_strength
        moved = -shrunk / ((beta + n**-learning_rate_power) / lr + l2_regularization_strength)
        return np.where(np.abs(z) <= l1_regularization_strength, 0.0, moved)

    return step


def adafactor(beta_2_decay=-0.8, epsilon_1=1e-30, epsilon_2=1e-3, clip_threshold=1.0, relative_step=True):
    """Shazeer & Stern 2018, Algorithms 4 (matrices, by sums of rows and columns) and 5 (vectors)."""
    r = c = v = 0.0

    def rms(x):
        return np.sqrt(np.mean(x**2))

    def step(w, g, t, lr):
        nonlocal r, c, v
        beta = 1 - t**beta_2_decay
        squared = g**2 + epsilon_1
        if np.ndim(w) < 2:
            v = v_hat = beta * v + (1 - beta) * squared
        else:
            r = beta * r + (1 - beta) * squared.sum(-1)
            c = beta * c + (1 - beta) * squared.sum(-2)
            v_hat = r[..., :, None] * c[..., None, :] / r.sum(-1)[..., None, None]
        u = g / np.sqrt(v_hat)
        u = u / max(1, rms(u) / clip_threshold)
        rho = min(lr, 1 / np.sqrt(t)) if relative_step else lr
        return w - max(epsilon_2, rms(w)) * rho * u

    return step


def muon(
    momentum=0.95,
    nesterov=True,
    ns_steps=5,
    adam_lr_ratio=0.015,
    adam_beta_1=0.9,
    adam_beta_2=0.999,
    epsilon=1e-8,
    muon_a=3.4445,
    muon_b=-4.7750,
    muon_c=2.0315,
    rms_rate=None,
):
    """Jordan et al. 2024: rounds of the Newton-Schulz iteration; Adam for vectors. Liu et al. 2025: `rms_rate`."""
    b = 0.0
    rest = adam(adam_beta_1, adam_beta_2, epsilon)

    def step(w, g, t, lr):
        nonlocal b
        if np.ndim(w) < 2:
            return rest(w, g, t, adam_lr_ratio * lr)
        b = momentum * b + g
        x = (g + momentum * b if nesterov else b).reshape(-1, w.shape[-1]).T  # outputs first, as in the authors' code
        outputs, inputs = x.shape
        x = x / (np.linalg.norm(x) + 1e-7)
        turned = outputs > inputs
        x = x.T if turned else x
        for _ in range(ns_steps):
            s = x @ x.T
            x = muon_a * x + (muon_b * s + muon_c * s @ s) @ x
        x = x.T if turned else x
        scale = np.sqrt(max(1, outputs / inputs)) if rms_rate is None else rms_rate * np.sqrt(max(outputs, inputs))
        return w - lr * scale * x.T.reshape(w.shape)

    return step


class Prodigy:
    """Mishchenko & Defazio 2024, Algorithm 4: all variables move together."""

    def __init__(self, beta_1=0.9, beta_2=0.999, epsilon=1e-8, initial_distance=1e-6):
        self.beta_1, self.beta_2, self.epsilon, self.d = beta_1, beta_2, epsilon, initial_distance
        self.x0 = None

    def __call__(self, weights, gradients, t, lr):
        if self.x0 is None:
            self.x0 = weights
            self.m = self.v = self.s = [0.0] * len(weights)
            self.r = 0.0
        d, b1, b2, b3 = self.d, self.beta_1, self.beta_2, np.sqrt(self.beta_2)
        self.m = [b1 * m + (1 - b1) * d * g for m, g in zip(self.m, gradients, strict=True)]
        self.v = [b2 * v + (1 - b2) * d**2 * g**2 for v, g in zip(self.v, gradients, strict=True)]
        inner = sum(np.sum(g * (x - w)) for g, x, w in zip(gradients, self.x0, weights, strict=True))
        self.r = b3 * self.r + (1 - b3) * lr * d**2 * inner
        self.s = [b3 * s + (1 - b3) * lr * d**2 * g for s, g in zip(self.s, gradients, strict=True)]
        self.d = max(d, self.r / sum(np.abs(s).sum() for s in self.s))
        return [
            w - lr * d * m / (np.sqrt(v) + d * self.epsilon) for w, m, v in zip(weights, self.m, self.v, strict=True)
        ]


def lookahead(inner, sync_period, slow_step_size):
    """Zhang et al. 2019, Algorithm 1, around another oracle."""
    slow = None

    def step(w, g, t, lr):
        nonlocal slow
        slow = w if slow is None else slow
        w = inner(w, g, t, lr)
        if t % sync_period == 0:
            slow = w = slow + slow_step_size * (w - slow)
        return w

    return step


def cautious(inner):
    """Liang et al. 2024, Algorithm 1, around another oracle."""

    def step(w, g, t, lr):
        u = w - inner(w, g, t, lr)
        mask = (u * g > 0).astype("float64")
        return w - u * mask * np.size(w) / (mask.sum() + 1)

    return step


def centralization(inner):
    """Yong et al. 2020, equation 1: the mean over the inputs of each output."""

    def step(w, g, t, lr):
        if np.ndim(g) > 1:
            flat = g.reshape(-1, g.shape[-1])
            g = (flat - flat.mean(0)).reshape(g.shape)
        return inner(w, g, t, lr)

    return step


def adaptive_clipping(inner, clipping, epsilon):
    """Brock et al. 2021, equation 3, unit by unit."""

    def step(w, g, t, lr):
        units = (-1, 1) if np.ndim(w) < 2 else (-1, w.shape[-1])
        weights, gradients = w.reshape(units), g.reshape(units).copy()
        for j in range(units[1]):
            length, limit = _norm(gradients[:, j]), clipping * max(_norm(weights[:, j]), epsilon)
            if length > limit:
                gradients[:, j] *= limit / length
        return inner(w, gradients.reshape(np.shape(g)), t, lr)

    return step
