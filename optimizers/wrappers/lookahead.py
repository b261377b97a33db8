"""Lookahead: k steps forward, one back."""

import keras
from keras import ops

from optimizers.arithmetic import constant
from optimizers.wrappers.wrapper import Wrapper


@keras.saving.register_keras_serializable("menagerie")
class Lookahead(Wrapper):
    """Slow weights that follow the inner optimizer's every `sync_period` steps.

        the inner optimizer's step
        every sync_period steps: slow = slow + slow_step_size (w - slow);   w = slow

    Around RAdam it is Ranger. The slow weights are those to evaluate: by `optimizers.EvaluationWeights()`, or after a
    synchronization.

    When to use: to steady an optimizer that swings; it forgives a learning rate that is too large.
    Memory: one number per parameter besides the inner optimizer's.
    Paper: Zhang et al., arXiv:1907.08610, Algorithm 1.
    Defaults: every 5 steps by 0.5 (the paper's); argument names as in tensorflow-addons.
    """

    @property
    def averages(self):
        return self.inner._averaging() is None  # what averages inside goes first

    def __init__(self, inner, sync_period=5, slow_step_size=0.5, **kwargs):
        super().__init__(inner, **kwargs)
        if not isinstance(sync_period, int) or sync_period < 1:
            raise ValueError(f"Lookahead: `sync_period` must be an integer >= 1. Received: sync_period={sync_period}")
        if not 0 < slow_step_size <= 1:
            raise ValueError(
                f"Lookahead: `slow_step_size` must be in (0, 1]. Received: slow_step_size={slow_step_size}"
            )
        self.sync_period = sync_period
        self.slow_step_size = slow_step_size

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._slow = self.add_optimizer_variables(variables, "slow", constant("nan"))

    def evaluation_slots(self):
        return super().evaluation_slots() or self._slow

    def step_scalars(self, step, learning_rate, *state):
        due = ops.cast(ops.equal(ops.mod(step, self.sync_period), 0), step.dtype)
        return (*self.inner.step_scalars(step, learning_rate, *state), due)

    def update_step(self, gradient, variable, learning_rate, *scalars):
        *inner, due = scalars
        slow = self._slow[self._get_variable_index(variable)]
        start = self._begun(slow, variable)
        self.inner.update_step(gradient, variable, learning_rate, *inner)
        value = start + due * self.slow_step_size * (variable - start)
        self.assign(variable, due * value + (1 - due) * variable)
        self.assign(slow, value)

    def get_config(self):
        return {**super().get_config(), "sync_period": self.sync_period, "slow_step_size": self.slow_step_size}
