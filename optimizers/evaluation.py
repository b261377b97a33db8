"""Evaluates, predicts and saves at other weights than those that train."""

import keras


class EvaluationWeights(keras.callbacks.Callback):
    """Puts the weights for evaluation into the model wherever it is evaluated or saved, and the others back to train.

    For whatever has such weights: `ScheduleFreeSGD`, `ScheduleFreeAdamW`, `ASGD`, `SWA(...)`, `Lookahead(...)`, any
    optimizer of ours with `use_ema=True`, and wrappers around these.

        model.fit(x, y, validation_data=..., callbacks=[EvaluationWeights(), keras.callbacks.ModelCheckpoint(...)])
        model.save("model.keras")            # at the weights for evaluation: they stay in after `fit`

    Inside `fit` they are in from the last batch of an epoch to the beginning of the next, so that a ModelCheckpoint
    sees them wherever it stands in the list. Where the number of batches is not known (a generator), put this callback
    first. What is saved within an epoch (`save_freq=100`) holds the weights that train. For `evaluate` and `predict`
    by themselves give it to them: after a training that was interrupted they put the right weights in, and back.

    Weights and slots change places, so that evaluating changes no bit of the training. Which of them the model holds is
    a variable of the optimizer: a training that is saved after an epoch, loaded and resumed *with this callback* goes
    on exactly. Going on without it would train at the weights for evaluation.

    Args:
        statistics: batches of the model's inputs, as `model.predict` takes them in a dataset, or a tuple whose first
            element they are: before each epoch's end the statistics of every BatchNormalization are made anew from
            them, for weights that are a mean (SWA). Those that train come back with the weights that train.
    """

    def __init__(self, statistics=None):
        super().__init__()
        self.statistics = statistics
        self._here = False  # whether this evaluation put them in
        self._kept = None

    def on_train_begin(self, logs=None):
        self._optimizer()  # says at once if there is nothing to swap
        self._training_weights()

    def on_epoch_begin(self, epoch, logs=None):
        self._training_weights()

    def on_train_batch_end(self, batch, logs=None):
        steps = self.params.get("steps")
        if steps is not None and batch >= steps - 1:
            self._evaluation_weights()

    def on_epoch_end(self, epoch, logs=None):
        self._evaluation_weights()

    def on_train_end(self, logs=None):
        self._evaluation_weights()

    def on_test_begin(self, logs=None):
        self._here = self._evaluation_weights()

    def on_test_end(self, logs=None):
        if self._here:
            self._training_weights()
        self._here = False

    on_predict_begin = on_test_begin
    on_predict_end = on_test_end

    def _optimizer(self):
        optimizer = getattr(self.model, "optimizer", None)
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # of a LossScaleOptimizer
        if getattr(optimizer, "_averaging", lambda: None)() is None:
            raise ValueError(
                f"EvaluationWeights: {type(optimizer).__name__} evaluates at the weights that it trains. Expected an "
                "optimizer of this library with `use_ema=True`, or ScheduleFreeSGD, ScheduleFreeAdamW, ASGD, SWA(...) "
                "or Lookahead(...)."
            )
        if optimizer._is_copy:
            optimizer.bind(self.model.trainable_variables)
        return optimizer

    def _evaluation_weights(self) -> bool:
        """Puts them in; whether they were not there before."""
        optimizer = self._optimizer()
        if optimizer.at_evaluation_weights:
            return False
        optimizer.swap_evaluation_weights()
        if self.statistics is not None and optimizer.at_evaluation_weights:
            self._new_statistics()
        return optimizer.at_evaluation_weights

    def _training_weights(self):
        optimizer = self._optimizer()
        if optimizer.at_evaluation_weights:
            optimizer.swap_evaluation_weights()
            for variable, value in self._kept or ():
                variable.assign(value)
        self._kept = None

    def _new_statistics(self):
        """The mean over all batches, as Algorithm 1 of 1803.05407 ends."""
        layers = [
            layer
            for layer in self.model._flatten_layers()
            if isinstance(layer, keras.layers.BatchNormalization) and layer.built
        ]
        state = [v for layer in layers for v in (layer.moving_mean, layer.moving_variance)]
        self._kept = [(v, keras.ops.convert_to_numpy(v)) for v in self.model.non_trainable_variables]
        others = [(v, value) for v, value in self._kept if not any(v is each for each in state)]
        momenta = [layer.momentum for layer in layers]
        for count, batch in enumerate(self.statistics, 1):
            for layer in layers:
                layer.momentum = 1 - 1 / count
            self.model(batch[0] if isinstance(batch, (tuple, list)) else batch, training=True)
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        for variable, value in others:
            variable.assign(value)
