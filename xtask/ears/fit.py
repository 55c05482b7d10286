#!/usr/bin/env python3
"""Fits the score to true differences, and checks it on voices and on kinds of problem left out.

    fit.py --set DIR --out FOLDER [--seed S] [--quick]

DIR holds what mixtures.py, labels.py and `lab candidates` wrote. The score is the mean of small networks
that each see a take's features minus those of the untouched input, and the latter, and that were each
trained on four fifths of the recordings. Only differences within a recording count in the loss. Where
they disagree, and where two takes sound different, the score is unsure; how much so is fitted to the
errors on left-out voices. Writes FOLDER/score.safetensors.
"""

import argparse
import json
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

import network
from truth import load, pick, rank_correlations, summary

HIDDEN = (32, 16)
MEMBERS = 6
LIMIT = 4.0  # features are limited to so many spreads


def inputs(features):
    """[recording, setting, feature] to what the networks see; setting 1 is the untouched input."""
    untouched = features[:, 1:2]
    return np.concatenate([features - untouched, np.broadcast_to(untouched, features.shape)], axis=-1)


class Scale:
    """Centre and spread of each input."""

    def __init__(self, x):
        flat = x.reshape(-1, x.shape[-1])
        self.centre = np.median(flat, axis=0).astype(np.float32)
        # What never changes says nothing, and must not explode elsewhere.
        self.spread = np.maximum(flat.std(axis=0), 1e-2 + 0.02 * np.abs(self.centre)).astype(np.float32)

    def __call__(self, x):
        return np.clip((x - self.centre) / self.spread, -LIMIT, LIMIT).astype(np.float32)


def loss(weights, x, true, importance, key):
    masks = jax.random.bernoulli(key, 0.8, (x.shape[0], 1, HIDDEN[0])) / 0.8
    score = network.score(weights, x, masks)
    error = score - score.mean(axis=1, keepdims=True) - true
    return (importance[:, None] * jnp.where(jnp.abs(error) < 0.3, error**2, 0.6 * jnp.abs(error) - 0.09)).mean()


OPTIMISER = {}


def stepper(steps):
    """One compiled step for all members."""
    if steps not in OPTIMISER:
        optimiser = optax.adamw(optax.cosine_decay_schedule(3e-3, steps), weight_decay=5e-3)

        @jax.jit
        def step(weights, state, x, true, importance, key):
            gradient = jax.grad(loss)(weights, x, true, importance, key)
            updates, state = optimiser.update(gradient, state, weights)
            return optax.apply_updates(weights, updates), state

        OPTIMISER[steps] = optimiser, step
    return OPTIMISER[steps]


def member(x, truth, seed, steps):
    """One network, trained on four fifths of the recordings."""
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(x))[: max(1, len(x) * 4 // 5)]
    true = (truth - truth.mean(axis=1, keepdims=True)).astype(np.float32)
    # A recording on which nothing makes a difference says little, one on which all does not everything.
    importance = (1 / np.maximum(true.std(axis=1), 0.08)).astype(np.float32)
    importance /= importance.mean()
    weights = network.score_init(rng, x.shape[-1], HIDDEN)
    optimiser, step = stepper(steps)
    state, key = optimiser.init(weights), jax.random.PRNGKey(seed)
    for _ in range(steps):
        batch = rng.choice(chosen, 32)
        key, now = jax.random.split(key)
        noisy = x[batch] + 0.1 * rng.standard_normal(x[batch].shape).astype(np.float32)
        weights, state = step(weights, state, noisy, true[batch], importance[batch], now)
    return jax.tree.map(np.asarray, weights)


def apply(members, x):
    return np.stack([np.asarray(network.score(weights, x)) for weights in members])


def left_out(x, truth, groups, members, steps, seed):
    """Scores of every recording by networks that never saw its group."""
    scores = np.zeros((members, *truth.shape))
    for group in sorted(set(groups)):
        out = groups == group
        scale = Scale(x[~out])
        trained = [member(scale(x[~out]), truth[~out], seed + i, steps) for i in range(members)]
        scores[:, out] = apply(trained, scale(x[out]))
        print(f"left out {group}: done", file=sys.stderr, flush=True)
    return scores


def apart(z):
    """How different takes sound from the factory default: rms over normalised features, at most 1."""
    return np.minimum(np.sqrt(((z - z[:, :1]) ** 2).mean(axis=-1)), 1.0)


def calibrate(scores, truth, distance):
    """Factors of the three parts of sigma (see Model::difference): least negative log likelihood."""
    from scipy.optimize import minimize

    difference = scores - scores[:, :, :1]
    mean, variance = difference.mean(axis=0)[:, 1:].ravel(), difference.var(axis=0)[:, 1:].ravel()
    error = ((truth - truth[:, :1])[:, 1:].ravel() - mean) ** 2
    parts = np.stack([distance[:, 1:].ravel() ** 2, variance, mean**2])

    def cost(logs):
        square = np.exp(2 * logs) @ parts + 1e-6
        return np.mean(np.log(square) + error / square)

    best = minimize(cost, np.log([0.2, 1.0, 0.3]), method="Nelder-Mead")
    return np.exp(best.x), np.sqrt(np.exp(2 * best.x) @ parts + 1e-6).reshape(len(truth), -1)


def report(name, items, scores, truth, factors, distance):
    difference = scores - scores[:, :, :1]
    mean, variance = difference.mean(axis=0), difference.var(axis=0)
    sigma = np.sqrt((factors[0] * distance) ** 2 + factors[1] ** 2 * variance + (factors[2] * mean) ** 2 + 1e-6)
    correlations = rank_correlations(mean, truth)
    rows = np.arange(len(truth))
    gained, possible = truth[rows, pick(mean, sigma)] - truth[:, 0], truth.max(axis=1) - truth[:, 0]
    result = summary(correlations, gained, possible)
    print(f"{name}: {result}")
    kinds = np.array([item["kind"] for item in items])
    for kind in dict.fromkeys(kinds):
        of = kinds == kind
        print(
            f"  {kind:<11}{of.sum():>4} rank {correlations[of].mean():.2f} gained {gained[of].mean():+.3f}"
            f" of {possible[of].mean():.3f}, worse {(gained[of] < -0.05).sum()}"
        )
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", type=Path, required=True, dest="folder")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--quick", action="store_true", help="left-out voices only, with fewer networks")
    options = parser.parse_args()

    items, truth = load(options.folder)
    names = json.loads((options.folder / "features.json").read_text())
    features = np.stack(
        [
            np.fromfile(options.folder / "candidates" / f"{i['id']}.features", "<f4").reshape(truth.shape[1], -1)
            for i in items
        ]
    )
    assert features.shape[-1] == len(names) and np.isfinite(features).all() and np.isfinite(truth).all()
    x = inputs(features)
    scale = Scale(x)
    distance = apart(scale(x)[..., : len(names)])

    speakers = [item["speaker"] for item in items]
    order = {name: i % 4 for i, name in enumerate(sorted(set(speakers)))}
    by_voice = left_out(x, truth, np.array([order[s] for s in speakers]), 2 if options.quick else 4, options.steps, options.seed)
    factors, _ = calibrate(by_voice, truth, distance)
    results = {"voices left out": report("voices left out", items, by_voice, truth, factors, distance)}
    print(f"sigma: {factors[0]:.3f} x distance, {factors[1]:.2f} x disagreement, {factors[2]:.2f} x difference")
    if not options.quick:
        by_kind = left_out(x, truth, np.array([i["kind"] for i in items]), 2, options.steps, options.seed)
        results["kinds left out"] = report("kinds left out", items, by_kind, truth, factors, distance)

    members = [member(scale(x), truth, options.seed + i, options.steps) for i in range(MEMBERS)]
    about = {"version": 1, "seed": options.seed, "recordings": len(items), "results": json.dumps(results)}
    network.save_score(members, scale, factors, features[0, :2], options.out / "score.safetensors", about)


if __name__ == "__main__":
    main()
