"""True quality: what a candidate is worth against the clean reference.

    truth = PESQ-WB + 2 ESTOI - 0.08 LSD - 0.03 (spread + what of |offset| is above 3)

in PESQ points: PESQ as in labels.py, 1.04 at most where STOI < 0.4 (PESQ scores muted speech absurdly
high); ESTOI 0..1; log-spectral distance over speech in dB, level aligned; offset and spread of the
momentary loudness in LU (the usual difference from the reference, and the mean distance from that).
0.05 is a just noticeable difference.
"""

import json

import numpy as np

NOTICEABLE = 0.05
FLOOR = 1.04
# How many sigmas of doubt the pick holds against a candidate: on voices left out of training, the least
# with which fewer than 3 % of the picks were worse than the factory default.
CAUTION = 0.85


def quality(pesq, measures):
    """pesq [...], measures [..., 5] as `lab` writes them."""
    stoi, estoi, lsd, offset, spread = np.moveaxis(measures, -1, 0)
    pesq = np.where(stoi < 0.4, np.minimum(pesq, FLOOR), pesq)
    return pesq + 2 * estoi - 0.08 * lsd - 0.03 * (spread + np.maximum(0, np.abs(offset) - 3))


def load(folder, labels="pesq", outputs="candidates"):
    """The recordings that are labelled, and the true quality of each of their outputs; less those in which there is too
    little speech to measure it."""
    items, truth = [], []
    for item in json.loads((folder / "manifest.json").read_text())["items"]:
        pesq, measures = folder / labels / f"{item['id']}.npy", folder / outputs / f"{item['id']}.measures"
        if pesq.exists() and measures.exists():
            pesq = np.load(pesq)
            known = quality(pesq, np.fromfile(measures, "<f4").reshape(len(pesq), 5).astype(float))
            if np.isfinite(known).all():
                items.append(item)
                truth.append(known)
    return items, np.array(truth)


def voices(items):
    """To which of four groups of speakers each recording belongs."""
    speakers = [item["speaker"] for item in items]
    order = {name: i % 4 for i, name in enumerate(sorted(set(speakers)))}
    return np.array([order[name] for name in speakers])


def ranks(x):
    """Ranks along the last axis; equal values share theirs."""
    order = np.argsort(np.argsort(x, axis=-1), axis=-1).astype(float)
    result = np.empty_like(order)
    for row, (values, places) in enumerate(zip(x.reshape(-1, x.shape[-1]), order.reshape(-1, x.shape[-1]))):
        _, same = np.unique(values, return_inverse=True)
        result.reshape(-1, x.shape[-1])[row] = (np.bincount(same, places) / np.bincount(same))[same]
    return result


def rank_correlations(score, truth):
    """Spearman's, of each recording."""
    a, b = ranks(score), ranks(truth)
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    return (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1) + 1e-12)


def pick(mean, sigma, vetoed=None):
    """The candidate whose gain over the first, the factory default, is surest; the first if none is."""
    least = mean - CAUTION * sigma
    if vetoed is not None:
        least = np.where(vetoed, -np.inf, least)
    least[:, 0] = 0.0
    return least.argmax(axis=1)


def summary(correlations, gained, possible):
    return {
        "rank_corr": round(float(np.nanmean(correlations)), 4),
        "gap_closed": round(float(gained.sum() / possible.sum()), 4),
        "worse_share": round(float((gained < -NOTICEABLE).mean()), 4),
    }
