#!/usr/bin/env python3
"""Fits the score to true differences, and checks it on voices and on kinds of problem left out.

    fit.py --set DIR --out FOLDER [--seed S] [--quick]

DIR holds what mixtures.py, labels.py and `lab candidates` wrote. The score is the mean of small networks
that each see a take's features minus those of the untouched input, the latter, and the embedding of the
input's context, and that were each trained on four fifths of the recordings. Only differences within a recording count in the loss. How sure the
score is of a difference, another small network learned from the errors on voices left out. Writes FOLDER/score.safetensors.
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
from truth import CAUTION, load, pick, rank_correlations, summary, voices

HIDDEN = (40, 20)
MEMBERS = 5
# What the input has not is always a fault. It hardly occurs among honest outputs, so nothing can be
# learned of it: it costs so many points, and the networks don't see it.
FAULTS = {"foreign": 3.0, "foreign_tone": 0.5}


def inputs(features, contexts):
    """[recording, setting, feature] and [recording, embedding] to what the networks see; setting 1 is
    the untouched input."""
    untouched, contexts = features[:, 1:2], contexts[:, None]
    each = lambda x: np.broadcast_to(x, (*features.shape[:2], x.shape[-1]))  # noqa: E731
    return np.concatenate([features - untouched, each(untouched), each(contexts)], axis=-1)


def loss(weights, x, true, importance, key):
    masks = jax.random.bernoulli(key, 0.8, (x.shape[0], 1, HIDDEN[0])) / 0.8
    score = network.score(weights, x, [masks])
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
    weights = network.perceptron_init(rng, x.shape[-1], *HIDDEN, 1)
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


def left_out(x, truth, groups, members, steps, seed, hidden, fault):
    """Scores of every recording by networks that never saw its group, faults included."""
    scores = np.zeros((members, *truth.shape))
    for group in sorted(set(groups)):
        out = groups == group
        scale = network.Scale(x[~out], hidden)
        trained = [member(scale(x[~out]), truth[~out], seed + i, steps) for i in range(members)]
        scores[:, out] = apply(trained, scale(x[out]))
        print(f"left out {group}: done", file=sys.stderr, flush=True)
    return scores - fault


def doubts(z, scores, others, count):
    """What sigma depends on, for the pairs of each setting and another: how the takes differ, what the
    recording is like, how much the networks disagree, and how much they promise. The first `count`
    inputs are the takes' own."""
    rows = np.arange(len(z))[:, None]
    differences = scores - scores[:, rows, others]
    mean, spread = differences.mean(axis=0), differences.std(axis=0)
    apart = np.abs(z - z[rows, others])[..., :count]
    logs = np.stack([np.log(spread + 1e-3), np.log(np.abs(mean) + 1e-2)], axis=-1)
    return np.concatenate([apart, z[..., count:], logs], axis=-1).astype(np.float32), mean


def likelihood(weights, x, error):
    """Of the error under Student's t with 4 degrees of freedom: single wild errors must not rule."""
    sigma = network.sigma(weights, x)
    return (jnp.log(sigma) + 2.5 * jnp.log1p((error / sigma) ** 2 / 4)).mean()


def doubt_training(x, error, seed, steps=1500):
    """The network of doubts."""
    rng = np.random.default_rng(seed)
    weights = network.perceptron_init(rng, x.shape[-1], 16, 1)
    optimiser = optax.adamw(optax.cosine_decay_schedule(2e-3, steps), weight_decay=1e-2)

    @jax.jit
    def step(weights, state, x, error):
        gradient = jax.grad(likelihood)(weights, x, error)
        updates, state = optimiser.update(gradient, state, weights)
        return optax.apply_updates(weights, updates), state

    state = optimiser.init(weights)
    x, error = x.reshape(-1, x.shape[-1]), error.reshape(-1)
    for _ in range(steps):
        batch = rng.integers(len(x), size=512)
        weights, state = step(weights, state, x[batch], error[batch].astype(np.float32))
    return jax.tree.map(np.asarray, weights)


def pairs(truth, seed):
    """For each setting the factory default, and a random other one."""
    rng = np.random.default_rng(seed)
    return np.concatenate([np.zeros_like(truth, int), rng.integers(truth.shape[1], size=truth.shape)], axis=1)


def doubt_examples(z, scores, truth, count, seed):
    others = pairs(truth, seed)
    twice = lambda a, axis: np.concatenate([a, a], axis=axis)  # noqa: E731
    rows = np.arange(len(z))[:, None]
    x, mean = doubts(twice(z, 1), twice(scores, 2), others, count)
    return x, twice(truth, 1) - truth[rows, others] - mean


def report(name, items, truth, mean, sigma):
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
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--quick", action="store_true", help="left-out voices only, with fewer networks")
    options = parser.parse_args()

    items, truth = load(options.folder)
    names = json.loads((options.folder / "features.json").read_text())
    of = lambda kind: [np.fromfile(options.folder / "candidates" / f"{i['id']}.{kind}", "<f4") for i in items]  # noqa: E731
    features = np.stack(of("features")).reshape(*truth.shape, -1)
    assert features.shape[-1] == len(names) and np.isfinite(features).all()
    x = inputs(features, np.stack(of("context")))
    faults = np.array([FAULTS.get(name, 0.0) for name in names], np.float32)
    fault = features @ faults
    hidden = np.tile(faults > 0, 2).nonzero()[0]
    scale = network.Scale(x, hidden)
    z = scale(x)

    groups = voices(items)
    members = 2 if options.quick else 4
    scores = left_out(x, truth, groups, members, options.steps, options.seed, hidden, fault)
    # Sigma is learned from errors on voices left out, and checked on such as it never saw either.
    examples, errors = doubt_examples(z, scores, truth, len(names), options.seed)
    sigma = np.zeros_like(truth)
    mean = (scores - scores[:, :, :1]).mean(axis=0)
    for group in sorted(set(groups)):
        out = groups == group
        weights = doubt_training(examples[~out], errors[~out], options.seed)
        sigma[out] = network.sigma(weights, examples[out][:, : truth.shape[1]])
    np.savez(options.folder / "left-out.npz", truth=truth, mean=mean, sigma=sigma)
    results = {"voices left out": report("voices left out", items, truth, mean, sigma)}
    for caution in (0.0, 0.5, 0.7, 0.85, 1.0, 1.5, 2.0):
        rows = np.arange(len(truth))
        gained = truth[rows, pick(mean, sigma * caution / CAUTION)] - truth[:, 0]
        print(f"  caution {caution}: gap closed {gained.sum() / (truth.max(axis=1) - truth[:, 0]).sum():.3f}, worse {(gained < -0.05).mean():.3f}")
    if not options.quick:
        kinds = np.array([item["kind"] for item in items])
        scores = left_out(x, truth, kinds, 2, options.steps, options.seed, hidden, fault)
        doubt = doubt_training(examples, errors, options.seed)
        sigma = network.sigma(doubt, doubt_examples(z, scores, truth, len(names), options.seed)[0][:, : truth.shape[1]])
        results["kinds left out"] = report(
            "kinds left out", items, truth, (scores - scores[:, :, :1]).mean(axis=0), np.asarray(sigma)
        )

    trained = [member(z, truth, options.seed + i, options.steps) for i in range(MEMBERS)]
    doubt = doubt_training(examples, errors, options.seed)
    about = {"version": 1, "seed": options.seed, "recordings": len(items), "results": json.dumps(results)}
    network.save_score(trained, doubt, scale, faults, x[0, :2], options.out / "score.safetensors", about)


if __name__ == "__main__":
    main()
