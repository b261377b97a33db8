"""The mean over what counts of all replicas' examples: where masks or weights say how much that is, or the loss itself.

Keras divides each replica's sum by what counts on this replica, and takes the mean of the replicas: one that has few
steps of text unmasked lets each of them count for more than another replica's. And it adds the replicas' means up where
a loss function gives one number.
"""

from __future__ import annotations

import functools

import tensorflow as tf

from zoo.scaling.keras_patches import jit

_MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")


def reducing(original):
    """In the place of `keras.src.losses.loss.reduce_weighted_values`."""
    from keras.src.losses.loss import apply_mask

    @functools.wraps(original)
    def reduce_weighted_values(values, sample_weight=None, mask=None, reduction="sum_over_batch_size", dtype=None):
        loss = original(values, sample_weight=sample_weight, mask=mask, reduction=reduction, dtype=dtype)
        context = tf.distribute.get_replica_context()
        if context is None or context.num_replicas_in_sync == 1:
            return loss
        if not len(values.shape):  # a loss function that has taken the mean itself
            return loss / context.num_replicas_in_sync if reduction in _MEANS else loss
        if reduction == "mean_with_sample_weight" and not (sample_weight is None and mask is None):
            counted = apply_mask(sample_weight, mask, dtype=loss.dtype, reduction=reduction)
        elif reduction in _MEANS and mask is not None:
            counted = mask
        else:
            return loss
        jit.refuse_to_meet()
        here = tf.stop_gradient(tf.reduce_sum(tf.cast(counted, loss.dtype)))
        mean = context.all_reduce(tf.distribute.ReduceOp.SUM, here) / context.num_replicas_in_sync
        return loss * tf.math.divide_no_nan(here, mean)

    return reduce_weighted_values
