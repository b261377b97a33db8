"""Steps on the rows that a sparse gradient names: gathered, moved by the rule as small variables, and put back.

A lookup in an embedding has a gradient with a few rows out of a million. The rule's own `update_step` runs on these
rows: in place of the variable and of its slots it gets `Rows`.
"""

import keras

from optimizers import kernels

# Lists that Keras keeps with one entry for each variable, other than slots of the rule.
NO_SLOTS = ("_trainable_variables", "_model_variables_moving_average", "_accumulated_gradients")


class Rows:
    """Some rows of a variable or slot, for a rule that reads and assigns them as it would the whole.

    Args:
        variable: the tf.Variable or Keras variable.
        indices: which rows, each at most once, shape (n,).
        key: what the optimizer knows the variable by.
        fade: what the other rows are multiplied by when these are put back; 1 leaves them alone.
    """

    def __init__(self, variable, indices, key, fade=1.0):
        self._variable, self._indices, self._fade = kernels.native(variable), indices, fade
        # A variable that was ever read or written by rows is copied at each read of the whole: one that fades, and so
        # is read whole at each step, is never read by rows.
        self._whole = kernels.read(self._variable) if fade != 1 else None
        self.value = rows_of(self._variable if fade == 1 else self._whole, indices)
        self.shape, self.dtype, self._unique_id = self.value.shape, self.value.dtype, key

    def put_back(self):
        """Writes the rows to where they came from."""
        if self._fade == 1:
            assign_rows(self._variable, self._indices, self.value)
        else:
            assign_faded(self._variable, self._whole, self._fade, self._indices, self.value)

    def assign(self, value):
        self.value = value

    def assign_add(self, value):
        self.value = self.value + value

    def assign_sub(self, value):
        self.value = self.value - value

    def __tf_tensor__(self, dtype=None, name=None):
        return self.value

    def __add__(self, other):
        return self.value + other

    def __sub__(self, other):
        return self.value - other

    def __mul__(self, other):
        return self.value * other

    def __truediv__(self, other):
        return self.value / other

    def __neg__(self):
        return -self.value

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other):
        return other - self.value

    def __rtruediv__(self, other):
        return other / self.value


def is_elementwise(rule) -> bool:
    """True if a rule can run on some rows of a variable alone: by its own class, not by one that it derives from."""
    return vars(type(rule)).get("elementwise", False)


def gathered(rule, variable, indices, fades=None):
    """The rows of a variable, and a copy of its rule that moves them and the same rows of the slots.

    Args:
        fades: name of a list of slots -> what the rows that are not gathered are multiplied by.

    Returns:
        The rule's copy, the rows of the variable, and a function that writes all rows back.
    """
    place, key = rule._get_variable_index(variable), rule._var_key(variable)
    rows = [Rows(variable, indices, key)]
    copy = object.__new__(type(rule))
    vars(copy).update(vars(rule))
    for name, slot in slots(rule, place):
        rows.append(Rows(slot, indices, key, (fades or {}).get(name, 1.0)))
        vars(copy)[name] = [*vars(rule)[name][:place], rows[-1], *vars(rule)[name][place + 1 :]]

    def put_back():
        for each in rows:
            each.put_back()

    return copy, rows[0], put_back


def slots(rule, place) -> list[tuple]:
    """(name of the list, slot) of the variable at a place, for each list that has a slot of its shape for it."""
    shape, found = rule._trainable_variables[place].shape, []
    for name, kept in vars(rule).items():
        one_each = isinstance(kept, list) and len(kept) == len(rule._trainable_variables)
        if one_each and name not in NO_SLOTS and getattr(kept[place], "shape", None) == shape:
            found.append((name, kept[place]))
    return found


def values_of(gradients) -> list:
    """The numbers of each gradient: of a sparse one, those of its rows."""
    return [gradient.values if is_sparse(gradient) else gradient for gradient in gradients]


def with_values(gradients, values) -> list:
    """The gradients with other numbers in them."""
    return [
        sparse(value, gradient) if is_sparse(gradient) else value
        for gradient, value in zip(gradients, values, strict=True)
    ]


def is_sparse(gradient) -> bool:
    """True for a `tf.IndexedSlices`."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return isinstance(gradient, tf.IndexedSlices)


def rows_with_shape(gradient, shape):
    """A sparse gradient whose rows have the static shape of its variable's."""
    import tensorflow as tf

    indices, values = tf.convert_to_tensor(gradient.indices), tf.convert_to_tensor(gradient.values)
    indices.set_shape((None,))
    values.set_shape((None, *shape[1:]))
    return tf.IndexedSlices(values, indices, gradient.dense_shape)


def sparse(values, like):
    """A sparse gradient of the same rows with other values."""
    import tensorflow as tf

    return tf.IndexedSlices(values, like.indices, like.dense_shape)


def summed(gradient):
    """A sparse gradient that names each row once: the values of repeated ones are added."""
    import tensorflow as tf

    indices, places = tf.unique(gradient.indices)
    values = tf.math.unsorted_segment_sum(gradient.values, places, tf.size(indices))
    return tf.IndexedSlices(values, indices, gradient.dense_shape)


def nonzero_rows(gradient):
    """A sparse gradient without its rows of zeros."""
    import tensorflow as tf

    kept = tf.reduce_any(gradient.values != 0, axis=list(range(1, gradient.values.shape.rank)))
    return tf.IndexedSlices(gradient.values[kept], gradient.indices[kept], gradient.dense_shape)


def rows_of(variable, indices):
    """Rows of a tensor or variable."""
    import tensorflow as tf

    if not isinstance(variable, tf.Variable):
        return tf.gather(variable, indices)
    return tf.raw_ops.ResourceGather(resource=variable.handle, indices=indices, dtype=variable.dtype)


def assign_rows(variable, indices, rows):
    import tensorflow as tf

    tf.raw_ops.ResourceScatterUpdate(resource=variable.handle, indices=indices, updates=rows)


def subtract_rows(variable, indices, rows):
    import tensorflow as tf

    tf.raw_ops.ResourceScatterSub(resource=variable.handle, indices=indices, updates=rows)


def assign_faded(variable, value, factor, indices, rows):
    """variable = factor * value, but for some rows."""
    import tensorflow as tf

    faded = value * kernels.constant(factor, value.dtype)
    kernels.assign(variable, tf.tensor_scatter_nd_update(faded, indices[:, None], rows))
