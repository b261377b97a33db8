"""Tokens per second of decoding, and the training step: ours, KerasHub's and Hugging Face's, side by side in one run.

    python benchmarks/decoding.py [--training] [--rounds N] [--seconds S] [--quick]

One encoder-decoder of 9.4 M parameters everywhere: 4 + 4 layers of width 256, a vocabulary of 8,000. It reads 20 tokens
and writes 32, which all are made to do: no END is likely, or none is given. Ours and Hugging Face's MarianMTModel have
the same weights, and the tokens they write are compared; KerasHub's BartSeq2SeqLM has the same shapes and numbers of
its own. Each library lives in a process of its own with all cores and is asked in turn, in a new random order each
round.

Printed are tokens per second as medians over the rounds, and the medians of the rounds' ratios: above 1, ours is
faster. "Steady" is a call of a shape that has come before; ours is then on the compiled road (`zoo.decoding.Decoder`).
"First" is the first call of each kind, made in the order of the table, on the road that a new shape takes. A library
that is not installed is left out. `--training` measures the training step alone; a run over everything writes
benchmarks/results/decoding.json and .md.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import importlib.util
import json
import os
import random
import statistics
import time
from pathlib import Path

import side_by_side

RESULTS = Path(__file__).parent / "results"
THREADS = os.cpu_count() or 1
SIZES = {"vocabulary": 8000, "width": 256, "layers": 4, "heads": 8, "hidden": 1024}
QUICK_SIZES = {"vocabulary": 50, "width": 16, "layers": 1, "heads": 2, "hidden": 32}
READ, WRITTEN = 20, 32  # tokens
BATCH, TARGET = 64, 20  # of a training step: rows, and target tokens
# (beam, rows): how many times as fast ours must be as KerasHub as it comes and as Hugging Face.
CASES = {(1, 1): 4.0, (1, 32): 2.0, (4, 1): 3.0, (4, 32): 1.7}
TRAINING_MUST = {"Hugging Face": 1.5, "KerasHub": 1.0}
PEERS = {"KerasHub": "keras_hub", "Hugging Face": "transformers"}
KINDS = {"ours": ["ours"], "KerasHub": ["KerasHub", "KerasHub jitted"], "Hugging Face": ["Hugging Face"]}


# ---- the children: one library each ------------------------------------------------------------------------------


def weights(sizes: dict) -> dict:
    """Arrays under the paths of our variables: so large that the output is not one token again and again.

    The rows of the first four tokens are 0, and so are their logits: others are always likelier, and nothing ends.
    """
    import numpy as np

    rng = np.random.default_rng(0)
    width, hidden = sizes["width"], sizes["hidden"]
    made = {"embedding/embeddings": rng.normal(0, width**-0.5, (sizes["vocabulary"], width))}
    made["embedding/embeddings"][:4] = 0
    for stack in ("encoder", "decoder"):
        for layer in range(1, sizes["layers"] + 1):
            dense = {"hidden": (width, hidden), "out": (hidden, width)}
            dense |= {"self_attention/qkv": (width, 3 * width), "self_attention/out": (width, width)}
            norms = ["self_norm", "out_norm"]
            if stack == "decoder":
                dense |= {f"cross_attention/{part}": (width, width) for part in ("q", "out")}
                dense |= {"cross_attention/kv": (width, 2 * width)}
                norms.append("cross_norm")
            for name, shape in dense.items():
                made[f"{stack}{layer}/{name}/kernel"] = rng.normal(0, 3 * shape[0] ** -0.5, shape)
                made[f"{stack}{layer}/{name}/bias"] = rng.normal(0, 0.1, shape[1:])
            for name in norms:
                made[f"{stack}{layer}/{name}/gamma"] = rng.uniform(0.5, 1.5, width)
                made[f"{stack}{layer}/{name}/beta"] = rng.normal(0, 0.1, width)
    return {name: array.astype("float32") for name, array in made.items()}


def examples(sizes: dict, rows: int, length: int, seed: int = 0):
    """Random tokens, int32 [rows, length]."""
    import numpy as np

    return np.random.default_rng(seed).integers(4, sizes["vocabulary"], (rows, length)).astype("int32")


class Library:
    """Base of the libraries in child processes: `cases` maps (who, beam, rows) to a call -> tokens [rows, 32]."""

    def __init__(self, sizes: dict):
        self.sizes, self.cases = sizes, {}

    def prepare(self, who: str, beam: int, rows: int) -> dict:
        """Makes a case and times its first call."""
        call = self.cases[who, beam, rows] = self.case(who, beam, rows)
        started = time.perf_counter()
        call()
        return {"first": time.perf_counter() - started}

    def run(self, who: str, beam: int, rows: int, calls: int) -> float:
        return side_by_side.median_seconds(self.cases[who, beam, rows], calls)

    def tokens(self, who: str, beam: int, rows: int) -> list:
        return self.cases[who, beam, rows]().tolist()

    def train(self, steps: int) -> float:
        """Seconds of a training step; the first call makes it."""
        if "train" not in self.cases:
            self.cases["train"] = self.training()
            self.cases["train"](2)
        started = time.perf_counter()
        self.cases["train"](steps)
        return (time.perf_counter() - started) / steps


class Ours(Library):
    """This repository's Transformer and Decoder."""

    def __init__(self, sizes: dict):
        import zoo.decoding
        from zoo.transformers.transformer import transformer

        super().__init__(sizes)
        self.decoding = zoo.decoding
        self.model = transformer(**sizes, norm="post", activation="silu", dropout=0.1)
        made = weights(sizes)
        for variable in self.model.weights:
            variable.assign(made[variable.path])
        self.plain = zoo.decoding.Decoder(self.model, jit=False)  # the road of a Decoder's first calls
        self.fast = zoo.decoding.Decoder(self.model, jit=True)

    def prepare(self, who: str, beam: int, rows: int) -> dict:
        source, options = examples(self.sizes, rows, READ), self.decoding.Search(beam=beam, max_length=WRITTEN)
        started = time.perf_counter()
        self.plain(source, options)
        first = time.perf_counter() - started
        compiled = super().prepare(who, beam, rows)["first"]
        assert self.fast.refused is None, self.fast.refused
        return {"first": first, "compiling": compiled}

    def case(self, who: str, beam: int, rows: int):
        source, options = examples(self.sizes, rows, READ), self.decoding.Search(beam=beam, max_length=WRITTEN)
        return lambda: self.fast(source, options)["tokens"][:, 0]

    def training(self):
        import optimizers

        source, target = (examples(self.sizes, BATCH, length, seed) for seed, length in ((1, READ), (2, TARGET)))
        return fit(self.model, optimizers.Adam(1e-4), {"source": source, "target": target}, target)


def fit(model, optimizer, x: dict, y):
    """Keras's own `fit` over so many steps of one batch."""
    import keras
    import tensorflow as tf

    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    data = tf.data.Dataset.from_tensors((x, y)).cache().repeat()
    return lambda steps: model.fit(data, steps_per_epoch=steps, verbose=0)


class KerasHub(Library):
    """KerasHub's `generate`, as it comes (which on a CPU is a graph without XLA) and jitted."""

    def __init__(self, sizes: dict):
        import keras_hub

        super().__init__(sizes)
        self.hub = keras_hub
        self.backbone = keras_hub.models.BartBackbone(
            vocabulary_size=sizes["vocabulary"],
            num_layers=sizes["layers"],
            num_heads=sizes["heads"],
            hidden_dim=sizes["width"],
            intermediate_dim=sizes["hidden"],
            max_sequence_length=64,
            dropout=0.1,
        )

    def inputs(self, source, target, begun: int) -> dict:
        import numpy as np

        return {
            "encoder_token_ids": source,
            "encoder_padding_mask": np.ones(source.shape, bool),
            "decoder_token_ids": target,
            "decoder_padding_mask": np.tile(np.arange(target.shape[1]) < begun, (len(target), 1)),
        }

    def case(self, who: str, beam: int, rows: int):
        import numpy as np

        model = self.hub.models.BartSeq2SeqLM(self.backbone, preprocessor=None)
        sampler = self.hub.samplers.BeamSampler(num_beams=beam) if beam > 1 else self.hub.samplers.GreedySampler()
        model.compile(sampler=sampler, **({"jit_compile": True} if who == "KerasHub jitted" else {}))
        target = np.zeros((rows, 1 + WRITTEN), "int32")
        target[:, 0] = 2
        inputs = self.inputs(examples(self.sizes, rows, READ), target, 1)
        return lambda: model.generate(inputs, stop_token_ids=None)["decoder_token_ids"][:, 1:]

    def training(self):
        import keras

        source, target = (examples(self.sizes, BATCH, length, seed) for seed, length in ((1, READ), (2, TARGET)))
        model = self.hub.models.BartSeq2SeqLM(self.backbone, preprocessor=None)
        return fit(model, keras.optimizers.Adam(1e-4), self.inputs(source, target, TARGET), target)


class HuggingFace(Library):
    """Hugging Face's MarianMTModel on torch, eager."""

    def __init__(self, sizes: dict):
        import torch
        import transformers

        torch.set_num_threads(THREADS)
        super().__init__(sizes)
        self.torch = torch
        stacks = ("encoder", "decoder")
        config = transformers.MarianConfig(
            vocab_size=sizes["vocabulary"],
            d_model=sizes["width"],
            **{f"{stack}_layers": sizes["layers"] for stack in stacks},
            **{f"{stack}_attention_heads": sizes["heads"] for stack in stacks},
            **{f"{stack}_ffn_dim": sizes["hidden"] for stack in stacks},
            activation_function="swish",
            scale_embedding=True,
            max_position_embeddings=64,
            dropout=0.1,
            pad_token_id=0,
            decoder_start_token_id=2,
            eos_token_id=3,
            forced_eos_token_id=None,
        )
        self.model = transformers.MarianMTModel(config).eval()
        missing, unknown = self.model.load_state_dict(self.ported(weights(sizes)), strict=False)
        assert not unknown and all(
            "embed" in name or name in ("lm_head.weight", "final_logits_bias") for name in missing
        )

    def ported(self, ours: dict) -> dict:
        """Our arrays under Marian's names: apart where ours are fused, kernels transposed."""
        import numpy as np

        parts = {"hidden": "fc1", "out": "fc2", "self_norm": "self_attn_layer_norm", "out_norm": "final_layer_norm"}
        parts |= {"cross_norm": "encoder_attn_layer_norm", "self_attention": "self_attn"}
        parts |= {"cross_attention": "encoder_attn"}
        ends = {"kernel": "weight", "bias": "bias", "gamma": "weight", "beta": "bias"}
        theirs = {"model.shared.weight": ours["embedding/embeddings"].T}
        for path, array in ours.items():
            block, *names, end = path.split("/")
            if block == "embedding":
                continue
            stem = f"model.{block[:7]}.layers.{int(block[7:]) - 1}.{parts[names[0]]}"
            if len(names) == 1:
                theirs[f"{stem}.{ends[end]}"] = array
            elif names[1] == "out":
                theirs[f"{stem}.out_proj.{ends[end]}"] = array
            else:
                for letter, part in zip(names[1], np.split(array, len(names[1]), -1), strict=True):
                    theirs[f"{stem}.{letter}_proj.{ends[end]}"] = part
        return {name: self.torch.tensor(np.ascontiguousarray(array.T)) for name, array in theirs.items()}

    def case(self, who: str, beam: int, rows: int):
        source = self.torch.tensor(examples(self.sizes, rows, READ)).long()
        mask = self.torch.ones_like(source)
        options = {"num_beams": beam, "do_sample": False, "max_new_tokens": WRITTEN}
        return lambda: self.model.generate(source, attention_mask=mask, **options)[:, 1:].numpy()

    def training(self):
        source, target = (
            self.torch.tensor(examples(self.sizes, BATCH, length, seed)).long()
            for seed, length in ((1, READ), (2, TARGET))
        )
        mask = self.torch.ones_like(source)
        optimizer = self.torch.optim.Adam(self.model.parameters(), 1e-4, fused=True)

        def run(steps: int) -> None:
            self.model.train()
            for _ in range(steps):
                logits = self.model(source, attention_mask=mask, decoder_input_ids=target).logits
                loss = self.torch.nn.functional.cross_entropy(logits.flatten(0, 1), target.flatten())
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            loss.item()

        return run


# ---- the parent: rounds and tables -------------------------------------------------------------------------------


def measure(children: dict, beam: int, rows: int, rounds: int, limit: float) -> dict:
    """One case: tokens per second for each contender, ours over each, and the first calls."""
    contenders = [(name, who) for name in children for who in KINDS[name]]
    about = {}
    for name, who in random.sample(contenders, len(contenders)):
        about[who] = children[name].ask("prepare", who, beam, rows)
    pilot = {who: children[name].ask("run", who, beam, rows, 1) for name, who in contenders}
    calls = {who: max(1, min(10, round(0.2 / taken))) for who, taken in pilot.items()}
    whole = sum((calls[who] + 1) * taken for who, taken in pilot.items())
    times = {who: [] for _, who in contenders}
    for _ in range(max(3, min(rounds, int(limit / whole)))):
        for name, who in random.sample(contenders, len(contenders)):
            times[who].append(children[name].ask("run", who, beam, rows, calls[who]))
    tokens = {
        name: children[name].ask("tokens", name, beam, rows) for name in ("ours", "Hugging Face") if name in children
    }
    result = {
        "beam": beam,
        "rows": rows,
        "rounds": len(times["ours"]),
        "tokens_per_second": {who: round(rows * WRITTEN / statistics.median(taken)) for who, taken in times.items()},
        "ours_over": ratios(times),
        "must": CASES[beam, rows],
        "first_seconds": {who: round(found["first"], 3) for who, found in about.items()},
        "compiling_seconds": round(about["ours"]["compiling"], 3),
        "different_tokens": len({token for row in tokens["ours"] for token in row}),
    }
    if "Hugging Face" in tokens:
        same = [one == other for one, other in zip(tokens["ours"], tokens["Hugging Face"], strict=True)]
        result["rows_as_hugging_face_writes_them"] = sum(same)
    return result


def measure_training(children: dict, rounds: int, limit: float) -> dict:
    """Seconds of a training step for each library, and ours over each."""
    pilot = {name: min(child.ask("train", 1), child.ask("train", 1)) for name, child in children.items()}
    times = {name: [] for name in children}
    steps = max(1, min(10, round(0.5 / min(pilot.values()))))
    for _ in range(max(3, min(rounds, int(limit / (steps * sum(pilot.values())))))):
        for name in random.sample(list(children), len(children)):
            times[name].append(children[name].ask("train", steps))
    return {
        "rows": BATCH,
        "rounds": len(times["ours"]),
        "milliseconds": {name: round(1e3 * statistics.median(taken), 1) for name, taken in times.items()},
        "ours_over": ratios(times),
    }


def ratios(times: dict) -> dict:
    """Peer -> the median of the rounds' ratios, how many times as fast ours is."""
    return {
        who: round(statistics.median(theirs / ours for theirs, ours in zip(taken, times["ours"], strict=True)), 2)
        for who, taken in times.items()
        if who != "ours"
    }


def table(result: dict) -> str:
    """The result as a page of Markdown."""
    parts = [
        "# Decoding, and a training step",
        f"{result['date']}, {result['processor']}, {result['threads']} threads; "
        + ", ".join(f"{name} {version}" for name, version in result["versions"].items())
        + f". {SIZES['layers']} + {SIZES['layers']} layers of width {SIZES['width']}, vocabulary "
        f"{SIZES['vocabulary']:,}; {READ} tokens read, {WRITTEN} written. Made by `python benchmarks/decoding.py`; "
        'medians of interleaved rounds. Times: how many times as fast ours is; "(under)" marks what is below the last '
        "column, which counts for KerasHub as it comes and for Hugging Face.",
    ]
    whos = [who for kinds in KINDS.values() for who in kinds]
    if result["decoding"]:
        whos = [who for who in whos if who in result["decoding"][0]["tokens_per_second"]]
        peers = whos[1:]
        lines = [f"| tokens per second | {' | '.join(whos)} | {' | '.join(f'times {who}' for who in peers)} | must |"]
        lines.append("|---" * (len(whos) + len(peers) + 2) + "|")
        for row in result["decoding"]:
            speeds = " | ".join(f"{row['tokens_per_second'][who]:,}" for who in whos)
            must = {who: 0 if who == "KerasHub jitted" else row["must"] for who in peers}
            times = " | ".join(_marked(row["ours_over"][who], must[who]) for who in peers)
            lines.append(f"| {_case(row)} | {speeds} | {times} | {row['must']} |")
        parts += ["## Steady", "\n".join(lines)]
        lines = [f"| seconds | {' | '.join(whos)} | ours, compiling a bucket |", "|---" * (len(whos) + 2) + "|"]
        for row in result["decoding"]:
            first = row["first_seconds"]
            cells = [f"{first[who]:.2f}" for who in whos]
            if "KerasHub" in first and first["ours"] > first["KerasHub"]:
                cells[0] += " (over)"
            lines.append(f"| {_case(row)} | {' | '.join(cells)} | {row['compiling_seconds']:.2f} |")
        parts += ["## First call", "\n".join(lines)]
        if "rows_as_hugging_face_writes_them" in result["decoding"][0]:
            same = ", ".join(
                f"{row['rows_as_hugging_face_writes_them']} of {row['rows']} ({_case(row)})"
                for row in result["decoding"]
            )
            parts.append(f"Rows written token for token as Hugging Face writes them: {same}.")
    training = result["training"]
    names = list(training["milliseconds"])
    lines = [f"| milliseconds | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    lines.append(f"| a step | {' | '.join(str(training['milliseconds'][name]) for name in names)} |")
    over = {"ours": "", **{who: _marked(x, TRAINING_MUST[who]) for who, x in training["ours_over"].items()}}
    lines.append(f"| times as fast | {' | '.join(over[name] for name in names)} |")
    heading = f"## A training step: {BATCH} rows, {READ} tokens to {TARGET}, Adam, dropout 0.1"
    parts += [heading, "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def _case(row: dict) -> str:
    return ("greedy" if row["beam"] == 1 else f"beam {row['beam']}") + f", batch {row['rows']}"


def _marked(times: float, least: float) -> str:
    return f"{times:.2f}{'' if times >= least else ' (under)'}"


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--training", action="store_true", help="the training step alone")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=25, help="about the most for the rounds of one case")
    parser.add_argument("--quick", action="store_true", help="a tiny model and three rounds")
    parser.add_argument("--child", choices=list(KINDS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        library = {"ours": Ours, "KerasHub": KerasHub, "Hugging Face": HuggingFace}[arguments.child]
        return side_by_side.serve(lambda: library(QUICK_SIZES if arguments.quick else SIZES))
    with contextlib.ExitStack() as stack:
        result = benchmark(arguments, stack)
    page = table(result)
    print("\n" + page)
    if not arguments.training and not arguments.quick:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "decoding.json").write_text(json.dumps(result, indent=1) + "\n")
        (RESULTS / "decoding.md").write_text(page)


def benchmark(arguments: argparse.Namespace, stack: contextlib.ExitStack) -> dict:
    """All rows; children live as long as `stack`."""
    names, packages = ["ours"], ["keras", "tensorflow"]
    for name, module in PEERS.items():
        needed = [module] if name == "KerasHub" else [module, "torch"]
        if missing := [each for each in needed if not importlib.util.find_spec(each)]:
            print(f"{missing[0]} is not installed: {name} is left out")
            continue
        names.append(name)
        packages += [each.replace("_", "-") for each in needed]
    children = {}
    for name in names:
        flags = ["--child", name] + (["--quick"] if arguments.quick else [])
        children[name] = child = side_by_side.Child(__file__, flags, THREADS)
        stack.callback(child.close)
    rounds = 3 if arguments.quick else arguments.rounds
    decoding = []
    for beam, rows in [] if arguments.training else CASES:
        decoding.append(row := measure(children, beam, rows, rounds, arguments.seconds))
        found = ", ".join(f"{ratio:.2f} times {name}" for name, ratio in row["ours_over"].items())
        print(f"{_case(row)}: {row['tokens_per_second']['ours']:,} tokens/s, {found}", flush=True)
    return {
        "date": str(datetime.date.today()),
        "processor": side_by_side.processor(),
        "threads": THREADS,
        "versions": side_by_side.versions(packages),
        "decoding": decoding,
        "training": measure_training(children, rounds, arguments.seconds),
    }


if __name__ == "__main__":
    main()
