#!/usr/bin/env python3
"""Trains the pseudo-reference: a small network that hears what the clean speech would have been.

    reference.py --set DIR --out FILE.safetensors [--steps N] [--seed S]

DIR is a set made by mixtures.py, with the band levels that `lab levels` wrote. The network sees the
levels of the noisy recording (dB, relative to its power, in 32 mel bands every 16 ms), a window of about
two seconds to both sides, and says for each band of each frame where the level of the clean speech lies
(Laplace: median and scale), and for each frame whether there is speech. It is a stack of dilated
depthwise convolutions with pointwise ones between them. Levels are in units of 10 dB.
"""

import argparse
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

import network
from data import load_levels


def loss(weights, x, target, speech):
    median, scale, voice = jax.vmap(lambda x: network.reference(weights, x))(x)
    laplace = jnp.abs(target - median) / scale + jnp.log(scale)
    entropy = optax.sigmoid_binary_cross_entropy(voice, speech)
    return laplace.mean() + 0.3 * entropy.mean(), (jnp.abs(target - median).mean(), entropy.mean())


CURVES = np.cos(np.pi * np.outer(np.arange(1, 6), (np.arange(network.BANDS) + 0.5) / network.BANDS)).astype(np.float32)


def batches(rng, items, size, frames):
    while True:
        chosen = rng.integers(len(items), size=size)
        rows = []
        for index in chosen:
            x, target, speech = items[index]
            start = rng.integers(len(x) - frames + 1)
            x, target, speech = (part[start : start + frames] for part in (x, target, speech))
            # Another voice: the same gentle filter on both sides.
            filtered = 0.2 * rng.standard_normal(5).astype(np.float32) @ CURVES
            rows.append((x + filtered, target + filtered, speech))
        yield [np.stack(column) for column in zip(*rows)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", type=Path, required=True, dest="folder")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--frames", type=int, default=256)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--held", type=int, default=100, help="recordings held out to watch the loss on")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)

    items = load_levels(options.folder)
    held, items = items[: options.held], items[options.held :]
    weights = network.reference_init(np.random.default_rng(options.seed))
    schedule = optax.warmup_cosine_decay_schedule(0, 2e-3, 300, options.steps, 1e-5)
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule, weight_decay=1e-3))
    state = optimiser.init(weights)

    @jax.jit
    def step(weights, average, state, x, target, speech):
        (value, parts), gradient = jax.value_and_grad(loss, has_aux=True)(weights, x, target, speech)
        updates, state = optimiser.update(gradient, state, weights)
        weights = optax.apply_updates(weights, updates)
        return weights, optax.incremental_update(weights, average, 0.004), state, value

    watched = jax.jit(loss)
    average = weights
    stream = batches(rng, items, options.batch, options.frames)
    watch = [np.stack(column) for column in zip(*[[part[: options.frames] for part in item] for item in held])]
    mean = 0.0
    for number in range(1, options.steps + 1):
        weights, average, state, value = step(weights, average, state, *next(stream))
        mean += float(value)
        if number % 250 == 0 or number == options.steps:
            value, (error, entropy) = watched(average, *watch)
            print(
                f"pseudo-reference: step {number} of {options.steps}, loss {mean / 250:.4f}, held out {value:.4f}, "
                f"error {10 * error:.2f} dB, speech {entropy:.3f}",
                file=sys.stderr,
                flush=True,
            )
            mean = 0.0
    about = {"version": 1, "seed": options.seed, "steps": options.steps, "recordings": len(items), "held_out": float(value)}
    network.save_reference(average, options.out, about)


if __name__ == "__main__":
    main()
