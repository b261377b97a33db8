"""Lazy updates of embeddings: rows that no example looked up stay as they are."""

import re

import keras
from keras import ops

from optimizers import messages, rows
from optimizers.wrappers.wrapper import Wrapper


@keras.saving.register_keras_serializable("menagerie")
class LazySparse(Wrapper):
    """The inner optimizer's step for the rows of an embedding that have a gradient; the others keep value and slots.

        touched = rows whose gradient (repeated rows summed) is not zero
        the inner optimizer's step and decay, for the touched rows

    Around Adam it is tensorflow-addons' LazyAdam. A dense rule moves every row at every step, by what is left of its
    momentum. What is common to all rows stays common: bias corrections count all steps, and a trust ratio or a
    factored moment still sees the whole variable. On TensorFlow a variable is lazy if its gradient is a
    `tf.IndexedSlices`, or if `match` names it; JAX and torch have dense gradients only: there `match` alone decides.

    The cost of a step is that of its touched rows if the gradient is a `tf.IndexedSlices` and the rule is elementwise
    (SGD, AdaGrad, RMSProp, Adam and its close kin). Otherwise it is that of a dense step and of a copy of all slots.

    When to use: large vocabularies with rare words.
    Memory: none that lasts.
    Paper: none; tensorflow-addons' LazyAdam.
    Defaults: `match` None: by the kind of gradient alone.
    """

    def __init__(self, inner, match=None, **kwargs):
        super().__init__(inner, **kwargs)
        self.match = match

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._lazy = [
            self.match is not None
            and len(variable.shape) > 0
            and any(re.search(self.match, text) for text in messages.texts(variable))
            for variable in variables
        ]
        if self.match is not None and not any(self._lazy):
            raise ValueError(
                f"{self.name}: `match` is {self.match!r}, which matches none of the {len(variables)} variables: "
                f"{messages.paths_in_short(variables)}."
            )

    def _slots_by_row(self, place, variable):
        """The slots of one variable, of all optimizers inside, that have a row for each of its rows."""
        found, optimizer = [], self.inner
        while optimizer is not None:
            for name, slots in vars(optimizer).items():
                if name == "_trainable_variables" or not isinstance(slots, list):
                    continue
                slot = slots[place] if len(slots) == len(self._trainable_variables) else None
                if isinstance(slot, keras.Variable) and tuple(slot.shape[:1]) == tuple(variable.shape[:1]):
                    found.append(slot)
            optimizer = getattr(optimizer, "inner", None)
        return found

    def _note_sparse(self, pairs):
        # A fact of the traced model, the same at each step and on each replica.
        for gradient, variable in pairs:
            if hasattr(gradient, "indices") and hasattr(gradient, "dense_shape"):
                self._lazy[self._get_variable_index(variable)] = True
        super()._note_sparse(pairs)

    def takes_rows(self):
        return rows.is_elementwise(self.inner)

    def update_rows(self, gradient, variable, learning_rate, *scalars):
        gradient = rows.nonzero_rows(gradient)
        rule, part, put_back = rows.gathered(self.inner, variable, gradient.indices)
        rule.apply_decay(part, learning_rate)
        rule.update_step(gradient.values, part, learning_rate, *scalars)
        put_back()

    def apply_decay(self, variable, learning_rate):
        if not self._lazy[self._get_variable_index(variable)]:
            super().apply_decay(variable, learning_rate)

    def update_step(self, gradient, variable, learning_rate, *scalars):
        index = self._get_variable_index(variable)
        if not self._lazy[index]:
            self.inner.update_step(gradient, variable, learning_rate, *scalars)
            return
        kept = [variable, *self._slots_by_row(index, variable)]
        # Copies, by arithmetic: a conversion may give the variable itself. A slot that begins as its variable begins in
        # all rows at once, the untouched ones too: rules need look at one element to know.
        before = [self._begun(each, variable) if each.shape == variable.shape else each + 0 for each in kept]
        untouched = ops.all(ops.equal(gradient, 0), axis=tuple(range(1, len(gradient.shape))))  # (rows,)
        self.inner.apply_decay(variable, learning_rate)
        self.inner.update_step(gradient, variable, learning_rate, *scalars)
        for each, value in zip(kept, before, strict=True):
            kept_rows = ops.reshape(untouched, (-1, *[1] * (len(each.shape) - 1)))
            self.assign(each, ops.where(kept_rows, value, ops.convert_to_tensor(each)))

    def get_config(self):
        return {**super().get_config(), "match": self.match}
