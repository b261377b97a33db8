"""The table that every optimizer enters by one row; the tests of `test_table.py` run over all rows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

import optimizers
from tests.optimizers import (
    adam_kin_oracles,
    averaging_oracles,
    descent_oracles,
    matrix_oracles,
    oracles,
    parameter_free_oracles,
    problem,
)


@dataclass(frozen=True)
class Row:
    """One optimizer with hyper-parameters that tell rules apart: a large epsilon, betas far from each other.

    Attributes:
        name: of the row.
        build: the class.
        arguments: of the class and of the oracle alike.
        oracle: from `oracles`; see there.
        joint: whether the oracle moves all weights at once: lists in, a list out.
        extra: arguments of the class alone.
        wrap: optimizer -> the wrapper that the row is about.
        peer: the oracle's arguments that differ in the comparison with optax or torch, where only there the two agree.
        optax: (arguments, schedule) -> the same rule in optax, where optax has it.
        rate: peak of the learning rate.
        decay: weight decay that the comparison with the oracle runs under; 0 where the rule has its own.
        slots: numbers kept for each parameter.
        rounding: what float32 may miss of the total movement.
    """

    name: str
    build: type
    oracle: Callable
    arguments: dict = field(default_factory=dict)
    extra: dict = field(default_factory=dict)
    optax: Callable | None = None
    joint: bool = False
    wrap: Callable | None = None
    peer: dict = field(default_factory=dict)
    rate: float = 0.01
    decay: float = 0.1
    slots: float = 0
    rounding: float = 1e-4

    def make(self, learning_rate, **arguments):
        made = self.build(learning_rate, **{**self.arguments, **self.extra, **arguments})
        return self.wrap(made) if self.wrap else made

    @cached_property
    def expected(self) -> list[np.ndarray]:
        """The oracle's variables at the end, with the schedule and the decay."""
        return self.trajectory(self.decay)[-1]

    def trajectory(self, decay: float, **arguments) -> list[list[np.ndarray]]:
        weights = problem.weights()
        step = self._step({**self.arguments, **arguments}, len(weights))
        path = []
        for t, (gradients, rate) in enumerate(zip(problem.gradients(), problem.rates(self.rate), strict=True), 1):
            weights = step([(1 - rate * decay) * w for w in weights], gradients, t, rate)
            path.append(weights)
        return path

    def _step(self, arguments, count):
        if self.joint:
            return self.oracle(**arguments)
        steps = [self.oracle(**arguments) for _ in range(count)]

        def step(weights, gradients, t, rate):
            return [one(w, g, t, rate) for one, w, g in zip(steps, weights, gradients, strict=True)]

        return step


def _optax():
    import optax

    return optax


# Far apart, with an epsilon large enough to tell where it stands.
BETAS = {"beta_1": 0.7, "beta_2": 0.95, "epsilon": 0.05}
# FTRL's, each large enough to show.
REGULARIZED = {
    "beta": 0.5,
    "l1_regularization_strength": 0.7,
    "l2_regularization_strength": 0.4,
    "initial_accumulator_value": 0.2,
}
ADAM_BETAS = {"adam_beta_1": 0.7, "adam_beta_2": 0.95, "epsilon": 0.05}

TABLE = (
    Row(
        "sgd",
        optimizers.SGD,
        oracles.sgd,
        optax=lambda a, lr: _optax().sgd(lr),
    ),
    Row(
        "sgd-momentum",
        optimizers.SGD,
        oracles.sgd,
        {"momentum": 0.8},
        optax=lambda a, lr: _optax().chain(_optax().trace(0.8), _optax().scale_by_learning_rate(lr)),
        slots=1,
    ),
    Row(
        "sgd-nesterov",
        optimizers.SGD,
        oracles.sgd,
        {"momentum": 0.8, "nesterov": True},
        optax=lambda a, lr: _optax().chain(_optax().trace(0.8, nesterov=True), _optax().scale_by_learning_rate(lr)),
        slots=1,
    ),
    Row(
        "batch-gradient-descent",
        optimizers.BatchGradientDescent,
        oracles.sgd,
    ),
    Row(
        "adagrad",
        optimizers.AdaGrad,
        oracles.adagrad,
        {"initial_accumulator_value": 0.3, "epsilon": 0.05},
        slots=1,
    ),
    Row(
        "rmsprop",
        optimizers.RMSProp,
        oracles.rmsprop,
        {"rho": 0.8, "epsilon": 0.05},
        optax=lambda a, lr: _optax().rmsprop(lr, decay=0.8, eps=0.05, eps_in_sqrt=False),
        slots=1,
    ),
    Row(
        "rmsprop-momentum-centered",
        optimizers.RMSProp,
        oracles.rmsprop,
        {"rho": 0.8, "epsilon": 0.05, "momentum": 0.6, "centered": True},
        slots=3,
    ),
    Row(
        "adam",
        optimizers.Adam,
        oracles.adam,
        BETAS,
        optax=lambda a, lr: _optax().adam(lr, 0.7, 0.95, 0.05),
        slots=2,
    ),
    Row(
        "adam-amsgrad",
        optimizers.Adam,
        oracles.amsgrad,
        BETAS,
        {"amsgrad": True},
        slots=3,
    ),
    Row(
        "adamw",
        optimizers.AdamW,
        oracles.adam,
        BETAS,
        optax=lambda a, lr: _optax().adamw(lr, 0.7, 0.95, 0.05, weight_decay=0.1),
        slots=2,
    ),
    Row(
        "adamax",
        optimizers.AdaMax,
        oracles.adamax,
        BETAS,
        optax=lambda a, lr: _optax().adamax(lr, 0.7, 0.95, 1e-10),
        peer={"epsilon": 1e-10},
        slots=2,
    ),
    Row(
        "amsgrad",
        optimizers.AMSGrad,
        oracles.amsgrad,
        BETAS,
        slots=3,
    ),
    Row(
        "nadam",
        optimizers.NAdam,
        oracles.nadam,
        {**BETAS, "psi": 0.1},
        slots=2,
    ),
    Row(
        "radam",
        optimizers.RAdam,
        oracles.radam,
        {**BETAS, "beta_2": 0.97},
        optax=lambda a, lr: _optax().radam(lr, 0.7, 0.97, 0.05, threshold=4.0),
        slots=2,
    ),
    Row(
        "adadelta",
        optimizers.Adadelta,
        oracles.adadelta,
        {"rho": 0.8, "epsilon": 0.01},
        optax=lambda a, lr: _optax().adadelta(lr, 0.8, 0.01),
        rate=0.3,
        slots=2,
    ),
    Row(
        "lamb",
        optimizers.LAMB,
        oracles.lamb,
        {**BETAS, "weight_decay": 0.3},
        optax=lambda a, lr: _optax().lamb(lr, 0.7, 0.95, 0.05, weight_decay=0.3),
        decay=0,
        slots=2,
    ),
    Row(
        "lars",
        optimizers.LARS,
        oracles.lars,
        {"momentum": 0.8, "trust_coefficient": 0.02, "weight_decay": 0.3},
        decay=0,
        slots=1,
    ),
    Row(
        "lars-without-decay",
        optimizers.LARS,
        oracles.lars,
        {"momentum": 0.8, "trust_coefficient": 0.02},
        optax=lambda a, lr: _optax().chain(
            _optax().masked(_optax().scale_by_trust_ratio(trust_coefficient=0.02), lambda p: [x.ndim > 1 for x in p]),
            _optax().scale_by_learning_rate(lr),
            _optax().trace(0.8),
        ),
        decay=0,
        slots=1,
    ),
    Row(
        "lion",
        optimizers.Lion,
        oracles.lion,
        {"beta_1": 0.6, "beta_2": 0.9},
        optax=lambda a, lr: _optax().lion(lr, 0.6, 0.9, weight_decay=0.0),
        slots=1,
    ),
    Row(
        "signum",
        optimizers.Signum,
        oracles.signum,
        {"momentum": 0.7},
        optax=lambda a, lr: _optax().signum(lr, 0.7),
        slots=1,
    ),
    Row(
        "adabelief",
        optimizers.AdaBelief,
        oracles.adabelief,
        {**BETAS, "epsilon": 0.01},
        optax=lambda a, lr: _optax().adabelief(lr, 0.7, 0.95, 0.01, eps_root=0.01),
        slots=2,
    ),
    Row(
        "yogi",
        optimizers.Yogi,
        oracles.yogi,
        {**BETAS, "initial_accumulator_value": 0.02},
        optax=lambda a, lr: _optax().chain(
            _optax().scale_by_yogi(0.7, 0.95, 0.05, initial_accumulator_value=0.02),
            _optax().scale_by_learning_rate(lr),
        ),
        slots=2,
    ),
    Row(
        "novograd",
        optimizers.NovoGrad,
        oracles.novograd,
        {**BETAS, "weight_decay": 0.3},
        optax=lambda a, lr: _optax().novograd(lr, 0.7, 0.95, 0.05, weight_decay=0.3),
        decay=0,
        slots=1,
    ),
    Row(
        "adan",
        optimizers.Adan,
        oracles.adan,
        {"beta_1": 0.7, "beta_2": 0.6, "beta_3": 0.95, "epsilon": 0.05, "weight_decay": 0.3},
        decay=0,
        slots=4,
    ),
    Row(
        "ademamix",
        optimizers.AdEMAMix,
        oracles.ademamix,
        {**BETAS, "beta_3": 0.98, "alpha": 3.0},
        optax=lambda a, lr: _optax().contrib.ademamix(lr, 0.7, 0.95, 0.98, alpha=3.0, eps=0.05),
        slots=3,
    ),
    Row(
        "ademamix-warm-up",
        optimizers.AdEMAMix,
        oracles.ademamix,
        {**BETAS, "beta_3": 0.98, "alpha": 3.0, "warmup_steps": 40},
        slots=3,
    ),
    Row(
        "adopt",
        optimizers.ADOPT,
        oracles.adopt,
        BETAS,
        optax=lambda a, lr: _optax().contrib.adopt(lr, 0.7, 0.95, 0.05),
        slots=2,
    ),
    Row(
        "madgrad",
        optimizers.MADGRAD,
        oracles.madgrad,
        {"momentum": 0.7, "epsilon": 0.05},
        optax=lambda a, lr: _optax().contrib.madgrad(lr, 0.7, eps=1e-12),
        peer={"epsilon": 1e-12},
        slots=3,
    ),
    Row(
        "rprop",
        optimizers.Rprop,
        oracles.rprop,
        {"eta_minus": 0.6, "eta_plus": 1.3, "minimum_step": 0.004, "maximum_step": 0.05},
        slots=2,
    ),
    Row(
        "ftrl",
        optimizers.FTRL,
        oracles.ftrl,
        REGULARIZED,
        rate=0.3,
        slots=2,
    ),
    Row(
        "ftrl-power-shrinkage",
        optimizers.FTRL,
        oracles.ftrl,
        {**REGULARIZED, "learning_rate_power": -0.7, "l2_shrinkage_regularization_strength": 0.3},
        rate=0.3,
        slots=2,
    ),
    Row(
        "adafactor",
        optimizers.Adafactor,
        oracles.adafactor,
        {"epsilon_1": 0.01, "epsilon_2": 0.4, "clip_threshold": 0.8, "beta_2_decay": -0.7},
        rate=0.2,
        slots=1,
    ),
    Row(
        "muon",
        optimizers.Muon,
        oracles.muon,
        {**ADAM_BETAS, "momentum": 0.7, "adam_lr_ratio": 0.3},
        slots=2,
        rounding=1e-2,
    ),
    Row(
        "muon-rms",
        optimizers.Muon,
        oracles.muon,
        {
            **ADAM_BETAS,
            "momentum": 0.7,
            "nesterov": False,
            "ns_steps": 3,
            "muon_a": 3.0,
            "muon_b": -4.0,
            "muon_c": 1.8,
            "rms_rate": 0.4,
        },
        slots=2,
        rounding=1e-2,
    ),
    Row(
        "prodigy",
        optimizers.Prodigy,
        oracles.Prodigy,
        {**BETAS, "initial_distance": 1e-3},
        joint=True,
        rate=1.0,
        decay=0,
        slots=4,
    ),
    Row(
        "adabound",
        optimizers.AdaBound,
        adam_kin_oracles.adabound,
        {**BETAS, "final_ratio": 3.0, "gamma": 0.05},
        slots=2,
    ),
    Row(
        "adabound-amsbound",
        optimizers.AdaBound,
        adam_kin_oracles.adabound,
        {**BETAS, "final_ratio": 3.0, "gamma": 0.05, "amsbound": True},
        slots=3,
    ),
    Row(
        "adamp",
        optimizers.AdamP,
        adam_kin_oracles.adamp,
        {**BETAS, "delta": 1.2, "decay_ratio": 0.4, "weight_decay": 0.3},
        peer={"epsilon": 1e-12},
        decay=0,
        slots=2,
    ),
    Row(
        "sgdp",
        optimizers.SGDP,
        descent_oracles.sgdp,
        {"momentum": 0.8, "delta": 1.2, "decay_ratio": 0.4, "weight_decay": 0.3},
        decay=0,
        slots=1,
    ),
    Row(
        "sgdp-nesterov",
        optimizers.SGDP,
        descent_oracles.sgdp,
        {"momentum": 0.8, "nesterov": True, "delta": 1.2, "decay_ratio": 0.4},
        decay=0,
        slots=1,
    ),
    Row(
        "qhm",
        optimizers.QHM,
        descent_oracles.qhm,
        {"momentum": 0.8, "nu": 0.6},
        slots=1,
    ),
    Row(
        "qhadam",
        optimizers.QHAdam,
        adam_kin_oracles.qhadam,
        {**BETAS, "nu_1": 0.6, "nu_2": 0.8},
        slots=2,
    ),
    Row(
        "laprop",
        optimizers.LaProp,
        adam_kin_oracles.laprop,
        BETAS,
        peer={"epsilon": 1e-12},
        slots=2,
    ),
    Row(
        "mars",
        optimizers.MARS,
        adam_kin_oracles.mars,
        {**BETAS, "gamma": 0.3},
        peer={"epsilon": 1e-12},
        slots=3,
    ),
    Row(
        "came",
        optimizers.CAME,
        adam_kin_oracles.came,
        {"beta_1": 0.7, "beta_2": 0.9, "beta_3": 0.97, "epsilon_1": 0.01, "epsilon_2": 0.1, "clip_threshold": 0.8},
        slots=2.4,
    ),
    Row(
        "sm3",
        optimizers.SM3,
        descent_oracles.sm3,
        {"momentum": 0.0},
        slots=0.35,
    ),
    Row(
        "sm3-momentum",
        optimizers.SM3,
        descent_oracles.sm3,
        {"momentum": 0.7},
        slots=1.35,
    ),
    Row(
        "asgd",
        optimizers.ASGD,
        descent_oracles.asgd,
        {"lambd": 0.3, "alpha": 0.6, "t0": 20.0},
        rate=0.1,
        slots=1,
    ),
    Row(
        "fromage",
        optimizers.Fromage,
        descent_oracles.fromage,
        optax=lambda a, lr: _optax().fromage(lr),
        rate=0.1,
    ),
    Row(
        "aggmo",
        optimizers.AggMo,
        descent_oracles.aggmo,
        {"betas": [0.0, 0.6, 0.9]},
        slots=2,
    ),
    Row(
        "dadapt-adam",
        optimizers.DAdaptAdam,
        parameter_free_oracles.dadapt_adam,
        {**BETAS, "initial_distance": 1e-3, "weight_decay": 0.3},
        joint=True,
        rate=1.0,
        decay=0,
        peer={"weight_decay": 0.0, "from_before": True},
        slots=3,
    ),
    Row(
        "dadapt-sgd",
        optimizers.DAdaptSGD,
        parameter_free_oracles.dadapt_sgd,
        {"momentum": 0.7, "initial_distance": 1e-2, "weight_decay": 0.3},
        joint=True,
        rate=1.0,
        decay=0,
        peer={"weight_decay": 0.0},
        slots=2,
    ),
    Row(
        "dog",
        optimizers.DoG,
        parameter_free_oracles.dog,
        {"initial_distance": 0.02, "epsilon": 0.5, "weight_decay": 0.3},
        optax=lambda a, lr: _optax().contrib.dog(lr, ("heuristic", 0.02), eps=0.5),
        peer={"weight_decay": 0.0},
        joint=True,
        rate=1.0,
        decay=0,
        slots=1,
    ),
    Row(
        "cocob",
        optimizers.COCOB,
        parameter_free_oracles.cocob,
        {"alpha": 10.0, "epsilon": 0.05, "weight_decay": 0.3},
        optax=lambda a, lr: _optax().contrib.cocob(lr, alpha=10.0, eps=0.05, weight_decay=0.3),
        rate=1.0,
        decay=0,
        slots=5,
    ),
    Row(
        "shampoo",
        optimizers.Shampoo,
        matrix_oracles.shampoo,
        {"epsilon": 0.3, "momentum": 0.6, "update_period": 4},
        peer={"momentum": 0.0, "update_period": 1},
        slots=4.4,
        rounding=1e-2,
    ),
    Row(
        "shampoo-diagonal",
        optimizers.Shampoo,
        matrix_oracles.shampoo,
        {"epsilon": 0.3, "update_period": 1, "max_size": 3},
        slots=1.2,
        rounding=1e-2,
    ),
    Row(
        "soap",
        optimizers.SOAP,
        matrix_oracles.soap,
        {**BETAS, "precondition_frequency": 4},
        peer={"epsilon": 1e-12},
        rate=0.005,
        slots=4.4,
        rounding=1e-2,
    ),
    Row(
        "soap-one-sided",
        optimizers.SOAP,
        matrix_oracles.soap,
        {**BETAS, "precondition_frequency": 3, "max_size": 4},
        rate=0.005,
        slots=3.7,
        rounding=1e-2,
    ),
    Row(
        "sophia",
        optimizers.Sophia,
        matrix_oracles.sophia,
        {"beta_1": 0.7, "beta_2": 0.6, "gamma": 0.4, "rho": 0.7, "epsilon": 0.05, "update_period": 3},
        {"empirical_fisher": True},
        peer={"gamma": 1.0, "update_period": 1},
        slots=2,
    ),
    Row(
        "schedule-free-sgd",
        optimizers.ScheduleFreeSGD,
        averaging_oracles.schedule_free_sgd,
        {"beta_1": 0.7, "weight_decay": 0.3},
        optax=lambda a, lr: _optax().contrib.schedule_free(
            _optax().chain(_optax().add_decayed_weights(0.3), _optax().sgd(lr)), lr, b1=0.7
        ),
        decay=0,
        slots=2,
    ),
    Row(
        "schedule-free-adamw",
        optimizers.ScheduleFreeAdamW,
        averaging_oracles.schedule_free_adamw,
        {**BETAS, "weight_decay": 0.3},
        optax=lambda a, lr: _optax().contrib.schedule_free(
            _optax().adamw(lr, 0, 0.95, 0.05, weight_decay=0.3), lr, 0.7
        ),
        decay=0,
        slots=3,
    ),
    Row(
        "schedule-free-sgd-warm-up",
        optimizers.ScheduleFreeSGD,
        averaging_oracles.schedule_free_sgd,
        {"beta_1": 0.7, "weight_decay": 0.3, "warmup_steps": 9},
        decay=0,
        slots=2,
    ),
    Row(
        "swa-sgd",
        optimizers.SGD,
        oracles.sgd,  # the mean trains nothing; test_evaluation.py holds it to its own oracle
        {"momentum": 0.8},
        wrap=lambda inner: optimizers.SWA(inner, start=5, period=3),
        slots=2,
    ),
    Row(
        "skip-non-finite-adam",
        optimizers.Adam,
        oracles.adam,
        BETAS,
        wrap=optimizers.SkipNonFinite,
        slots=2,
    ),
    Row(
        "lazy-sparse-adam",
        optimizers.Adam,
        lambda **a: averaging_oracles.lazy(oracles.adam, **a),
        BETAS,
        wrap=lambda inner: optimizers.LazySparse(inner, match="w[1-4]|kernel"),
        slots=2,
        decay=0,  # decay of the kept rows is the wrapper's: test_lazy_and_skip.py
    ),
    Row(
        "lookahead-adam",
        optimizers.Adam,
        lambda **a: oracles.lookahead(oracles.adam(**a), sync_period=4, slow_step_size=0.3),
        BETAS,
        wrap=lambda inner: optimizers.Lookahead(inner, sync_period=4, slow_step_size=0.3),
        slots=3,
    ),
    Row(
        "lookahead-cautious-nadam",
        optimizers.NAdam,
        lambda **a: oracles.lookahead(oracles.cautious(oracles.nadam(**a)), sync_period=3, slow_step_size=0.6),
        {**BETAS, "psi": 0.1},
        wrap=lambda inner: optimizers.Lookahead(optimizers.Cautious(inner), sync_period=3, slow_step_size=0.6),
        slots=3,
        rounding=1e-2,  # an update near 0 may fall on the other side of the mask
    ),
    Row(
        "centralization-sgd",
        optimizers.SGD,
        lambda **a: oracles.centralization(oracles.sgd(**a)),
        {"momentum": 0.8},
        wrap=optimizers.GradientCentralization,
        slots=1,
    ),
    Row(
        "adaptive-clipping-sgd",
        optimizers.SGD,
        lambda **a: oracles.adaptive_clipping(oracles.sgd(**a), clipping=0.4, epsilon=3.3),
        {"momentum": 0.8},
        wrap=lambda inner: optimizers.AdaptiveGradientClipping(inner, clipping=0.4, epsilon=3.3),
        slots=1,
    ),
)
