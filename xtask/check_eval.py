#!/usr/bin/env python3
"""Compares `attune eval` with pystoi and with score.py, on the noisy files of a set.

    check_eval.py --manifest SET/manifest.json --attune PROGRAM

Three times: on the files as they are, on copies at 16 kHz (soxr VHQ), and on those copies delayed by
50 ms, which must make no difference. Fails where STOI or ESTOI differs from pystoi's by more than 0.001,
where a delay is not found, or where a silent reference is not told apart. The last line on stdout is one
JSON object.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import score  # first: it limits the threads of numpy
import numpy as np
import soundfile
from pystoi import stoi

TOLERANCE = 0.001
DELAY_MS = 50
MEASURES = ("stoi", "estoi", "si_sdr_db", "ssnr_db")


def known(clean, noisy, rate):
    """The measures as Python has them; None where the reference is silent."""
    if not clean.any():
        return None
    np.random.seed(0)  # ESTOI adds a trace of noise
    wide = score.at_16k(clean, rate), score.at_16k(noisy, rate)
    return {
        "stoi": stoi(clean, noisy, rate),
        "estoi": stoi(clean, noisy, rate, extended=True),
        "si_sdr_db": score.si_sdr(*wide),
        "ssnr_db": score.segments(*wide, 35)[1].mean(),
    }


def compare(attune, folder, items, wanted, delay_ms=0):
    """The largest difference of each measure, and what is wrong."""
    command = [attune, "eval", "--manifest", folder / "manifest.json", "--processed", folder / "noisy", "--json"]
    result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
    worst, wrong = dict.fromkeys(MEASURES, 0.0), []
    for item, file, known in zip(items, result["files"], wanted, strict=True):
        if known is None:
            if any(value is not None for value in file["measures"].values()):
                wrong.append(f"{item['id']}: has measures, but a silent reference")
            continue
        if abs(file["delay_ms"] - delay_ms) > 1e-3:
            wrong.append(f"{item['id']}: a delay of {file['delay_ms']} ms is found, not {delay_ms}")
        for key in MEASURES:
            difference = abs(file["measures"][key] - known[key])
            worst[key] = max(worst[key], difference)
            if key.endswith("stoi") and difference > TOLERANCE:
                wrong.append(f"{item['id']}: {key} {file['measures'][key]:.4f}, pystoi {known[key]:.4f}")
    return worst, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--manifest", type=Path, required=True, help="manifest.json of the set")
    parser.add_argument("--attune", type=Path, required=True, help="the program")
    options = parser.parse_args()
    folder = options.manifest.parent
    items = json.loads(options.manifest.read_text())["items"]

    with tempfile.TemporaryDirectory() as temporary:
        copies = {name: Path(temporary, name) for name in ("at 16 kHz", "delayed")}
        for copy in copies.values():
            for side in ("clean", "noisy"):
                (copy / side).mkdir(parents=True)
            named = [{side: f"{side}/{Path(item[side]).name}" for side in ("clean", "noisy")} for item in items]
            (copy / "manifest.json").write_text(json.dumps({"items": named}))
        as_they_are, at_16k = [], []
        for item in items:
            sides = {side: score.load(folder / item[side]) for side in ("clean", "noisy")}
            rate = sides["clean"][1]
            as_they_are.append(known(sides["clean"][0], sides["noisy"][0], rate))
            wide = {side: score.at_16k(*sides[side]).astype("float32") for side in sides}
            at_16k.append(known(*(wide[side].astype(float) for side in ("clean", "noisy")), score.RATE))
            for name, copy in copies.items():
                for side, samples in wide.items():
                    if (name, side) == ("delayed", "noisy"):
                        samples = np.concatenate([np.zeros(score.RATE * DELAY_MS // 1000, "float32"), samples])
                    soundfile.write(copy / side / Path(item[side]).name, samples, score.RATE, "FLOAT")
        runs = {
            "as they are": compare(options.attune, folder, items, as_they_are),
            "at 16 kHz": compare(options.attune, copies["at 16 kHz"], items, at_16k),
            "delayed": compare(options.attune, copies["delayed"], items, at_16k, DELAY_MS),
        }

    print(f"{'largest difference':<20}" + "".join(f"{key:>12}" for key in MEASURES))
    for name, (worst, wrong) in runs.items():
        print(f"{name:<20}" + "".join(f"{worst[key]:>12.6f}" for key in MEASURES))
        for line in wrong:
            print(f"  {line}")
    ok = not any(wrong for _, wrong in runs.values())
    largest = {key: round(max(worst[key] for worst, _ in runs.values()), 6) for key in MEASURES}
    print(json.dumps({"ok": ok, "files": len(items), "silent": as_they_are.count(None), **largest}))
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
