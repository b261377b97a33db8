"""Base of all wrappers: one learning rate, one count of steps, one set of clips, and the rule of the inner one."""

import keras

from optimizers.base import Optimizer

# What a step does around the rule: the wrapper takes it over from the inner optimizer.
TAKEN_OVER = ("use_ema", "ema_momentum", "ema_overwrite_frequency", "gradient_accumulation_steps")
COPIED = ("clipnorm", "clipvalue", "global_clipnorm", "loss_scale_factor")


class Wrapper(Optimizer):
    """Base of the wrappers: a subclass overrides `update_step` and calls `inner.update_step` in it.

    Args:
        inner: one of our optimizers, not built yet; its learning rate, clips, groups, accumulation and so on become
            the wrapper's. It serves as the wrapper's rule from then on and is not to be used by itself.
        **kwargs: `name`; the rest is read from `inner`.
    """

    def __init__(self, inner, **kwargs):
        name = type(self).__name__
        if not isinstance(inner, Optimizer):
            raise TypeError(f"{name}: expected an optimizer of this library to wrap. Received: inner={inner!r}")
        if inner.built:
            raise ValueError(f"{name}: the inner optimizer is built already. Wrap it before its first step.")
        for argument in kwargs:
            if argument not in ("name", *TAKEN_OVER):
                raise TypeError(f"{name}: give `{argument}` to the inner optimizer, {type(inner).__name__}.")
        rate = inner._learning_rate
        rate = float(keras.ops.convert_to_numpy(rate)) if isinstance(rate, keras.Variable) else rate
        options = {option: getattr(inner, option) for option in (*TAKEN_OVER, *COPIED)}
        super().__init__(rate, groups=inner._groups, **{**options, **kwargs})
        self.inner = inner
        inner.use_ema = False
        inner.gradient_accumulation_steps = None

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.inner.build(variables)

    @property
    def variables(self):
        return super().variables + self.inner.variables

    def _without_slots(self):
        return super()._without_slots() + self.inner._without_slots()

    def _unbuild(self):
        super()._unbuild()
        self.inner._unbuild()

    def bind(self, variables):
        super().bind(variables)
        self.inner.bind(variables)

    def advance(self, step, learning_rate, gradients, variables, *state):
        return self.inner.advance(step, learning_rate, gradients, variables, *state)

    def step_scalars(self, step, learning_rate, *state):
        return self.inner.step_scalars(step, learning_rate, *state)

    def apply_decay(self, variable, learning_rate):
        self.inner.apply_decay(variable, learning_rate)

    def update_step(self, gradient, variable, learning_rate, *scalars):
        self.inner.update_step(gradient, variable, learning_rate, *scalars)

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        self.inner.exclude_from_weight_decay(var_list, var_names)

    def _averaging(self):
        return super()._averaging() or self.inner._averaging()

    def _accepts(self, grads):
        return self.inner._accepts(grads)

    def _note_sparse(self, pairs):
        self.inner._note_sparse(pairs)

    def _remembered(self):
        return self.inner._remembered()

    def _mean_gradient(self, total, gradient, count):
        return self.inner._mean_gradient(total, gradient, count)

    @property
    def rule(self):
        return f"{type(self).__name__}({self.inner.rule})"

    @property
    def state_rule(self):
        return f"{type(self).__name__}({self.inner.state_rule})"

    def get_config(self):
        config = super().get_config()
        inner = keras.saving.serialize_keras_object(self.inner)
        rule = inner
        while "inner" in rule["config"]:
            rule = rule["config"]["inner"]
        rule["config"]["learning_rate"] = config["learning_rate"]
        return {"name": config["name"], "inner": inner, **{option: config[option] for option in TAKEN_OVER}}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        inner = keras.saving.deserialize_keras_object(config["inner"], custom_objects=custom_objects)
        return cls(**{**config, "inner": inner})
