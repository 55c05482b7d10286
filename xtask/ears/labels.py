#!/usr/bin/env python3
"""PESQ of mixtures rendered through many settings.

    labels.py --set DIR --lab PROGRAM (--settings N [--seed S] [--around-openings] [--consistent] | --openings)
              [--jobs N]

DIR is a folder made by mixtures.py. Writes DIR/pesq.npy, one row per recording, one column per setting,
and keeps what it has in DIR/pesq/ so that a stopped run goes on where it was; of the tuner's openings
DIR/openings.npy and DIR/openings/. PESQ-WB (ITU-T P.862.2) at 16 kHz against the clean reference, both
without the pre-roll; 1.04, its floor, where it finds no speech.

With `--consistent` there are no labels (NaN) of recordings on which PESQ contradicts itself: it says something else by
half a point or more of the recording once both lose what is below 100 Hz, where there is hardly any speech. Where a
rumble is made louder it now and then gives 2.5 to what deserves 4.6, and 4.5 again to the next candidate.
"""

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402
import soundfile  # noqa: E402
import soxr  # noqa: E402
from pesq import PesqError, pesq  # noqa: E402
from scipy.signal import butter, sosfilt  # noqa: E402

RATE = 16000
PREROLL = 1.5  # seconds; as in `lab`
FLOOR = 1.04
CONTRADICTION = 0.5
HIGH_PASS = butter(4, 100, "highpass", fs=RATE, output="sos")


def opinion(reference, output):
    """PESQ of an output at 16 kHz."""
    try:
        return float(pesq(RATE, reference.astype(np.float32), output.astype(np.float32), "wb"))
    except PesqError:
        return FLOOR


def contradicts_itself(reference, recording):
    filtered = [sosfilt(HIGH_PASS, x) for x in (reference, recording)]
    return abs(opinion(*filtered) - opinion(reference, recording)) >= CONTRADICTION


def narrow(samples, rate):
    """Samples at the rate of PESQ."""
    return samples if rate == RATE else soxr.resample(samples, rate, RATE, quality="HQ")


def render(options, index, noisy):
    """The program's output for each of the settings, one after the other, at the recording's rate."""
    sampled = ["--settings", str(options.settings), "--seed", str(options.seed + index)]
    if options.around_openings:
        sampled.append("--around-openings")
    which = ["render-openings"] if options.openings else ["render", *sampled]
    command = [options.lab, *which, noisy]
    return np.frombuffer(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout, dtype="<f4")


def label(job):
    options, kept_in, index, item = job
    done = kept_in / f"{item['id']}.npy"
    if done.exists() and (options.openings or len(np.load(done)) == options.settings):
        return np.load(done)
    noisy = options.folder / item["noisy"]
    clean, rate = soundfile.read(options.folder / item["clean"])
    begin = int(PREROLL * rate)
    clean = clean[begin:]
    reference = narrow(clean, rate)
    if options.consistent and contradicts_itself(reference, narrow(soundfile.read(noisy)[0][begin:], rate)):
        scores = np.full(options.settings, np.nan)
    else:
        outputs = render(options, index, noisy).reshape(-1, len(clean))
        scores = np.array([opinion(reference, narrow(output, rate)) for output in outputs])
    np.save(done, scores)
    return scores


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", type=Path, required=True, dest="folder")
    parser.add_argument("--lab", type=Path, required=True)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--settings", type=int)
    which.add_argument("--openings", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--around-openings", action="store_true")
    parser.add_argument("--consistent", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    kept_in = options.folder / ("openings" if options.openings else "pesq")
    kept_in.mkdir(exist_ok=True)
    items = json.loads((options.folder / "manifest.json").read_text())["items"]
    jobs = [(options, kept_in, i, item) for i, item in enumerate(items)]
    rows = []
    with ProcessPoolExecutor(options.jobs) as pool:
        for row in pool.map(label, jobs):
            rows.append(row)
            if len(rows) % 20 == 0 or len(rows) == len(items):
                print(f"PESQ: {len(rows)} of {len(items)} recordings", file=sys.stderr)
    np.save(kept_in.with_suffix(".npy"), np.array(rows))


if __name__ == "__main__":
    main()
