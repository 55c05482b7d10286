#!/usr/bin/env python3
"""Makes recordings with known problems from clean speech, noises and rooms.

    mixtures.py --materials DIR --split train|check --out DIR --count N [--seed S] [--seconds S] [--change] [--rate HZ]
                 [--jobs N]

DIR of the materials holds a manifest.json whose items have `file`, `kind` (speech, noise, rooms) and
`split`. Writes noisy/NAME.wav and clean/NAME.wav (mono, 24 bits, 7.5 s, or `--seconds`; a voice that
has less to say repeats itself) and manifest.json, which says of each item what was done to it:

- kind: noise, reverb, hum, tone, level, sibilance, clipping, clean or mixed (two or three of them);
- problems: the list of them, with their sizes: snr_db and noise, rt60 (s) and room, hum_hz and hum_db
  (hum to speech), tone and tone_db, level and level_db, sibilance_db, clip_percent;
- speaker, rate, loudness (LUFS of the reference).

The order is that of nature: voice (sibilance), room, noise, microphone (tone), hum, gain, clipping.
The reference is the dry voice with the first 50 ms of the room, steady in level, at -20 LUFS where the
level is the problem and at the level of the recording where it is not. Half of the recordings whose
problem is another one, clean ones excepted, have some noise as well, 25 to 45 dB below the speech.

With `--change` a recording has one problem until `change_s`, its middle, and from there on another, the
same voice and level: kind is `change`, `before` and `after` say what was done to the two halves.

The rates are mixed, as they are in life; with `--rate` all have the same, so that they can be joined.

Rooms are shoe boxes by pyroomacoustics (image sources), decay times 0.15 to 1.2 s, beside the real ones
of the split. Everything follows from the seed.
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyloudnorm
import pyroomacoustics as pra
import soundfile
import soxr
from scipy.signal import butter, fftconvolve, lfilter, sosfilt

RATE = 48000  # everything is made at this rate, and resampled at the end
ROOMS = 48
KINDS = {
    "noise": 0.28,
    "reverb": 0.10,
    "hum": 0.07,
    "tone": 0.12,
    "level": 0.09,
    "sibilance": 0.04,
    "clipping": 0.05,
    "clean": 0.09,
    "mixed": 0.16,
}
SYNTHETIC = ["white", "pink", "brown", "fan"]
BABBLE = "babble"


class Materials:
    def __init__(self, folder, split):
        self.folder = Path(folder)
        items = [i for i in json.loads((self.folder / "manifest.json").read_text())["items"] if i["split"] == split]
        self.speech = [i for i in items if i["kind"] == "speech" and i["seconds"] > 2.5]
        self.noise = [i for i in items if i["kind"] == "noise"]
        self.rooms = [i for i in items if i["kind"] == "rooms"]
        speakers = {}
        for item in self.speech:
            speakers.setdefault(speaker(item), []).append(item)
        self.speakers = [speakers[name] for name in sorted(speakers)]

    @lru_cache(maxsize=32)
    def load(self, file):
        samples, rate = soundfile.read(self.folder / file, always_2d=True)
        return soxr.resample(samples.mean(axis=1), rate, RATE, quality="HQ")


def speaker(item):
    """`libri-103-F.flac` and `vctk-p225_003.wav` name their speakers."""
    return Path(item["file"]).stem.split("_")[0]


def db(x):
    return 10 ** (x / 20)


def rms(x):
    return np.sqrt(np.mean(x**2) + 1e-20)


def active(x):
    """RMS over the 20 ms frames within 30 dB of the loudest."""
    frames = x[: len(x) // 960 * 960].reshape(-1, 960)
    power = (frames**2).mean(axis=1)
    return np.sqrt(power[power > power.max() * 1e-3].mean() + 1e-20)


def loudness(x):
    return pyloudnorm.Meter(RATE).integrated_loudness(x)


def voice(rng, materials, length):
    """One speaker's sentences with pauses between them."""
    files = materials.speakers[rng.integers(len(materials.speakers))]
    parts, total = [], 0
    while total < length:
        item = files[rng.integers(len(files))]
        samples = materials.load(item["file"])
        longest = int(rng.uniform(3, 8) * RATE)
        start = rng.integers(max(1, len(samples) - longest))
        part = samples[start : start + longest] / active(samples)
        fade = np.minimum(1, np.minimum(np.arange(len(part)), np.arange(len(part))[::-1]) / 960)
        pause = np.zeros(int(rng.uniform(0.2, 0.9) * RATE))
        parts += [part * fade, pause]
        total += len(part) + len(pause)
    shift = rng.integers(max(1, min(total - length, RATE)))
    return np.concatenate(parts)[shift : shift + length], speaker(files[0])


def coloured(rng, length, slope):
    """Noise whose spectrum falls by `slope` dB an octave above 20 Hz."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    hertz = np.fft.rfftfreq(length, 1 / RATE)
    return np.fft.irfft(spectrum * np.maximum(hertz, 20) ** (-slope / 6.02), length)


def noise(rng, materials, length):
    choice = rng.random()
    if choice < 0.12:
        return sum(voice(rng, materials, length)[0] for _ in range(rng.integers(3, 8))), BABBLE
    if choice < 0.28:
        name = SYNTHETIC[rng.integers(len(SYNTHETIC))]
        if name == "fan":
            t = np.arange(length) / RATE
            blades = rng.uniform(70, 240)
            tones = sum(rng.uniform(0.02, 0.3) * np.sin(2 * np.pi * k * blades * t + k) for k in range(1, 6))
            return coloured(rng, length, rng.uniform(4, 8)) * 1.0 + tones * 0.1, name
        return coloured(rng, length, {"white": 0, "pink": 3, "brown": 6}[name]), name
    item = materials.noise[rng.integers(len(materials.noise))]
    samples = materials.load(item["file"])
    start = rng.integers(max(1, len(samples) - length))
    return np.resize(samples[start : start + max(length, RATE)], length), Path(item["file"]).stem


def make_room(job):
    """An impulse response of a shoe box and its decay time."""
    seed, index = job
    rng = np.random.default_rng([seed, 77, index])
    for _ in range(40):
        size = np.array([rng.uniform(2.5, 9), rng.uniform(2.5, 7), rng.uniform(2.3, 4)])
        # The image method's order grows with decay over size: short decays for small rooms.
        wanted = rng.uniform(0.15, 1.2)
        try:
            absorption, order = pra.inverse_sabine(wanted, size)
        except ValueError:
            continue
        if order > 45:
            continue
        room = pra.ShoeBox(size, fs=RATE, materials=pra.Material(absorption), max_order=order)
        source = rng.uniform([0.6, 0.6, 1.0], size - [0.6, 0.6, 0.5])
        direction = rng.standard_normal(3)
        distance = rng.uniform(0.4, 2.5)
        microphone = np.clip(source + distance * direction / np.linalg.norm(direction), 0.3, size - 0.3)
        room.add_source(source)
        room.add_microphone(microphone)
        room.compute_rir()
        response = room.rir[0][0]
        rt60 = float(pra.experimental.measure_rt60(response, fs=RATE, decay_db=30))
        if 0.12 < rt60 < 1.4:
            return response.astype(np.float32), rt60
    raise RuntimeError("no room could be made")


def room(rng, materials, rooms):
    if materials.rooms and rng.random() < 0.15:
        item = materials.rooms[rng.integers(len(materials.rooms))]
        response = materials.load(item["file"])
        return response, float(pra.experimental.measure_rt60(response, fs=RATE, decay_db=20)), Path(item["file"]).stem
    index = rng.integers(len(rooms))
    return rooms[index][0], rooms[index][1], f"box-{index}"


def reverberate(x, response):
    """The voice in the room, and with the room's first 50 ms only; the direct sound stays in place."""
    direct = int(np.argmax(np.abs(response)))
    response = response[direct:] / np.sqrt(np.sum(response[direct:] ** 2))
    early = response.copy()
    early[int(0.05 * RATE) :] = 0
    return fftconvolve(x, response)[: len(x)], fftconvolve(x, early)[: len(x)]


def shelf(x, hertz, gain_db, high):
    """First-order shelf."""
    k, g = np.tan(np.pi * hertz / RATE), db(gain_db)
    low_pass = ([k / (1 + k), k / (1 + k)], [1, (k - 1) / (1 + k)])
    low = lfilter(*low_pass, x)
    return low + (x - low) * g if high else low * g + (x - low)


def microphone(rng, x):
    name = ["dull", "boomy", "thin"][rng.integers(3)]
    if name == "dull":
        size = rng.uniform(6, 18)
        return shelf(shelf(x, rng.uniform(1500, 4000), -size / 2, True), rng.uniform(3000, 6000), -size / 2, True), name, -size
    if name == "boomy":
        size = rng.uniform(5, 12)
        return shelf(x, rng.uniform(120, 350), size, False), name, size
    size = rng.uniform(200, 500)
    return sosfilt(butter(2, size, "high", fs=RATE, output="sos"), x), name, size


def sibilant(x, gain_db):
    """Turns the sharp s up: what is loud above 4.5 kHz against the rest, by up to `gain_db`."""
    high = sosfilt(butter(4, 4500, "high", fs=RATE, output="sos"), x)
    envelope = lambda s: np.sqrt(sosfilt(butter(1, 20, fs=RATE, output="sos"), s**2).clip(1e-12))  # noqa: E731
    share = np.clip(envelope(high) / (envelope(x) + 1e-9) * 2, 0, 1)
    return x + high * share * (db(gain_db) - 1)


def jump(rng, length):
    """A gain that jumps every 1.5 to 3 s."""
    gain, at, level = np.ones(length), 0, 0.0
    while at < length:
        step = int(rng.uniform(1.5, 3) * RATE)
        gain[at : at + step] = db(-level)
        level = 0.0 if level else rng.uniform(6, 18)
        at += step
    width = int(0.05 * RATE)
    return np.convolve(np.pad(gain, width, mode="edge"), np.hanning(width) / np.hanning(width).sum(), "same")[width:-width]


def problems(rng, kind):
    """Which problems a recording of this kind has."""
    if kind != "mixed":
        return {kind} - {"clean"}
    choices = ["noise", "reverb", "hum", "tone", "level", "sibilance", "clipping"]
    weights = np.array([0.34, 0.2, 0.1, 0.16, 0.1, 0.05, 0.05])
    return set(rng.choice(choices, size=rng.integers(2, 4), replace=False, p=weights))


def kind_of(index):
    """The kinds come in their shares however many recordings are made."""
    return list(KINDS)[int(np.searchsorted(np.cumsum(list(KINDS.values())), (index * 0.6180339887) % 1.0, side="right"))]


def spoil(rng, materials, rooms, clean, kind, has, target=None):
    """What becomes of a voice, its reference, and what was done; `target`: the level in LUFS, whatever the problem."""
    length = len(clean)
    item = {"kind": kind, "problems": sorted(has)}
    x = clean
    if "sibilance" in has:
        item["sibilance_db"] = rng.uniform(6, 14)
        x = sibilant(x, item["sibilance_db"])
    if "reverb" in has:
        response, item["rt60"], item["room"] = room(rng, materials, rooms)
        x, _ = reverberate(x, response)
        _, clean = reverberate(clean, response)
    some = kind not in ("clean", "noise") and "noise" not in has and rng.random() < 0.5
    if "noise" in has or some:
        background, item["noise"] = noise(rng, materials, length)
        item["snr_db"] = rng.uniform(25, 45) if some else rng.uniform(-5, 25)
        x = x + background * active(x) / rms(background) / db(item["snr_db"])
    if "tone" in has:
        before = active(x)
        x, item["tone"], item["tone_db"] = microphone(rng, x)
        x = x * before / active(x)
    if "hum" in has:
        item["hum_hz"] = float(rng.choice([50, 60])) * rng.uniform(0.998, 1.002)
        item["hum_db"] = -rng.uniform(0, 32)
        t = np.arange(length) / RATE
        slope = rng.uniform(0.3, 1.5)
        hum = sum(
            rng.uniform(0.3, 1) * k**-slope * np.sin(2 * np.pi * k * item["hum_hz"] * t + rng.uniform(0, 6.28))
            for k in range(1, rng.integers(2, 16))
        )
        x = x + hum / rms(hum) * active(x) * db(item["hum_db"])

    # Both to the level of the reference, then what the level does wrong.
    if target is None:
        target = -20.0 if "level" in has else usual_level(rng)
    gain = db(target - loudness(clean))
    gain = min(gain, 0.9 / max(np.abs(clean).max(), 1e-9))
    clean, x = clean * gain, x * gain
    if "level" in has:
        item["level"] = ["quiet", "jumping"][rng.integers(2)]
        if item["level"] == "quiet":
            item["level_db"] = -rng.uniform(8, 25)
            x = x * db(item["level_db"])
        else:
            curve = jump(rng, length)
            item["level_db"] = float(20 * np.log10(curve.min()))
            x = x * curve
    if "clipping" in has:
        item["clip_percent"] = 10 ** rng.uniform(-1, 0.7)
        limit = np.quantile(np.abs(x), 1 - item["clip_percent"] / 100)
        x = np.clip(x, -limit, limit)
    peak = np.abs(x).max()
    if peak > 0.98:
        clean, x = clean * 0.98 / peak, x * 0.98 / peak
    return x, clean, item


def usual_level(rng):
    return float(np.clip(rng.normal(-20, 3), -28, -14))


def change(rng, materials, rooms, voice, index):
    """One problem after the other; where they meet, 10 ms are faded."""
    first = kind_of(index)
    second = next(kind for i in range(1, 9) if (kind := kind_of(index + i)) != first)
    target, fade = usual_level(rng), np.linspace(0, 1, RATE // 100)
    halves = []
    for kind, half in zip((first, second), np.array_split(voice, 2)):
        halves.append(spoil(rng, materials, rooms, half, kind, problems(rng, kind), target))
    before, after = halves
    for side in (0, 1):
        before[side][-len(fade) :] *= fade[::-1]
        after[side][: len(fade)] *= fade
    x, clean = (np.concatenate([before[side], after[side]]) for side in (0, 1))
    return x, clean, {"kind": "change", "before": before[2], "after": after[2], "change_s": len(before[0]) / RATE}


def make(job):
    """One recording; returns its entry of the manifest."""
    options, materials, rooms, index = job
    split = {"train": 0, "check": 1}[options.split]
    item = {"id": f"{options.split}-{index:05d}"}
    length = int(options.seconds * RATE)
    if options.change:
        rng = np.random.default_rng([options.seed, split, index, 1])
        item["id"] = f"change-{item['id']}"
        clean, name = voice(rng, materials, length)
        x, clean, done = change(rng, materials, rooms, clean, index)
    else:
        rng = np.random.default_rng([options.seed, split, index])
        kind = kind_of(index)
        has = problems(rng, kind)
        clean, name = voice(rng, materials, length)
        x, clean, done = spoil(rng, materials, rooms, clean, kind, has)
    item |= done | {"speaker": name}
    item["rate"] = int(options.rate or rng.choice([48000, 48000, 44100, 16000, 16000]))
    item["loudness"] = loudness(clean)
    for side, samples in (("noisy", x), ("clean", clean)):
        item[side] = f"{side}/{item['id']}.wav"
        samples = soxr.resample(samples, RATE, item["rate"], quality="VHQ")
        soundfile.write(Path(options.out) / item[side], samples.clip(-1, 1 - 2**-23), item["rate"], subtype="PCM_24")
    return item


_shared = {}


def start(options, materials, rooms):
    _shared.update(options=options, materials=materials, rooms=rooms)


def make_indexed(index):
    return make((_shared["options"], _shared["materials"], _shared["rooms"], index))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--materials", type=Path, required=True)
    parser.add_argument("--split", choices=["train", "check"], required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=7.5)
    parser.add_argument("--change", action="store_true")
    parser.add_argument("--rate", type=int, default=None)
    parser.add_argument("--jobs", type=int, default=None)
    options = parser.parse_args()
    for side in ("noisy", "clean"):
        (options.out / side).mkdir(parents=True, exist_ok=True)
    materials = Materials(options.materials, options.split)
    split = {"train": 0, "check": 1}[options.split]
    with ProcessPoolExecutor(options.jobs) as pool:
        rooms = list(pool.map(make_room, [(options.seed * 2 + split, i) for i in range(ROOMS)]))
    with ProcessPoolExecutor(options.jobs, initializer=start, initargs=(options, materials, rooms)) as pool:
        items = list(pool.map(make_indexed, range(options.count), chunksize=4))
    manifest = {"split": options.split, "seed": options.seed, "items": items}
    (options.out / "manifest.json").write_text(json.dumps(manifest, indent=1))


if __name__ == "__main__":
    main()
