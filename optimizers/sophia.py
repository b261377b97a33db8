"""Sophia: momentum over an estimate of the Hessian's diagonal, clipped."""

import keras
from keras import ops

from optimizers import kernels
from optimizers.arithmetic import larger, toward
from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class Sophia(Optimizer):
    """Sophia, Algorithm 3 of the paper; k is `update_period`, u an estimate of the Hessian's diagonal.

        m = beta_1 m + (1 - beta_1) g
        h = beta_2 h + (1 - beta_2) u                      (at steps 1, k + 1, 2 k + 1, ...)
        w -= lr clip(m / max(gamma h, epsilon), -rho, rho)

    u takes a second derivative, which a gradient does not tell: wrap the model in `SophiaModel`, and `fit` hands it
    over (another source may call `follow_curvature` before each `apply`). Without either, h stays 0 and this is
    Signum. With `empirical_fisher`, u is g^2: the paper's ablation "E-F + clip", behind both of its estimators.

    As printed there is no bias correction, and h moves before it is used; optax corrects m and moves h afterwards;
    pytorch_optimizer has the paper's first version, gamma 1 and rho 0.01.

    When to use: pretraining of transformers. gamma is right when a tenth to a half of the weights are not clipped.
    Memory: two numbers per parameter.
    Paper: Liu et al., arXiv:2305.14342.
    Defaults: the paper's: betas 0.96 and 0.99, k 10, rho 1, epsilon 1e-12, gamma 0.01 (its Hutchinson estimate; 0.05
    for Gauss-Newton-Bartlett); learning rate 3e-4, since the paper takes 0.8 of AdamW's.
    """

    def __init__(
        self,
        learning_rate=3e-4,
        beta_1=0.96,
        beta_2=0.99,
        *,
        gamma=0.01,
        rho=1.0,
        epsilon=1e-12,
        update_period=10,
        empirical_fisher=False,
        **kwargs,
    ):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(beta_1=beta_1, beta_2=beta_2)
        self._check_above_zero(gamma=gamma, rho=rho, epsilon=epsilon, update_period=update_period)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.gamma = gamma
        self.rho = rho
        self.epsilon = epsilon
        self.update_period = update_period
        self.empirical_fisher = empirical_fisher

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._momentums, self._curvatures = self.add_optimizer_variables(variables, ["momentum", "curvature"])

    def curvature_is_due(self):
        """True if the coming `apply` is one before which h moves; while accumulating, the first batch of an update."""
        batches = self.gradient_accumulation_steps or 1
        return ops.equal(ops.mod(self._iterations, self.update_period * batches), 0)

    def follow_curvature(self, estimates, variables):
        """Moves h if it is due.

        Args:
            estimates: of the Hessian's diagonal of the global batch's loss, one a variable; under a strategy, summands
                whose sum over the replicas is that.
            variables: what the optimizer was built with, or some of them.
        """
        strategy = kernels.strategy() if keras.backend.backend() == "tensorflow" else None
        due = self.curvature_is_due()
        slots = [self._curvatures[self._get_variable_index(variable)] for variable in variables]
        if not strategy:
            for slot, estimate in zip(slots, estimates, strict=True):
                slot.assign(self._followed(slot, estimate, due))
            return

        def move(slot, estimate, due):
            slot.assign(self._followed(slot, estimate, due))

        def update(strategy, estimates, due):
            for slot, estimate in zip(slots, estimates, strict=True):
                strategy.extended.update(slot.value, move, args=(estimate, due), group=False)

        kernels.merge(update, kernels.sum_over_replicas(estimates), due)

    def _followed(self, slot, estimate, due):
        value = ops.convert_to_tensor(slot)
        return ops.where(due, toward(value, ops.cast(estimate, value.dtype), 1 - self.beta_2), value)

    def step_scalars(self, step, learning_rate):
        return (ops.cast(ops.equal(ops.mod(step - 1, self.update_period), 0), step.dtype),)

    def update_step(self, gradient, variable, learning_rate, due):
        index = self._get_variable_index(variable)
        first = toward(self._momentums[index], gradient, 1 - self.beta_1)
        self.assign(self._momentums[index], first)
        curvature = self._curvatures[index]
        if self.empirical_fisher:
            curvature = self._followed(curvature, ops.square(gradient), due > 0)
            self.assign(self._curvatures[index], curvature)
        floor, rho = (ops.convert_to_tensor(value, variable.dtype) for value in (self.epsilon, self.rho))
        ratio = first / larger(self.gamma * ops.convert_to_tensor(curvature), floor)
        self.assign_sub(variable, learning_rate * ops.clip(ratio, -rho, rho))

    def get_config(self):
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "gamma": self.gamma,
            "rho": self.rho,
            "epsilon": self.epsilon,
            "update_period": self.update_period,
            "empirical_fisher": self.empirical_fisher,
        }
