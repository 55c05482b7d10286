#!/usr/bin/env python3
"""Fits what the tuner's openings are worth in a context, before they are heard, and checks it on voices left out.

    prior.py --set DIR [--set DIR...] --out FOLDER

Each DIR holds what mixtures.py, `labels.py --openings` and `lab openings` wrote. Of each opening the gain over the
factory default is a ridge regression on the embedding of the input's context and its squares; so is the logarithm of
its sigma, by maximum likelihood of a normal distribution on recordings whose voices were left out. Writes
FOLDER/prior.safetensors.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from truth import NOTICEABLE, load, voices

EMBEDDING = 28
LIMIT = 3.0  # inputs are limited to so many spreads
LARGEST = 1.5  # gains are limited to so much, PESQ points
RIDGE, DOUBT_RIDGE = 60.0, 200.0
FINEST = 0.03  # errors below this don't count as certainty, PESQ points


def read(folder):
    """Recordings, their contexts [recording, length heard, number], gains over the default [recording, opening]."""
    items, truth = load(folder, "openings", "openings")
    known = np.isfinite(truth).all(axis=1)
    items, truth = [item for item, sure in zip(items, known) if sure], truth[known]
    contexts = [np.fromfile(folder / "openings" / f"{item['id']}.contexts", "<f4") for item in items]
    gains = np.clip(truth[:, 1:] - truth[:, :1], -LARGEST, LARGEST)
    return items, np.array(contexts, float).reshape(len(items), -1, EMBEDDING), gains


class Inputs:
    """The context in spreads, its squares, and 1."""

    def __init__(self, contexts):
        flat = contexts.reshape(-1, EMBEDDING)
        self.centre = flat.mean(axis=0).astype(np.float32)
        self.spread = np.maximum(flat.std(axis=0), 0.05).astype(np.float32)

    def __call__(self, contexts):
        z = np.clip((contexts - self.centre) / self.spread, -LIMIT, LIMIT)
        return np.concatenate([z, z**2, np.ones((*z.shape[:-1], 1))], axis=-1)


def regress(x, gains):
    """Weights [input, opening]; each length heard of a recording counts as one of many."""
    rows, targets = x.reshape(-1, x.shape[-1]), np.repeat(gains, x.shape[1], axis=0)
    penalty = np.diag([RIDGE] * (x.shape[-1] - 1) + [0.0])
    return np.linalg.solve(rows.T @ rows + penalty, rows.T @ targets)


def doubts(x, errors):
    """Weights [input, opening] of the logarithm of sigma, by Newton's method; errors [recording, length, opening]."""
    rows = x.reshape(-1, x.shape[-1])
    penalty = np.r_[np.full(x.shape[-1] - 1, DOUBT_RIDGE / len(rows)), 0.0]
    found = []
    for error in errors.reshape(-1, errors.shape[-1]).T:
        squares = error**2 + FINEST**2
        weights = np.r_[np.zeros(x.shape[-1] - 1), 0.5 * np.log(squares.mean())]
        for _ in range(100):
            surprise = squares * np.exp(-2 * rows @ weights)
            slope = rows.T @ (1 - surprise) / len(rows) + penalty * weights
            curvature = (rows * (2 * surprise)[:, None]).T @ rows / len(rows) + np.diag(penalty) + 1e-6 * np.eye(len(weights))
            weights = weights - np.clip(np.linalg.solve(curvature, slope), -0.2, 0.2)
        found.append(weights)
    return np.array(found).T


def fit(contexts, gains, folds):
    """Inputs, and the weights of means and of doubts; the errors are those of voices left out."""
    inputs = Inputs(contexts)
    x, errors = inputs(contexts), np.zeros((*contexts.shape[:2], gains.shape[1]))
    for fold in set(folds):
        out = folds == fold
        errors[out] = x[out] @ regress(x[~out], gains[~out]) - gains[out][:, None]
    return inputs, regress(x, gains), doubts(x, errors)


def report(contexts, gains, folds):
    """What is gained and harmed by the opening whose gain is surest, with voices left out of everything."""
    expected = np.zeros((2, *contexts.shape[:2], gains.shape[1]))
    for fold in set(folds):
        out = folds == fold
        inputs, means, logs = fit(contexts[~out], gains[~out], folds[~out])
        x = inputs(contexts[out])
        expected[:, out] = x @ means, np.exp(x @ logs)
    mean, sigma = expected
    results = {"error in sigmas": np.sqrt((((mean - gains[:, None]) / sigma) ** 2).mean(axis=(0, 1))).round(2).tolist()}
    possible = np.maximum(gains.max(axis=1), 0.0).sum()
    for caution in (0.3, 0.5, 0.7):
        least = mean - caution * sigma
        chosen = least.argmax(axis=-1)
        got = np.where(least.max(axis=-1) > 0, np.take_along_axis(gains, chosen, axis=1), 0.0)
        shares, harm = got.sum(axis=0) / possible, (got < -NOTICEABLE).mean(axis=0)
        results[f"caution {caution}"] = [shares.round(3).tolist(), harm.round(3).tolist()]
    print(f"{len(gains)} recordings, voices left out, by how much was heard: {results}", flush=True)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=Path, required=True, action="append", dest="folders")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    items, contexts, gains = zip(*map(read, options.folders))
    contexts, gains, folds = np.concatenate(contexts), np.concatenate(gains), voices(sum(items, []))
    results = report(contexts, gains, folds)

    inputs, means, logs = fit(contexts, gains, folds)
    example = contexts[0, -1]
    x = inputs(example)
    tensors = {
        "prior.centre": inputs.centre,
        "prior.spread": inputs.spread,
        "prior.means": means.T,
        "prior.doubts": logs.T,
        "example.context": example,
        "example.means": x @ means,
        "example.sigmas": np.exp(x @ logs),
    }
    about = {"version": "1", "recordings": str(len(gains)), "results": json.dumps(results)}
    tensors = {name: np.ascontiguousarray(tensor, np.float32) for name, tensor in tensors.items()}
    save_file(tensors, options.out / "prior.safetensors", metadata=about)


if __name__ == "__main__":
    main()
