"""Stochastic weight averaging: a plain mean of weights along the way."""

import keras
from keras import ops

from optimizers.arithmetic import constant
from optimizers.wrappers.wrapper import Wrapper


@keras.saving.register_keras_serializable("menagerie")
class SWA(Wrapper):
    """Keeps the mean of the weights after every `period` updates from `start` on, beside those that train.

        the inner optimizer's step
        mean = w                                           (up to the update `start`)
        mean = mean + (w - mean) / n                       (n = 1, 2, ...: every period updates from then on)

    The mean trains nothing: `optimizers.EvaluationWeights()` evaluates, predicts and saves at it. Statistics of
    BatchNormalization belong to other weights than the mean: `EvaluationWeights(statistics=...)` makes them anew.

    When to use: at the end of a training, with a constant or cyclic rate; flat minima, better accuracy for nothing.
    Memory: one number per parameter besides the inner optimizer's.
    Paper: Izmailov et al., arXiv:1803.05407, Algorithm 1.
    Defaults: `start` has none: about 75 % of the updates (the paper's); `period` 1, the paper's is an epoch.
    """

    averages = True

    def __init__(self, inner, start, period=1, **kwargs):
        super().__init__(inner, **kwargs)
        for name, value, least in (("start", start, 0), ("period", period, 1)):
            if not isinstance(value, int) or value < least:
                raise ValueError(f"SWA: `{name}` must be an integer >= {least}. Received: {name}={value}")
        self.start = start
        self.period = period

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._means = self.add_optimizer_variables(variables, "mean", constant("nan"))

    def evaluation_slots(self):
        return super().evaluation_slots() or self._means

    def step_scalars(self, step, learning_rate, *state):
        past = step - max(self.start, 1)
        # In the step's dtype throughout: on JAX, a choice between Python numbers would be a float32.
        taken = past // self.period
        begun = ops.cast(past >= 0, step.dtype)
        due = ops.cast(ops.equal(past, taken * self.period), step.dtype)
        weight = 1 - begun + begun * due / (begun * taken + 1)
        return (*self.inner.step_scalars(step, learning_rate, *state), weight)

    def update_step(self, gradient, variable, learning_rate, *scalars):
        *inner, weight = scalars
        mean = self._means[self._get_variable_index(variable)]
        self.inner.update_step(gradient, variable, learning_rate, *inner)
        before = self._begun(mean, variable)
        self.assign(mean, before + weight * (variable - before))

    def get_config(self):
        return {**super().get_config(), "start": self.start, "period": self.period}
