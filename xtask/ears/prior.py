#!/usr/bin/env python3
"""Fits what the tuner's openings are worth where this is heard, before they are, and checks it on voices left out.

    prior.py --set DIR [--set DIR...] --out FOLDER [--seed S]

Each DIR holds what mixtures.py, `labels.py --openings` and `lab openings` wrote. A small network sees what the score
hears of the factory default on a few seconds of a recording, and says of each opening the gain over the factory
default on the whole recording and its sigma. Writes FOLDER/prior.safetensors.
"""

import argparse
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from safetensors.numpy import save_file

import network
from truth import NOTICEABLE, load, voices

IMPRESSION = 164
HIDDEN = (128, 64)
MEMBERS = 3  # networks that are asked
BATCH = 256
LARGEST = 1.5  # gains are limited to so much, PESQ points
FINEST = 0.05  # no gain is expected with less doubt, PESQ points


def read(folder):
    """Recordings, what is heard [recording, part heard, number], gains over the default [recording, opening]."""
    items, truth = load(folder, "openings", "openings")
    heard = [np.fromfile(folder / "openings" / f"{item['id']}.heard", "<f4") for item in items]
    gains = np.clip(truth[:, 1:] - truth[:, :1], -LARGEST, LARGEST)
    return items, np.array(heard).reshape(len(items), -1, IMPRESSION), gains.astype(np.float32)


def expect(weights, z, masks=()):
    """Means and sigmas [..., opening]."""
    means, logs = jnp.split(network.perceptron(weights, z, masks), 2, axis=-1)
    return means, FINEST + jnp.exp(jnp.minimum(logs, 2.0))


def agree(members, z):
    """What the members say, on average."""
    return np.mean([expect(weights, z) for weights in members], axis=0)


def loss(weights, z, gains, key):
    """Likelihood of a normal distribution, weighted by sigma so that large errors count as well (Seitzer et al. 2022,
    beta 0.5)."""
    keys = jax.random.split(key, 2 + len(HIDDEN))
    z = z + 0.1 * jax.random.normal(keys[0], z.shape)
    z = z * jax.random.bernoulli(keys[1], 0.9, z.shape) / 0.9
    drop = lambda key, width: jax.random.bernoulli(key, 0.85, (len(z), width)) / 0.85  # noqa: E731
    means, sigmas = expect(weights, z, [drop(key, width) for key, width in zip(keys[2:], HIDDEN)])
    surprise = 0.5 * ((gains - means) / sigmas) ** 2 + jnp.log(sigmas)
    return (jax.lax.stop_gradient(sigmas) * surprise).mean()


def train_all(z, gains, seed):
    return [train(z, gains, seed + member) for member in range(MEMBERS)]


def train(z, gains, seed, epochs=40):
    """The network; each part heard of a recording counts as one of many."""
    rng = np.random.default_rng(seed)
    weights = network.perceptron_init(rng, IMPRESSION, *HIDDEN, 2 * gains.shape[-1])
    steps = z.shape[0] * z.shape[1] // BATCH
    optimiser = optax.adamw(optax.cosine_decay_schedule(2e-3, epochs * steps), weight_decay=3e-2)
    z, gains = jnp.asarray(z), jnp.asarray(gains)

    def step(state, key):
        weights, moments = state
        recording, part, masks = jax.random.split(key, 3)
        recording = jax.random.randint(recording, (BATCH,), 0, z.shape[0])
        part = jax.random.randint(part, (BATCH,), 0, z.shape[1])
        gradient = jax.grad(loss)(weights, z[recording, part], gains[recording], masks)
        updates, moments = optimiser.update(gradient, moments, weights)
        return (optax.apply_updates(weights, updates), moments), None

    run = jax.jit(lambda state, keys: jax.lax.scan(step, state, keys)[0])
    state, key = (weights, optimiser.init(weights)), jax.random.PRNGKey(seed)
    for key in jax.random.split(key, epochs):
        state = run(state, jax.random.split(key, steps))
    return jax.tree.map(np.asarray, state[0])


def left_out(heard, gains, folds, seed):
    """Means and sigmas [recording, part heard, opening] by networks that never heard the voice."""
    expected = np.zeros((2, *heard.shape[:2], gains.shape[1]))
    for fold in set(folds):
        out = folds == fold
        scale = network.Scale(heard[~out])
        expected[:, out] = agree(train_all(scale(heard[~out]), gains[~out], seed), scale(heard[out]))
    return expected


def errors(mean, sigma, gains):
    """Of each opening, in sigmas (root mean square)."""
    return np.sqrt((((mean - gains[:, None]) / sigma) ** 2).mean(axis=(0, 1)))


def report(mean, sigma, gains):
    """What is gained and harmed by the opening whose gain is surest."""
    results = {"error in sigmas": errors(mean, sigma, gains).round(2).tolist()}
    possible = np.maximum(gains.max(axis=1), 0.0).sum()
    for caution in (0.3, 0.5, 0.7):
        least = mean - caution * sigma
        chosen = least.argmax(axis=-1)
        got = np.where(least.max(axis=-1) > 0, np.take_along_axis(gains, chosen, axis=1), 0.0)
        shares, harm = got.sum(axis=0) / possible, (got < -NOTICEABLE).mean(axis=0)
        results[f"caution {caution}"] = [shares.round(3).tolist(), harm.round(3).tolist()]
    print(f"{len(gains)} recordings, voices left out, by what was heard: {results}", flush=True)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=Path, required=True, action="append", dest="folders")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    items, heard, gains = zip(*map(read, options.folders))
    heard, gains, folds = np.concatenate(heard), np.concatenate(gains), voices(sum(items, []))
    mean, sigma = left_out(heard, gains, folds, options.seed)
    # On voices that they were not fitted to they err by more than they say.
    larger = errors(mean, sigma, gains)
    results = report(mean, FINEST + (sigma - FINEST) * larger, gains)

    scale = network.Scale(heard)
    members = train_all(scale(heard), gains, options.seed)
    for weights in members:
        weights[-1]["b"] = weights[-1]["b"] + np.log(np.concatenate([np.ones_like(larger), larger]))
    members = network.quantised(members)
    example = heard[0, -1]
    means, sigmas = agree(members, scale(example)).astype(np.float32)
    tensors = network.tensors(members, "prior") | {
        "prior.centre": scale.centre,
        "prior.spread": scale.spread,
        "example.heard": example,
        "example.means": np.ascontiguousarray(means),
        "example.sigmas": np.ascontiguousarray(sigmas),
    }
    about = {"version": "3", "recordings": str(len(gains)), "seed": str(options.seed), "results": json.dumps(results)}
    save_file(tensors, options.out / "prior.safetensors", metadata=about)


if __name__ == "__main__":
    main()
