"""Two sets of weights, those that train and those to evaluate at, which change places."""

import keras
from keras import ops

from optimizers import kernels
from optimizers.arithmetic import toward
from optimizers.half_precision import origin, widened


class Averaging:
    """The part of the base class that keeps weights to evaluate at; `EvaluationWeights` calls it."""

    # Whether `evaluation_slots` has something without `use_ema` too.
    averages = False

    def evaluation_slots(self):
        """For each variable the slot that holds its weights for evaluation, NaN where not begun; None without any."""
        return self._model_variables_moving_average if self.use_ema else None

    def _averaging(self):
        """The optimizer that keeps the weights for evaluation: this one, one inside it, or None."""
        return self if self.use_ema or self.averages else None

    @property
    def at_evaluation_weights(self) -> bool:
        """True if the model holds the weights for evaluation, and the slots those that train."""
        owner = self._averaging()
        return bool(owner and owner.built and float(ops.convert_to_numpy(owner._swapped)))

    def swap_evaluation_weights(self):
        """Exchanges the weights that train with those for evaluation, or back; to the bit. See `EvaluationWeights`.

        Averages of half-precision variables are kept in float32, and rounded when they change places.
        Before the first update there is nothing to exchange, and nothing happens.

        Raises:
            ValueError: if the optimizer evaluates at the weights that it trains.
        """
        owner = self._averaging()
        if owner is None:
            raise ValueError(
                f"{self.rule} evaluates at the weights that it trains: there is nothing to swap. Take "
                "`ScheduleFreeSGD`, `ScheduleFreeAdamW`, `SWA(...)`, `Lookahead(...)`, `ASGD` or `use_ema=True`."
            )
        if not self.built or not int(ops.convert_to_numpy(self.iterations)):
            return
        slots = owner.evaluation_slots()
        if keras.backend.backend() == "tensorflow":
            if "_exchange" not in vars(self):  # not by attribute: Keras would track it
                pairs = [
                    (kernels.native(v), kernels.native(s))
                    for v, s in zip(self._trainable_variables, slots, strict=True)
                ]
                vars(self)["_exchange"] = kernels.exchange(pairs, kernels.native(owner._swapped))
            vars(self)["_exchange"]()
            return
        for variable, slot in zip(self._trainable_variables, slots, strict=True):
            value, begun = variable + 0, ~ops.isnan(ops.convert_to_tensor(slot))
            average = slot + 0
            variable.assign(ops.where(begun, average, value))
            slot.assign(ops.where(begun, value, average))
        owner._swapped.assign(1 - owner._swapped)

    def finalize_variable_values(self, var_list):
        # At the weights for evaluation they are final, and the averages hold those that train.
        if not self.use_ema or self.at_evaluation_weights:
            return
        if len(var_list) != len(self._model_variables_moving_average):
            raise ValueError(
                f"{self.rule} '{self.name}' keeps averages of {len(self._model_variables_moving_average)} variables. "
                f"Received: {len(var_list)} variables."
            )
        for variable, average in zip(var_list, self._model_variables_moving_average, strict=True):
            variable.assign(ops.cast(average, variable.dtype))

    def _follow(self, variable, average):
        """Moves the running average of a variable, and now and then the variable onto it."""
        variable = widened(variable)
        share = ops.where(self.iterations > 0, ops.cast(1 - self.ema_momentum, variable.dtype), 1)
        value = toward(average, variable, share)
        self.assign(average, value)
        if self.ema_overwrite_frequency:
            due = (self.iterations + 1) % self.ema_overwrite_frequency == 0
            self.assign(origin(variable), ops.where(due, value, ops.convert_to_tensor(variable)))
