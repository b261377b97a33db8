"""Models around a model, for rules that need a second gradient: `model.fit` stays the only training loop."""

import keras


class ModelWrapper(keras.Model):
    """Base of the model wrappers: calls, saves and evaluates as the inner model; a subclass has its `train_step`.

    Args:
        model: the model to train, built or not; its own `train_step` and `compute_loss` are not used.
        **kwargs: `name`, `trainable` and `dtype`, as every Keras model takes them.
    """

    def __init__(self, model, **kwargs):
        if keras.backend.backend() != "tensorflow":
            raise NotImplementedError(
                f"{type(self).__name__} trains on Keras's TensorFlow backend only: its step takes a second gradient. "
                f"Received: the backend {keras.backend.backend()!r}."
            )
        if not isinstance(model, keras.Model):
            raise TypeError(f"{type(self).__name__}: expected a keras.Model to train. Received: model={model!r}")
        super().__init__(**kwargs)
        self.inner = model
        self.built = model.built
        if not self.trainable:
            model.trainable = False

    def build(self, input_shape):
        if not self.inner.built:
            self.inner.build(input_shape)
        self.built = True

    def call(self, inputs, training=None):
        return self.inner(inputs, training=training)

    def get_config(self):
        return {**super().get_config(), "model": keras.saving.serialize_keras_object(self.inner)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        model = keras.saving.deserialize_keras_object(config["model"], custom_objects=custom_objects)
        return cls(**{**config, "model": model})
