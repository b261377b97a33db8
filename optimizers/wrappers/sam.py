"""Sharpness-aware minimization: the gradient from the worst point nearby."""

import keras
from keras import ops

from optimizers import kernels
from optimizers.wrappers.model_wrapper import ModelWrapper


@keras.saving.register_keras_serializable("menagerie")
class SAM(ModelWrapper):
    """A model that trains another by SAM, or ASAM (`adaptive=True`); any optimizer makes the step.

        g = gradient at w
        e = rho g / ||g||                                  (SAM; the norm is over all variables)
        e = rho T^2 g / ||T g||, T = |w| + eta             (ASAM)
        the optimizer's step at w, with the gradient at w + e

        model = optimizers.SAM(model, rho=0.05)
        model.compile(optimizers.SGD(0.1, momentum=0.9), loss, metrics); model.fit(...)
        model.inner.save("plain.keras")

    Loss and metrics are those at w, and so are the statistics of BatchNormalization: they move once a step. ASAM's T
    holds for every variable; the authors' code leaves T at 1 for biases. Replicas sum their gradients before e is
    made, so that two do what one does with the whole batch; with an e of each replica's own (the paper's m-SAM) they
    could not share mirrored variables. TensorFlow only.

    When to use: for accuracy on small data sets, and with noisy labels; a step costs two.
    Memory: two numbers per parameter while a step runs.
    Paper: Foret et al., arXiv:2010.01412; Kwon et al., arXiv:2102.11600.
    Defaults: rho 0.05 (SAM's; ASAM's are 0.5 and more), eta 0.01 (ASAM's).
    """

    def __init__(self, model, rho=0.05, adaptive=False, eta=0.01, **kwargs):
        super().__init__(model, **kwargs)
        for name, value in (("rho", rho), ("eta", eta)):
            if not 0 <= value < float("inf"):
                raise ValueError(f"SAM: `{name}` must be a finite number >= 0. Received: {name}={value}")
        self.rho = rho
        self.adaptive = adaptive
        self.eta = eta

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        variables = list(self.trainable_variables)
        predictions, gradients = self._gradients(x, y, sample_weight, variables, tracked=True)
        known = [(v, g) for v, g in zip(variables, gradients, strict=True) if g is not None]
        weights = [variable + 0 for variable, _ in known]
        state = [(variable, variable + 0) for variable in self.non_trainable_variables]
        total = [kernels.densified(gradient) for _, gradient in known]
        if kernels.strategy():
            total = kernels.sum_over_replicas(total)
        for (variable, _), offset in zip(known, self._offsets(weights, total), strict=True):
            variable.assign_add(offset)
        _, gradients = self._gradients(x, y, sample_weight, variables, tracked=False)
        for (variable, _), weight in zip(known, weights, strict=True):
            variable.assign(weight)
        for variable, value in state:
            variable.assign(value)
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return self.compute_metrics(x, y, predictions, sample_weight=sample_weight)

    def _gradients(self, x, y, sample_weight, variables, tracked):
        import tensorflow as tf

        with tf.GradientTape() as tape:
            predictions = self(x, training=True)
            loss = self._compute_loss(x=x, y=y, y_pred=predictions, sample_weight=sample_weight, training=True)
            if tracked:
                count = ops.shape(keras.tree.flatten(x)[0])[0]
                whole = loss * tf.distribute.get_strategy().num_replicas_in_sync  # Keras divides it by their number
                self._loss_tracker.update_state(whole, sample_weight=count)
            loss = self.optimizer.scale_loss(loss)
        return predictions, tape.gradient(loss, variables)

    def _offsets(self, weights, gradients):
        scales = [ops.abs(weight) + self.eta if self.adaptive else ops.ones_like(weight) for weight in weights]
        scaled = [scale * gradient for scale, gradient in zip(scales, gradients, strict=True)]
        squares = [ops.sum(ops.square(ops.cast(each, _wide(each)))) for each in scaled]
        widest = "float64" if any(each.dtype == "float64" for each in squares) else "float32"
        norm = ops.sqrt(sum(ops.cast(square, widest) for square in squares))
        factor = self.rho / (norm + 1e-12)
        return [ops.cast(factor, each.dtype) * scale * each for scale, each in zip(scales, scaled, strict=True)]

    def get_config(self):
        return {**super().get_config(), "rho": self.rho, "adaptive": self.adaptive, "eta": self.eta}


def _wide(values):
    return "float64" if values.dtype == "float64" else "float32"
