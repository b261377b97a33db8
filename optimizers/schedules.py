"""Learning rates that rise from 0 over a warm-up and fall afterwards.

Each is a `keras.optimizers.schedules.LearningRateSchedule`:

    optimizers.Adam(optimizers.schedules.WarmupCosine(1e-3, warmup_steps=500, total_steps=10_000))

Steps are updates: with accumulated gradients, not batches.
"""

import math

import keras
from keras import ops


class _Warmup(keras.optimizers.schedules.LearningRateSchedule):
    """peak (t + 1) / warmup_steps while t < warmup_steps, then what `_after` says; t counts from 0."""

    def __init__(self, peak, warmup_steps, **checked):
        for name, value in {"peak": peak, "warmup_steps": warmup_steps, **checked}.items():
            if not 0 <= value < math.inf:
                raise ValueError(f"{type(self).__name__}: `{name}` must be >= 0. Received: {name}={value}")
        if "total_steps" in checked and not checked["total_steps"] > warmup_steps:
            raise ValueError(
                f"{type(self).__name__}: `total_steps` must be more than `warmup_steps`. "
                f"Received: total_steps={checked['total_steps']}, warmup_steps={warmup_steps}"
            )
        self.peak = peak
        self.warmup_steps = warmup_steps
        self._config = {"peak": peak, "warmup_steps": warmup_steps, **checked}

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rising = self.peak * (step + 1) / max(self.warmup_steps, 1)
        return ops.where(step < self.warmup_steps, rising, self._after(step))

    def _after(self, step):
        raise NotImplementedError

    def _done(self, step):
        """The share of the way from the peak to the end that lies behind, in [0, 1]."""
        return ops.clip((step - self.warmup_steps) / (self.total_steps - self.warmup_steps), 0.0, 1.0)

    def get_config(self):
        return dict(self._config)


@keras.saving.register_keras_serializable("menagerie")
class WarmupCosine(_Warmup):
    """Rises to `peak`, then falls to `final` along half a cosine: final + (peak - final) (1 + cos(pi x)) / 2.

    Paper: Loshchilov & Hutter, arXiv:1608.03983 (one cycle).
    """

    def __init__(self, peak, warmup_steps, total_steps, final=0.0):
        super().__init__(peak, warmup_steps, total_steps=total_steps, final=final)
        self.total_steps = total_steps
        self.final = final

    def _after(self, step):
        return self.final + (self.peak - self.final) * 0.5 * (1 + ops.cos(math.pi * self._done(step)))


@keras.saving.register_keras_serializable("menagerie")
class WarmupLinear(_Warmup):
    """Rises to `peak`, then falls to `final` along a line, as BERT is trained."""

    def __init__(self, peak, warmup_steps, total_steps, final=0.0):
        super().__init__(peak, warmup_steps, total_steps=total_steps, final=final)
        self.total_steps = total_steps
        self.final = final

    def _after(self, step):
        return self.peak + (self.final - self.peak) * self._done(step)


@keras.saving.register_keras_serializable("menagerie")
class InverseSquareRoot(_Warmup):
    """Rises to `peak`, then falls as peak sqrt(warmup_steps / (t + 1)): no end has to be known.

    Paper: Vaswani et al., arXiv:1706.03762, section 5.3.
    """

    def __init__(self, peak, warmup_steps):
        super().__init__(peak, warmup_steps)

    def _after(self, step):
        return self.peak * ops.sqrt(max(self.warmup_steps, 1) / (step + 1))


@keras.saving.register_keras_serializable("menagerie")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """Half a cosine up from peak / start_division to `peak`, another down to peak / (start_division final_division).

    Follows torch's OneCycleLR with its two phases; the momentum stays as it is.

    Paper: Smith & Topin, arXiv:1708.07120. Defaults: torch's.
    """

    def __init__(self, peak, total_steps, rising=0.3, start_division=25.0, final_division=1e4):
        if not 0 < rising < 1:
            raise ValueError(
                f"OneCycle: `rising` must be in (0, 1), a fraction of the steps. Received: rising={rising}"
            )
        if not peak >= 0 or not start_division >= 1 or not final_division >= 1 or not rising * total_steps > 1:
            raise ValueError(
                "OneCycle: expected peak >= 0, divisions >= 1 and more than one step to rise in. "
                f"Received: peak={peak}, total_steps={total_steps}, rising={rising}, start_division={start_division}, "
                f"final_division={final_division}"
            )
        self.peak = peak
        self.total_steps = total_steps
        self.rising = rising
        self.start_division = start_division
        self.final_division = final_division

    def __call__(self, step):
        step = ops.cast(step, "float32")
        start = self.peak / self.start_division
        top = self.rising * self.total_steps - 1  # where the peak stands, counted from 0

        def between(low, high, done):
            return high + (low - high) * 0.5 * (1 + ops.cos(math.pi * ops.clip(done, 0.0, 1.0)))

        up = between(start, self.peak, step / top)
        down = between(self.peak, start / self.final_division, (step - top) / (self.total_steps - 1 - top))
        return ops.where(step <= top, up, down)

    def get_config(self):
        return {
            "peak": self.peak,
            "total_steps": self.total_steps,
            "rising": self.rising,
            "start_division": self.start_division,
            "final_division": self.final_division,
        }
