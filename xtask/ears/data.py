"""Band levels as the networks want them."""

import json
from pathlib import Path

import numpy as np

BANDS = 32
LOWEST, HIGHEST = -7.0, 2.0  # in units of 10 dB, relative to the power of the noisy recording


def reference_level(levels):
    """10 log10 of the mean power over all bands, of levels [frames, bands] in dB."""
    return 10 * np.log10(np.mean(np.sum(10 ** (levels / 10), axis=-1)) + 1e-12)


def normal(levels, zero):
    """Levels in dB to units of 10 dB above `zero`."""
    return np.clip((levels - zero) / 10, LOWEST, HIGHEST).astype(np.float32)


def load_levels(folder):
    """Of each recording of a set: noisy levels, clean levels, where there is speech."""
    items = json.loads((Path(folder) / "manifest.json").read_text())["items"]
    raw = np.memmap(Path(folder) / "levels.f32", dtype="<f4", mode="r")
    at, loaded = 0, []
    for item in items:
        count = int(raw[at : at + 1].view("<u4")[0])
        noisy, clean = np.array(raw[at + 1 : at + 1 + 2 * count * BANDS]).reshape(2, count, BANDS)
        at += 1 + 2 * count * BANDS
        zero = reference_level(noisy)
        # A quiet recording is no worse for it: the network hears no absolute levels.
        quieter = item["level_db"] if item.get("level") == "quiet" else 0.0
        power = np.sum(10 ** (clean / 10), axis=1)
        speech = (power > 10 ** (-3.5) * np.quantile(power, 0.99)).astype(np.float32)
        loaded.append((normal(noisy, zero), normal(clean + quieter, zero), speech))
    return loaded
