"""Optimizers for Keras 3: the published rules, exact, and fast where TensorFlow has fused kernels.

Drop-in for Keras's own:

    model.compile(optimizer=optimizers.Adam(1e-3), ...)
    optimizers.get("adam", learning_rate=1e-3)
    optimizers.names()

A new one is a file here and a line in `_ALL`.
"""

import keras

from optimizers import schedules
from optimizers.adabelief import AdaBelief
from optimizers.adabound import AdaBound
from optimizers.adadelta import Adadelta
from optimizers.adafactor import Adafactor
from optimizers.adagrad import AdaGrad
from optimizers.adam import Adam, AdaMax, AdamW, AMSGrad
from optimizers.adamp import AdamP
from optimizers.adan import Adan
from optimizers.ademamix import AdEMAMix
from optimizers.adopt import ADOPT
from optimizers.aggmo import AggMo
from optimizers.asgd import ASGD
from optimizers.base import Optimizer
from optimizers.came import CAME
from optimizers.cocob import COCOB
from optimizers.d_adaptation import DAdaptAdam, DAdaptSGD
from optimizers.dog import DoG
from optimizers.evaluation import EvaluationWeights
from optimizers.fromage import Fromage
from optimizers.ftrl import FTRL
from optimizers.gradient_descent import SGD, BatchGradientDescent
from optimizers.groups import layerwise_decay
from optimizers.lamb import LAMB
from optimizers.laprop import LaProp
from optimizers.lars import LARS
from optimizers.lion import Lion
from optimizers.madgrad import MADGRAD
from optimizers.mars import MARS
from optimizers.messages import nearest
from optimizers.muon import Muon
from optimizers.nadam import NAdam
from optimizers.novograd import NovoGrad
from optimizers.prodigy import Prodigy
from optimizers.qhadam import QHAdam
from optimizers.qhm import QHM
from optimizers.radam import RAdam
from optimizers.rmsprop import RMSProp
from optimizers.rprop import Rprop
from optimizers.schedule_free import ScheduleFreeAdamW, ScheduleFreeSGD
from optimizers.sgdp import SGDP
from optimizers.shampoo import Shampoo
from optimizers.signum import Signum
from optimizers.sm3 import SM3
from optimizers.soap import SOAP
from optimizers.sophia import Sophia
from optimizers.wrappers import (
    SAM,
    SWA,
    AdaptiveGradientClipping,
    Cautious,
    GradientCentralization,
    LazySparse,
    Lookahead,
    SkipNonFinite,
    SophiaModel,
)
from optimizers.yogi import Yogi

_ALL = (
    AdaBelief,
    AdaBound,
    Adadelta,
    Adafactor,
    AdaGrad,
    Adam,
    AdaMax,
    AdamP,
    AdamW,
    Adan,
    AdEMAMix,
    ADOPT,
    AggMo,
    AMSGrad,
    ASGD,
    BatchGradientDescent,
    CAME,
    COCOB,
    DAdaptAdam,
    DAdaptSGD,
    DoG,
    Fromage,
    FTRL,
    LAMB,
    LaProp,
    LARS,
    Lion,
    MADGRAD,
    MARS,
    Muon,
    NAdam,
    NovoGrad,
    Prodigy,
    QHAdam,
    QHM,
    RAdam,
    RMSProp,
    Rprop,
    ScheduleFreeAdamW,
    ScheduleFreeSGD,
    SGD,
    SGDP,
    Shampoo,
    Signum,
    SM3,
    SOAP,
    Sophia,
    Yogi,
)

# They take an optimizer, so `get` makes them from a configuration only.
_WRAPPERS = (AdaptiveGradientClipping, Cautious, GradientCentralization, LazySparse, Lookahead, SkipNonFinite, SWA)

# They take a model, and are one: what needs more than a gradient.
_MODELS = (SAM, SophiaModel)

__all__ = [
    "EvaluationWeights",
    "Optimizer",
    "get",
    "layerwise_decay",
    "names",
    "schedules",
    *(cls.__name__ for cls in (*_ALL, *_WRAPPERS, *_MODELS)),
]


def names() -> list[str]:
    """The names that `get` takes, as the classes are spelled."""
    return [cls.__name__ for cls in _ALL]


def get(identifier, **kwargs) -> keras.optimizers.Optimizer:
    """An optimizer by its name, from its configuration, or as it is.

    Args:
        identifier: a name (case and "_" ignored: "adam", "batch_gradient_descent"), a dict as
            `keras.saving.serialize_keras_object` makes it, or an optimizer.
        **kwargs: arguments of the constructor; they replace those of a configuration.

    Raises:
        ValueError: for a name that is not there; the message gives the nearest.
    """
    if isinstance(identifier, str):
        for cls in _ALL:
            if _folded(cls.__name__) == _folded(identifier):
                return cls(**kwargs)
        raise ValueError(f"No optimizer is called {identifier!r}. {nearest(identifier, names())}")
    if isinstance(identifier, dict):
        config = {**identifier, "config": {**identifier.get("config", {}), **kwargs}}
        return keras.saving.deserialize_keras_object(config)
    if isinstance(identifier, keras.optimizers.Optimizer) and not kwargs:
        return identifier
    raise ValueError(
        "Expected the name of an optimizer, its configuration, or an optimizer without further arguments. "
        f"Received: {identifier!r} {kwargs or ''}".rstrip()
    )


def _folded(name):
    return name.lower().replace("_", "").replace("-", "")
