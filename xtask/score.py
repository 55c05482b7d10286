#!/usr/bin/env python3
"""Scores enhanced files against their clean references, beside the untouched noisy input.

    score.py --manifest SET/manifest.json --processed DIR [--clean] [--json] [--jobs N]

DIR holds one enhanced file for each item of the manifest, named like its noisy file (with `--clean`:
like its clean file), of the same rate and length and aligned with it. Needs numpy, soundfile, soxr,
pesq and pystoi. The last line on stdout is one JSON object.

The measures, at 16 kHz (soxr VHQ), against the manifest's `clean`:

- PESQ-WB (ITU-T P.862.2); 1.04, its floor, where STOI < 0.4 (PESQ scores a muted clip absurdly high)
  or where it finds no speech in the reference.
- STOI and ESTOI (Taal 2011, Jensen & Taal 2016).
- SI-SDR in dB (Le Roux 2019), means removed, 1e-12 added to both energies.
- Segmental SNR in dB: frames of 30 ms every 7.5 ms under a Hann window, each limited to -10..35 dB,
  mean over all frames (Hansen & Pellom 1998).

A file with a silent reference stays in the means as these rules fall out (PESQ 1.04, STOI 0, SI-SDR
near -127 dB, segmental SNR -10 dB): published means of such a set contain it. The table also shows
the means without it.

`--clean` asks what is done to clean speech: the clean files are the input. Limiting segmental SNR to 35 dB
would hide the answer, so here it's limited to 100 dB and taken over the frames with speech, those within
40 dB of the loudest; `ssnr_all` takes every frame that isn't digital silence. Silent files are left out.
"""

import argparse
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one process a core; before numpy is imported

import numpy as np  # noqa: E402
import soundfile  # noqa: E402
import soxr  # noqa: E402
from pesq import NoUtterancesError, pesq  # noqa: E402
from pystoi import stoi  # noqa: E402

RATE = 16000
PESQ_FLOOR = 1.04
MEASURES = {"pesq": "PESQ-WB", "stoi": "STOI", "estoi": "ESTOI", "si_sdr": "SI-SDR dB", "ssnr": "SSNR dB"}


def load(path):
    """Samples of a file, mono."""
    samples, rate = soundfile.read(path, dtype="float64", always_2d=True)
    return samples.mean(axis=1), rate


def at_16k(samples, rate):
    return samples if rate == RATE else soxr.resample(samples, rate, RATE, quality="VHQ")


def si_sdr(clean, x):
    clean, x = clean - clean.mean(), x - x.mean()
    target = clean * (clean @ x) / (clean @ clean + 1e-12)
    error = x - target
    return 10 * np.log10((target @ target + 1e-12) / (error @ error + 1e-12))


def segments(clean, x, limit):
    """Energy of the reference and SNR in dB, per frame."""
    length, step = RATE * 30 // 1000, RATE * 30 // 4000
    window = np.hanning(length + 2)[1:-1]
    frames = lambda s: np.lib.stride_tricks.sliding_window_view(s, length)[::step] * window  # noqa: E731
    signal = (frames(clean) ** 2).sum(axis=1)
    noise = (frames(clean - x) ** 2).sum(axis=1)
    snr = 10 * np.log10(signal / (noise + 1e-10) + 1e-10)
    return signal, np.clip(snr, -10, limit)


def measure(clean, x, of_clean):
    """All measures of one signal at 16 kHz."""
    np.random.seed(0)  # ESTOI adds a trace of noise
    intelligibility = stoi(clean, x, RATE)
    try:
        quality = PESQ_FLOOR if intelligibility < 0.4 else pesq(RATE, clean, x, "wb")
    except NoUtterancesError:
        quality = PESQ_FLOOR
    energy, snr = segments(clean, x, 100 if of_clean else 35)
    result = {
        "pesq": quality,
        "stoi": intelligibility,
        "estoi": stoi(clean, x, RATE, extended=True),
        "si_sdr": si_sdr(clean, x),
        "ssnr": snr.mean(),
    }
    if of_clean:
        result["ssnr"] = snr[energy > energy.max() * 1e-4].mean()
        result["ssnr_all"] = snr[energy > 0].mean()
    return {key: float(value) for key, value in result.items()}


def score(job):
    """Scores of the untouched and of the processed file of one item; None if there is nothing to score."""
    folder, processed, item, of_clean = job
    source = Path(item["clean" if of_clean else "noisy"])
    before, rate = load(folder / source)
    after, rate_after = load(processed / source.name)
    if (len(after), rate_after) != (len(before), rate):
        raise ValueError(
            f"{processed / source.name}: {len(after)} samples at {rate_after} Hz; the input has {len(before)} at {rate} Hz"
        )
    if not np.isfinite(after).all():
        raise ValueError(f"{processed / source.name}: holds samples that are no finite numbers")
    clean, clean_rate = load(folder / item["clean"])
    silent = not clean.any()
    if silent and of_clean:
        return None
    clean, before, after = at_16k(clean, clean_rate), at_16k(before, rate), at_16k(after, rate)
    return {
        "name": source.stem,
        "snr_db": item.get("snr_db"),
        "silent": silent,
        "before": None if of_clean else measure(clean, before, False),
        "after": measure(clean, after, of_clean),
    }


def mean(rows, side, key):
    return float(np.mean([row[side][key] for row in rows]))


def table(rows, of_clean):
    """Means per SNR and over all, before → after, and the files that lost most."""
    if of_clean:
        keys = [*MEASURES.items(), ("ssnr_all", "all frames")]
        print(f"{'clean input':<16}" + "".join(f"{name:>12}" for _, name in keys))
        for name, group in [*((row["name"], [row]) for row in rows), ("mean", rows)]:
            print(f"{name:<16}" + "".join(f"{mean(group, 'after', key):>12.3f}" for key, _ in keys))
        return
    print(f"{'input SNR':<16}{'files':>5}" + "".join(f"{name:>18}" for name in MEASURES.values()))
    levels = sorted({row["snr_db"] for row in rows if row["snr_db"] is not None})
    groups = [(f"{level:+g} dB", [row for row in rows if row["snr_db"] == level]) for level in levels]
    heard = [row for row in rows if not row["silent"]]
    groups.append(("mean", rows))
    if len(heard) < len(rows):
        groups.append(("with speech", heard))
    for name, group in groups:
        if not group:
            continue
        cells = (
            f"{mean(group, 'before', key):.3f} → {mean(group, 'after', key):.3f}"
            if key in ("pesq", "stoi", "estoi")
            else f"{mean(group, 'before', key):.2f} → {mean(group, 'after', key):.2f}"
            for key in MEASURES
        )
        print(f"{name:<16}{len(group):>5}" + "".join(f"{cell:>18}" for cell in cells))
    for row in rows:
        if row["silent"]:
            print(f"{row['name']}: the reference is silent; counted as PESQ {PESQ_FLOOR}, STOI 0")
    for key in ("pesq", "stoi"):
        worst = sorted((row["after"][key] - row["before"][key], row["name"]) for row in heard)[:3]
        print(f"least gain in {MEASURES[key]}: " + ", ".join(f"{name} {delta:+.3f}" for delta, name in worst))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--manifest", type=Path, required=True, help="manifest.json of the set")
    parser.add_argument("--processed", type=Path, required=True, help="folder of the enhanced files")
    parser.add_argument("--clean", action="store_true", help="the processed files come from the clean ones")
    parser.add_argument("--json", action="store_true", help="the JSON line only, with the scores of each file")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (all cores)")
    options = parser.parse_args()

    items = json.loads(options.manifest.read_text())["items"]
    jobs = [(options.manifest.parent, options.processed, item, options.clean) for item in items]
    try:
        with ProcessPoolExecutor(max(1, options.jobs)) as pool:
            rows = [row for row in pool.map(score, jobs) if row]
    except (OSError, ValueError, soundfile.LibsndfileError) as error:
        sys.exit(f"score: {error}")
    if not rows:
        sys.exit("score: the set has no file to score")

    summary = {key: round(mean(rows, "after", key), 4) for key in rows[0]["after"]}
    summary["files"] = len(rows)
    if not options.clean:
        for key in ("pesq", "stoi"):
            deltas = [row["after"][key] - row["before"][key] for row in rows if not row["silent"]]
            summary[f"worst_{key}_delta"] = round(min(deltas, default=0.0), 4)
    if options.json:
        summary["by_file"] = rows
    else:
        table(rows, options.clean)
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
