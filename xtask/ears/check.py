#!/usr/bin/env python3
"""Does the score rank settings as the clean reference does?

    check.py --set DIR

DIR holds what mixtures.py, labels.py and `lab` wrote. Prints tables, writes plots beside the set
(ranking.png, calibration.png), and one JSON line at the end.
"""

import argparse
import json
import sys
from pathlib import Path

import matplotlib
import numpy as np
from scipy.special import erf

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

from truth import load, pick, rank_correlations, summary  # noqa: E402


def ranking_plot(path, kinds, correlations, gained, possible):
    names = list(dict.fromkeys(kinds))
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    left.boxplot([correlations[kinds == name] for name in names], tick_labels=names, showmeans=True)
    left.axhline(0.75, color="grey", linestyle=":")
    left.set_ylabel("rank correlation within a recording")
    at = np.arange(len(names))
    right.bar(at - 0.2, [possible[kinds == n].mean() for n in names], 0.4, label="best of the settings", color="#c9c9c9")
    right.bar(at + 0.2, [gained[kinds == n].mean() for n in names], 0.4, label="picked by the score", color="#2a7f9e")
    right.set_xticks(at, names)
    right.set_ylabel("true quality over the factory default")
    right.legend()
    for axes in (left, right):
        axes.tick_params(axis="x", rotation=35)
    figure.savefig(path, dpi=130)


def calibration_plot(path, mean, sigma, true):
    """How often the truth lies within so many sigmas, and how the error grows with sigma."""
    z = np.abs(true - mean) / sigma
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    widths = np.linspace(0, 3, 31)
    left.plot(erf(widths / np.sqrt(2)), [(z <= w).mean() for w in widths], color="#2a7f9e")
    left.plot([0, 1], [0, 1], ":", color="grey")
    left.set_xlabel("share promised by sigma (normal)")
    left.set_ylabel("share of true differences within")
    order = np.argsort(sigma)
    groups = np.array_split(order, 20)
    right.plot([sigma[g].mean() for g in groups], [np.sqrt(np.mean((true - mean)[g] ** 2)) for g in groups], "o", color="#2a7f9e")
    top = max(sigma[groups[-1]].mean(), 0.1)
    right.plot([0, top], [0, top], ":", color="grey")
    right.set_xlabel("sigma (mean of a twentieth of all pairs)")
    right.set_ylabel("rms error")
    figure.savefig(path, dpi=130)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", type=Path, required=True, dest="folder")
    options = parser.parse_args()
    items, truth = load(options.folder)
    # The first part that was heard is all of it.
    scores = np.stack(
        [np.fromfile(options.folder / "candidates" / f"{i['id']}.scores", "<f4").reshape(-1, truth.shape[1], 3)[0] for i in items]
    )
    mean, sigma, vetoed = scores[..., 0], scores[..., 1], scores[..., 2] > 0
    correlations = rank_correlations(mean, truth)
    picked = pick(mean, sigma, vetoed)
    rows = np.arange(len(items))
    gained, possible = truth[rows, picked] - truth[:, 0], truth.max(axis=1) - truth[:, 0]

    kinds = np.array([i["kind"] for i in items])
    print(f"{'kind':<11}{'files':>6}{'rank':>7}{'gain':>8}{'best':>8}{'worse':>7}{'moved':>7}")
    for name in [*dict.fromkeys(kinds), "all"]:
        chosen = (kinds == name) | (name == "all")
        print(
            f"{name:<11}{chosen.sum():>6}{np.nanmean(correlations[chosen]):>7.2f}{gained[chosen].mean():>8.3f}"
            f"{possible[chosen].mean():>8.3f}{(gained[chosen] < -0.05).sum():>7}{(picked[chosen] != 0).sum():>7}"
        )
    print(f"vetoed among honest outputs: {vetoed.sum()} of {vetoed.size}")
    # A veto is no estimate.
    judged = ~(vetoed | vetoed[:, :1])
    judged[:, 0] = False
    ranking_plot(options.folder / "ranking.png", kinds, correlations, gained, possible)
    gains = truth - truth[:, :1]
    calibration_plot(options.folder / "calibration.png", mean[judged], sigma[judged].clip(1e-3), gains[judged])

    spoiled = json.loads((options.folder / "adversaries.json").read_text())
    fooled = 0
    print(f"\n{'adversary':<18}{'vetoed':>8}{'below':>8}{'fooled':>8}{'highest':>9}")
    for name in dict.fromkeys(row["adversary"] for row in spoiled):
        group = [row for row in spoiled if row["adversary"] == name]
        above = [row for row in group if not row["veto"] and row["mean"] > 0]
        fooled += len(above)
        vetoes = sum(bool(row["veto"]) for row in group)
        highest = max((row["mean"] for row in group if not row["veto"]), default=float("nan"))
        print(f"{name:<18}{vetoes:>8}{len(group) - vetoes - len(above):>8}{len(above):>8}{highest:>9.3f}")
    result = summary(correlations, gained, possible)
    print(json.dumps(result | {"adversaries_fooled": fooled, "files": len(items)}))


if __name__ == "__main__":
    sys.exit(main())
