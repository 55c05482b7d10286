#!/usr/bin/env python3
"""Fits the score to true differences, and checks it on voices and on kinds of problem left out.

    fit.py --set DIR --out FOLDER [--seed S] [--quick]

DIR holds what mixtures.py, labels.py and `lab candidates` wrote. The score is the mean of small networks
that each see a take's features minus those of the untouched input, the latter, and the embedding of the
input's context, and that were each trained on four fifths of the recordings. They hear a recording whole or no more
of it than the tuner when it begins, and say what a take is worth on the whole. Only differences within a recording
count in the loss. How sure the score is of a difference, another small network learned from the errors on voices left
out. Writes FOLDER/score.safetensors.
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

HIDDEN = (128, 64)
MEMBERS = 8
BATCH = 32  # hearings
# What is heard of a recording (`lab candidates`), s: all that is measured, and parts of it; and how often each is
# shown to the networks.
HEARD = np.array([6.0, 0.75, 1.5, 2.25, 3.0])
SHOWN = np.array([0.4, 0.1, 0.1, 0.2, 0.2])
LEAST_SPEECH = 0.5  # s; with less nothing is judged
# What the input has not is always a fault. It hardly occurs among honest outputs, so nothing can be
# learned of it: it costs so many points, and the networks don't see it.
FAULTS = {"foreign": 3.0, "foreign_tone": 0.5}


def inputs(features, contexts):
    """[hearing, setting, feature] and [hearing, embedding] to what the networks see; setting 1 is the untouched
    input."""
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
        optimiser = optax.adamw(optax.cosine_decay_schedule(3e-3, steps), weight_decay=3e-2)

        @jax.jit
        def step(weights, state, x, true, importance, key):
            gradient = jax.grad(loss)(weights, x, true, importance, key)
            updates, state = optimiser.update(gradient, state, weights)
            return optax.apply_updates(weights, updates), state

        OPTIMISER[steps] = optimiser, step
    return OPTIMISER[steps]


class Heard:
    """All that was heard: each hearing is of a part of a recording in which there is enough speech."""

    def __init__(self, items, truth, features, contexts, speech):
        self.recording, self.part = np.nonzero(speech >= LEAST_SPEECH)
        self.items, self.truth = items, truth[self.recording]
        self.features = features[self.recording, self.part]
        self.x = inputs(self.features, contexts[self.recording, self.part])
        self.shown = SHOWN[self.part]
        # Fewer sounds tell less: doubts grow with the root of how much less is heard, as the tuner takes it.
        self.short = np.sqrt(HEARD[0] / HEARD[self.part])

    def of(self, groups):
        """The group of each hearing, by that of its recording."""
        return groups[self.recording]


def shown(rng, rows, shares, count):
    """So many of some rows, each as often as it is to be shown."""
    return rows[np.searchsorted(np.cumsum(shares[rows]), rng.random(count) * shares[rows].sum())]


def member(heard, rows, scale, seed, steps):
    """One network, trained on four fifths of the recordings of some hearings."""
    rng = np.random.default_rng(seed)
    recordings = rng.permutation(np.unique(heard.recording[rows]))
    rows = rows[np.isin(heard.recording[rows], recordings[: max(1, len(recordings) * 4 // 5)])]
    true = (heard.truth - heard.truth.mean(axis=1, keepdims=True)).astype(np.float32)
    # A recording on which nothing makes a difference says little, one on which all does not everything.
    importance = (1 / np.maximum(true.std(axis=1), 0.08)).astype(np.float32)
    importance /= importance[rows].mean()
    weights = network.perceptron_init(rng, heard.x.shape[-1], *HIDDEN, 1)
    optimiser, step = stepper(steps)
    state, key = optimiser.init(weights), jax.random.PRNGKey(seed)
    for _ in range(steps):
        batch = shown(rng, rows, heard.shown, BATCH)
        key, now = jax.random.split(key)
        x = scale(heard.x[batch])
        noisy = x + 0.1 * rng.standard_normal(x.shape, np.float32)
        weights, state = step(weights, state, noisy, true[batch], importance[batch], now)
    return jax.tree.map(np.asarray, weights)


def left_out(heard, groups, members, steps, seed, faults):
    """Scores [member, hearing, setting] by networks that never saw the group, faults included."""
    scores = np.zeros((members, *heard.truth.shape))
    for group in sorted(set(groups)):
        rows, out = np.nonzero(groups != group)[0], groups == group
        scale = network.Scale(heard.x[rows], hidden(faults))
        trained = [member(heard, rows, scale, seed + i, steps) for i in range(members)]
        scores[:, out] = [network.score(weights, scale(heard.x[out])) for weights in trained]
        print(f"left out {group}: done", file=sys.stderr, flush=True)
    return scores - heard.features @ faults


def hidden(faults):
    """Inputs that the networks don't see."""
    return np.tile(faults > 0, 2).nonzero()[0]


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


def doubt_training(x, error, shares, seed, steps=1500):
    """The network of doubts, from hearings that are shown in these shares."""
    rng = np.random.default_rng(seed)
    weights = network.perceptron_init(rng, x.shape[-1], 16, 1)
    optimiser = optax.adamw(optax.cosine_decay_schedule(2e-3, steps), weight_decay=1e-2)

    @jax.jit
    def step(weights, state, x, error):
        gradient = jax.grad(likelihood)(weights, x, error)
        updates, state = optimiser.update(gradient, state, weights)
        return optax.apply_updates(weights, updates), state

    state = optimiser.init(weights)
    for _ in range(steps):
        batch = shown(rng, np.arange(len(x)), shares, 512), rng.integers(x.shape[1], size=512)
        weights, state = step(weights, state, x[batch], error[batch].astype(np.float32))
    return jax.tree.map(np.asarray, weights)


def pairs(truth, seed):
    """For each setting the factory default, and a random other one."""
    rng = np.random.default_rng(seed)
    return np.concatenate([np.zeros_like(truth, int), rng.integers(truth.shape[1], size=truth.shape)], axis=1)


def doubt_examples(heard, z, scores, count, seed):
    """What sigma depends on [hearing, pair, number], and how wrong the score is, in doubts of all of a recording."""
    others = pairs(heard.truth, seed)
    twice = lambda a, axis: np.concatenate([a, a], axis=axis)  # noqa: E731
    rows = np.arange(len(z))[:, None]
    x, mean = doubts(twice(z, 1), twice(scores, 2), others, count)
    return x, (twice(heard.truth, 1) - heard.truth[rows, others] - mean) / heard.short[:, None]


def report(name, heard, mean, sigma):
    """How good the picks are, by kind, and by how much was heard; the former is returned."""
    for part, seconds in enumerate(HEARD):
        of = heard.part == part
        print(f"{name}, {seconds} s heard: {judged(heard.truth[of], mean[of], sigma[of])[0]}")
    whole = heard.part == 0
    result, correlations, gained, possible = judged(heard.truth[whole], mean[whole], sigma[whole])
    kinds = np.array([item["kind"] for item in heard.items])[heard.recording[whole]]
    for kind in dict.fromkeys(kinds):
        of = kinds == kind
        print(
            f"  {kind:<11}{of.sum():>4} rank {correlations[of].mean():.2f} gained {gained[of].mean():+.3f}"
            f" of {possible[of].mean():.3f}, worse {(gained[of] < -0.05).sum()}"
        )
    return result


def judged(truth, mean, sigma):
    correlations = rank_correlations(mean, truth)
    gained = truth[np.arange(len(truth)), pick(mean, sigma)] - truth[:, 0]
    possible = truth.max(axis=1) - truth[:, 0]
    return summary(correlations, gained, possible), correlations, gained, possible


def read(folder):
    """What was heard, and the names of the features."""
    items, truth = load(folder)
    names = json.loads((folder / "features.json").read_text())
    of = lambda kind, *shape: np.stack(  # noqa: E731
        [np.fromfile(folder / "candidates" / f"{item['id']}.{kind}", "<f4").reshape(len(HEARD), *shape) for item in items]
    )
    features = of("features", truth.shape[1], len(names))
    assert np.isfinite(features).all()
    return Heard(items, truth, features, of("context", -1), of("speech")), names


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", type=Path, required=True, dest="folder")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--quick", action="store_true", help="left-out voices only, with fewer networks")
    options = parser.parse_args()
    seed = options.seed

    heard, names = read(options.folder)
    faults = np.array([FAULTS.get(name, 0.0) for name in names], np.float32)
    scale = network.Scale(heard.x, hidden(faults))
    z = scale(heard.x)

    groups = heard.of(voices(heard.items))
    scores = left_out(heard, groups, 2 if options.quick else MEMBERS, options.steps, seed, faults)
    # Sigma is learned from errors on voices left out, and checked on such as it never saw either.
    examples, errors = doubt_examples(heard, z, scores, len(names), seed)
    doubted = lambda weights, x: np.asarray(network.sigma(weights, x[:, : heard.truth.shape[1]]))  # noqa: E731
    mean, sigma = (scores - scores[:, :, :1]).mean(axis=0), np.zeros_like(heard.truth)
    for group in sorted(set(groups)):
        out = groups == group
        weights = doubt_training(examples[~out], errors[~out], heard.shown[~out], seed)
        sigma[out] = doubted(weights, examples[out]) * heard.short[out, None]
    results = {"voices left out": report("voices left out", heard, mean, sigma)}
    whole = heard.part == 0
    for caution in (0.0, 0.5, 0.7, 0.85, 1.0, 1.5, 2.0):
        result = judged(heard.truth[whole], mean[whole], sigma[whole] * caution / CAUTION)[0]
        print(f"  caution {caution}: {result}")
    doubt = doubt_training(examples, errors, heard.shown, seed)
    if not options.quick:
        kinds = heard.of(np.array([item["kind"] for item in heard.items]))
        scores = left_out(heard, kinds, 2, options.steps, seed, faults)
        sigma = doubted(doubt, doubt_examples(heard, z, scores, len(names), seed)[0]) * heard.short[:, None]
        results["kinds left out"] = report("kinds left out", heard, (scores - scores[:, :, :1]).mean(axis=0), sigma)

    trained = [member(heard, np.arange(len(z)), scale, seed + i, options.steps) for i in range(MEMBERS)]
    about = {"version": 2, "seed": seed, "recordings": len(heard.items), "results": json.dumps(results)}
    network.save_score(trained, doubt, scale, faults, heard.x[0, :2], options.out / "score.safetensors", about)


if __name__ == "__main__":
    main()
