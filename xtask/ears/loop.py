#!/usr/bin/env python3
"""What is the loop worth? Users' ways to enhance a recording, each against the clean reference.

    loop.py --attune PROGRAM --lab PROGRAM --out DIR --set DIR... [--change DIR] [--settings N] [--jobs N]

Each set is a folder with a manifest.json whose items have `noisy` and `clean` files. The contenders:

- untouched: the recording as it is;
- default, and each preset by its name: `attune enhance`, `--preset NAME`;
- causal, two_pass: `attune enhance --adapt`, with `--two-pass`; the causal one as it is heard, its
  learning included;
- best_preset: of the default and the presets the one with the best mean over all recordings, in hindsight;
- oracle: of each recording the best of all of these and of N sampled settings.

PESQ-WB as in labels.py, ESTOI, LSD and the composite as in truth.py (which says what is done where speech
is lost), all from second 1.5 on. Where the reference is silent there is nothing to measure: such files are
named and left out. `settled` is the last third of the recordings of 15 s or longer. `gap_closed` of a
contender is its mean gain over best_preset as a share of the oracle's.

Recordings of `--change` have another problem from their middle on. They don't count in the means; shown is
their gain over best_preset, 5 s by 5 s, and how much that is of what was possible over the untouched sound: of
what the oracle gains, which picks anew every 5 s; and of what `anew` gains, `--two-pass` on nothing but what
follows the change. The first says how well the loop knows what is best, the second how fast it is back.

What is done is kept in DIR/scores, so that a stopped run goes on where it was: a contender is rendered
again when the program or the recording is another one, and scored again when what came out is another sound.
DIR/outputs keeps the sound of the default and of the loop. The last line on stdout is one JSON object.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import matplotlib  # noqa: E402
import numpy as np  # noqa: E402
import soundfile  # noqa: E402

from labels import FLOOR, PREROLL, narrow, opinion  # noqa: E402
from truth import NOTICEABLE, quality  # noqa: E402

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

LOOP = {"causal": ["--adapt"], "two_pass": ["--adapt", "--two-pass"]}
KEPT = ["default", *LOOP]
ANEW = "anew"  # two-pass on what follows a change alone
LONG = 15.0  # seconds from which on the end is looked at by itself
WINDOW = 5.0  # seconds, around a change
MEASURES = ["pesq", "estoi", "lsd", "composite"]
WORST = [FLOOR, 0.0, 0.0, 25.0, 30.0, 30.0]  # of an output in which there is nothing to measure


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def presets(attune):
    """Names, as the program lists them."""
    text = subprocess.run([attune, "presets"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return [line.split()[0] for line in text.split("\n\n")[0].splitlines()]


def parts(item, seconds):
    """What of a recording is scored: all of it, and more by name."""
    found = {"all": (PREROLL, seconds)}
    if (at := item.get("change_s")) is not None:
        found |= {f"{t:+g}": (at + t, at + t + WINDOW) for t in np.arange(-WINDOW, seconds - at - WINDOW + 0.1, WINDOW)}
    elif seconds >= LONG:
        found["settled"] = (seconds * 2 / 3, seconds)
    return found


def contenders(options, index):
    """Name and arguments of each; the sampled ones come last."""
    fixed = {"default": [], **{name: ["--preset", name] for name in options.presets}}
    # Its sample begins with the default, the untouched sound and the presets.
    known = 2 + len(options.presets)
    command = [options.lab, "sample", "--settings", str(known + options.settings), "--seed", str(options.seed + index)]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[known:]
    sampled = {f"sample {i}": [w for pair in line.split() for w in ("--set", pair)] for i, line in enumerate(lines)}
    return {**fixed, **LOOP, **sampled}


def enhance(options, noisy, output, arguments):
    """The program on one recording; what it tells of its adaptation."""
    command = [options.attune, "enhance", noisy, "-o", output, "--force", "--json", "--jobs", "1", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError(f"`attune enhance {' '.join(arguments)}` fails on {noisy}: {done.stderr.strip()}")
    return json.loads(done.stdout)["files"][0]["adaptation"]


def enhance_rest(options, noisy, output, arguments, begin):
    """As `enhance`, on what follows second `begin` alone; before it the recording is as it was."""
    samples, rate = soundfile.read(noisy, dtype="int32")
    begin = round(begin * rate)
    kind = soundfile.info(noisy).subtype
    with tempfile.TemporaryDirectory() as temporary:
        rest, enhanced = Path(temporary) / "rest.wav", Path(temporary) / "enhanced.wav"
        soundfile.write(rest, samples[begin:], rate, kind)
        told = enhance(options, rest, enhanced, arguments)
        samples[begin:] = soundfile.read(enhanced, dtype="int32")[0]
        soundfile.write(output, samples, rate, kind)
    return told


def score(options, clean, outputs, spans):
    """Of each output and part the six numbers: PESQ, then those of `lab measures`."""
    command = [options.lab, "measures", clean, *outputs.values()]
    command += [w for span in spans.values() for w in ("--part", "{:.6f}:{:.6f}".format(*span))]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    measures = {name: json.loads(line) for name, line in zip(outputs, lines, strict=True)}

    def cut(file):
        samples, rate = soundfile.read(file)
        return [narrow(samples[int(start * rate) : int(end * rate)], rate) for start, end in spans.values()]

    references, found = cut(clean), {}
    for name, file in outputs.items():
        rows = zip(spans, references, cut(file), measures[name], strict=True)
        found[name] = {part: [opinion(reference, output), *row] for part, reference, output, row in rows}
    return found


def work(job):
    """All scores of one recording; None where the reference is silent."""
    options, folder, index, item, name = job
    noisy, clean = folder / item["noisy"], folder / item["clean"]
    samples, rate = soundfile.read(clean)
    if not samples.any():
        return None
    spans = parts(item, len(samples) / rate)
    kept_in = options.out / "scores" / f"{name}.json"
    source = {"noisy": digest(noisy), "clean": digest(clean), "parts": {key: list(span) for key, span in spans.items()}}
    kept = json.loads(kept_in.read_text()) if kept_in.exists() else {}
    if kept.get("source") != source:
        kept = {"source": source, "takes": {}}

    takes = {"untouched": kept["takes"].get("untouched", {})}
    fresh = {} if takes["untouched"] else {"untouched": noisy}
    ways = contenders(options, index)
    if "change_s" in item:
        ways[ANEW] = LOOP["two_pass"]
    with tempfile.TemporaryDirectory() as temporary:
        for contender, arguments in ways.items():
            before = kept["takes"].get(contender, {})
            made = {"program": options.program, "arguments": arguments}
            if {key: before.get(key) for key in made} == made:
                takes[contender] = before
                continue
            output = options.out / "outputs" if contender in KEPT else Path(temporary)
            output = output / f"{name} {contender}.wav"
            if contender == ANEW:
                told = enhance_rest(options, noisy, output, arguments, item["change_s"])
            else:
                told = enhance(options, noisy, output, arguments)
            made |= {"audio": digest(output), "adaptation": told}
            if made["audio"] == before.get("audio"):
                made["scores"] = before["scores"]
            else:
                fresh[contender] = output
            takes[contender] = made
        for contender, scores in (score(options, clean, fresh, spans) if fresh else {}).items():
            takes[contender]["scores"] = scores
    if takes != kept["takes"]:
        draft = kept_in.with_suffix(".draft")
        draft.write_text(json.dumps({"source": source, "takes": takes}))
        draft.replace(kept_in)
    return takes


def numbers(take, part):
    """PESQ, ESTOI, LSD and composite."""
    six = np.array([worst if n is None else n for n, worst in zip(take["scores"][part], WORST)])
    heard = min(six[0], FLOOR) if six[1] < 0.4 else six[0]
    return [heard, six[2], six[3], float(quality(six[0], six[1:]))]


class Results:
    """Scores as an array [recording, contender, measure], of one part of the recordings."""

    def __init__(self, takes, part, fixed):
        self.fixed, self.names = fixed, list(takes[0])
        table = np.array([[numbers(take[name], part) for name in self.names] for take in takes])
        best = table[:, [name != ANEW for name in self.names], 3].argmax(axis=1)
        self.names.append("oracle")
        self.table = np.concatenate([table, table[np.arange(len(table)), best][:, None]], axis=1)

    def of(self, name, measure="composite"):
        return self.table[:, self.names.index(name), MEASURES.index(measure)]

    def best_preset(self):
        return max(self.fixed, key=lambda name: self.of(name).mean())

    def mean(self, name, chosen=slice(None)):
        means = self.table[chosen, self.names.index(name)].mean(axis=0)
        return {key: round(float(value), 4) for key, value in zip(MEASURES, means)}

    def gap_closed(self, name, preset, chosen=slice(None), best="oracle"):
        base = self.of(preset)[chosen].mean()
        possible = self.of(best)[chosen].mean() - base
        return round(float((self.of(name)[chosen].mean() - base) / possible), 4) if possible > 0 else None

    def doubt(self, name, preset, draws=2000):
        """The middle 90 % of what `gap_closed` would be with other recordings like these (bootstrap)."""
        rng = np.random.default_rng(0)
        count = len(self.table)
        shares = [self.gap_closed(name, preset, rng.integers(count, size=count)) for _ in range(draws)]
        return np.quantile([share for share in shares if share is not None] or [np.nan], [0.05, 0.95])


def median(values):
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def print_table(title, results, groups, columns, measure):
    print(f"\n{title}")
    print(f"{'':<20}{'files':>6}" + "".join(f"{label:>13}" for label in columns))
    for group, chosen in groups.items():
        cells = "".join(f"{results.of(name, measure)[chosen].mean():>13.3f}" for name in columns.values())
        print(f"{group:<20}{chosen.sum():>6}{cells}")


def plot(path, results, groups, columns):
    colours = ["#b9b9b9", "#7f8c94", "#c8a45c", "#6fb1cc", "#2a7f9e", "#3d3d3d"]
    figure, axes = plt.subplots(2, 1, figsize=(1.6 + 1.1 * len(groups), 8), layout="constrained", sharex=True)
    at, width = np.arange(len(groups)), 0.8 / len(columns)
    for axis, measure, label in zip(axes, ("pesq", "composite"), ("PESQ-WB", "composite (PESQ points)")):
        for i, (name, contender) in enumerate(columns.items()):
            means = [results.of(contender, measure)[chosen].mean() for chosen in groups.values()]
            axis.bar(at + (i - (len(columns) - 1) / 2) * width, means, width, label=name, color=colours[i])
        axis.set_ylabel(label)
        axis.set_ylim(bottom=1.0 if measure == "pesq" else None)
    axes[0].legend(ncols=len(columns), loc="upper center", bbox_to_anchor=(0.5, 1.15), frameon=False)
    axes[1].set_xticks(at, [f"{group.removeprefix('= ')}\n{chosen.sum()}" for group, chosen in groups.items()], rotation=35)
    figure.savefig(path, dpi=130)


def changes(takes, preset):
    """Prints how fast the loop is back after a change: mean gains in composite, by seconds after it, and what share they
    are of what was possible just then."""
    windows = [part for part in takes[0]["untouched"]["scores"] if part != "all"]
    contenders = [preset, *LOOP, ANEW, "oracle"]
    gains = {name: {} for name in contenders}
    shares = {best: {name: {} for name in contenders} for best in ("oracle", ANEW)}
    for window in windows:
        results = Results(takes, window, [preset])
        for name in contenders:
            gains[name][window] = round(float((results.of(name) - results.of(preset)).mean()), 4)
            for best, found in shares.items():
                found[name][window] = results.gap_closed(name, "untouched", best=best)
    print(f"\n{len(takes)} recordings with a change: composite over {preset} in the {WINDOW:g} s from so many seconds after")
    print(f"the change, and in brackets what share that is of what the oracle and what {ANEW} gain over the untouched sound")
    print(f"{'':<12}" + "".join(f"{f'{window} s':>23}" for window in windows))
    for name in contenders:
        cells = []
        for window in windows:
            share = " ".join("-" if of[name][window] is None else f"{of[name][window]:.2f}" for of in shares.values())
            cells.append(f"{gains[name][window]:>+9.3f} {f'({share})':>13}")
        print(f"{name:<12}" + "".join(cells))
    return {"gain": gains, "share": shares["oracle"], "share_of_anew": shares[ANEW]}


def worst_files(results, items, places, count=10):
    """Prints where the loop loses most against the default."""
    print(f"\n{'worst files':<26}{'kind':<12}{'loop':<10}" + "".join(f"{key:>11}" for key in MEASURES) + "   minus the default")
    default = results.table[:, results.names.index("default")]
    rows = []
    for name in LOOP:
        deltas = results.table[:, results.names.index(name)] - default
        rows += [(delta, name, place, item) for delta, place, item in zip(deltas, places, items)]
    for delta, name, place, item in sorted(rows, key=lambda row: row[0][3])[:count]:
        label = f"{place}/{Path(item['noisy']).stem}"
        print(f"{label:<26}{item.get('kind', ''):<12}{name:<10}" + "".join(f"{value:>+11.3f}" for value in delta))


def report(takes, items, places, changed, options):
    """Prints everything about the recordings; the last line."""
    fixed = ["default", *options.presets]
    results = Results(takes, "all", fixed)
    preset = results.best_preset()
    columns = {"untouched": "untouched", "default": "default", "best preset": preset}
    columns |= {name: name for name in [*LOOP, "oracle"]}
    kinds, places = np.array([item.get("kind", "") for item in items]), np.array(places)
    groups = {}
    for place in dict.fromkeys(places):
        here = places == place
        found = {kind: here & (kinds == kind) for kind in sorted(set(kinds[here]))}
        groups |= (found if len(found) > 1 else {}) | {f"= {place}": here}
    if len(set(places)) > 1:
        groups["= all"] = np.ones(len(items), bool)
    for measure, title in zip(MEASURES, ("PESQ-WB", "ESTOI", "LSD in dB, lower is better", "composite")):
        print_table(title, results, groups, columns, measure)
    print(f"\n{'fixed, best first':<18}" + "".join(f"{key:>11}" for key in MEASURES))
    for name in sorted(fixed, key=lambda name: -results.of(name).mean()):
        print(f"{name:<18}" + "".join(f"{value:>11.3f}" for value in results.mean(name).values()))
    plot(options.out / "kinds.png", results, groups, columns)

    wholes = {group[2:]: chosen for group, chosen in groups.items() if group.startswith("= ")}
    print("\ngap closed" + "".join(f"{whole:>16}" for whole in wholes))
    for name in LOOP:
        shares = [results.gap_closed(name, preset, chosen) for chosen in wholes.values()]
        cells = "".join(f"{'' if share is None else f'{share:.2f}':>16}" for share in shares)
        low, high = results.doubt(name, preset)
        print(f"{name:<10}{cells}   (90 %: {low:.2f} to {high:.2f})")

    settled = {}
    long = [take for take in takes if "settled" in take["untouched"]["scores"]]
    if long:
        ends = Results(long, "settled", fixed)
        settled = {name: ends.mean(name) | {"gap_closed": ends.gap_closed(name, preset)} for name in LOOP}
        print(f"\nthe last third, {len(long)} files" + "".join(f"{key:>12}" for key in MEASURES) + f"{'gap closed':>12}")
        for label, name in columns.items():
            share = settled.get(name, {}).get("gap_closed")
            cells = "".join(f"{value:>12.3f}" for value in ends.mean(name).values())
            print(f"{label:<24}{cells}{'' if share is None else f'{share:.2f}':>12}")

    harm = np.min([results.of(name, "pesq") for name in LOOP], axis=0) - results.of("default", "pesq")
    unharmed = float((harm >= -NOTICEABLE).mean())
    print(f"\nharm: {(harm < -NOTICEABLE).sum()} of {len(harm)} files lose more than {NOTICEABLE} PESQ against the default")
    clean = kinds == "clean"
    studio = {}
    if clean.any():
        for name in ["default", *LOOP]:
            studio[name] = round(float((results.of("untouched", "pesq") - results.of(name, "pesq"))[clean].max()), 4)
        losses = ", ".join(f"{name} {loss:+.3f}" for name, loss in studio.items())
        print(f"clean speech, {clean.sum()} files: the largest loss of PESQ against untouched: {losses}")

    worst_files(results, items, places)

    told = [one for take in takes for one in take["causal"]["adaptation"]]
    medians = {key: median([one[key] for one in told]) for key in ("rounds", "converged_s")}
    if told:
        rollbacks = sum(one["rollbacks"] for one in told)
        never = sum(one["converged_s"] is None for one in told)
        print(
            f"\ncausal, {len(takes)} files: {rollbacks} rollbacks, {never} never settle; "
            f"medians: {medians['rounds']} rounds, settled after {medians['converged_s']} s"
        )
    line = {name: results.mean(name) for name in ["untouched", "default"]}
    line["best_preset"] = results.mean(preset) | {"name": preset}
    line |= {name: results.mean(name) for name in [*LOOP, "oracle"]}
    line |= {f"gap_closed_{name}": results.gap_closed(name, preset) for name in reversed(LOOP)}
    line |= {"unharmed_share": round(unharmed, 4)}
    line |= {"median_iterations": medians["rounds"], "median_converged_s": medians["converged_s"]}
    line |= {"clean_loss": studio, "settled": settled, "files": len(items)}
    if changed:
        line["after_change"] = changes(changed, preset)
    return line


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--attune", type=Path, required=True)
    parser.add_argument("--lab", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--set", type=Path, required=True, action="append", dest="sets")
    parser.add_argument("--change", type=Path)
    parser.add_argument("--settings", type=int, default=24)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    options.presets, options.program = presets(options.attune), digest(options.attune)
    for folder in ("scores", "outputs"):
        (options.out / folder).mkdir(parents=True, exist_ok=True)

    jobs = []
    folders = [*options.sets, *([options.change] if options.change else [])]
    if len({folder.resolve().name for folder in folders}) < len(folders):
        sys.exit("score-loop: two sets have the same name")
    for folder in folders:
        place = folder.resolve().name
        for index, item in enumerate(json.loads((folder / "manifest.json").read_text())["items"]):
            jobs.append((options, folder, index, item, f"{place} {Path(item['noisy']).stem}"))
    found = {}
    with ProcessPoolExecutor(options.jobs) as pool:
        waiting = {pool.submit(work, job): at for at, job in enumerate(jobs)}
        try:
            for future in as_completed(waiting):
                found[waiting[future]] = future.result()
                print(f"scored: {len(found)} of {len(jobs)} recordings", file=sys.stderr)
        except RuntimeError as error:
            pool.shutdown(cancel_futures=True)
            sys.exit(f"score-loop: {error}")
    takes, items, places, changed = [], [], [], []
    for at, (_, folder, _, item, name) in enumerate(jobs):
        if found[at] is None:
            print(f"{name}: the reference is silent; left out")
        elif folder == options.change:
            changed.append(found[at])
        else:
            takes.append(found[at])
            items.append(item)
            places.append(folder.resolve().name)
    print(json.dumps(report(takes, items, places, changed, options)))


if __name__ == "__main__":
    main()
