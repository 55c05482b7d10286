"""The networks, in JAX. `src/quality` runs them; `lab` checks that both agree."""

import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import save_file

BANDS = 32
CHANNELS, WIDE, TAPS = 64, 96, 5
DILATIONS = [1, 2, 4, 8, 16, 32, 1, 2]
LIMIT = 4.0  # inputs are limited to so many spreads


def dense(rng, inputs, outputs, gain=1.0):
    return {
        "w": (gain * rng.standard_normal((inputs, outputs)) / np.sqrt(inputs)).astype(np.float32),
        "b": np.zeros(outputs, np.float32),
    }


def reference_init(rng):
    return {
        "in": dense(rng, BANDS, CHANNELS),
        "statistics": dense(rng, 3 * BANDS, CHANNELS),
        "blocks": [
            {
                "taps": (0.5 * rng.standard_normal((TAPS, CHANNELS)) / np.sqrt(TAPS)).astype(np.float32),
                "up": dense(rng, CHANNELS, WIDE),
                "down": dense(rng, WIDE, CHANNELS, 0.3),
            }
            for _ in DILATIONS
        ],
        "median": dense(rng, CHANNELS, BANDS, 0.1),
        "scale": dense(rng, CHANNELS, BANDS, 0.1),
        "voice": dense(rng, CHANNELS, 1, 0.1),
    }


def apply(layer, x):
    return x @ layer["w"] + layer["b"]


def statistics(x):
    """Of each band over time: mean, and the levels below which a tenth and nine tenths lie."""
    ordered = jnp.sort(x, axis=0)
    last = x.shape[0] - 1
    return jnp.concatenate([x.mean(axis=0), ordered[last // 10], ordered[last - last // 10]])


def shifted(h, by):
    """Frame t of the result is frame t + by; nothing beyond the ends."""
    if by == 0:
        return h
    pad = jnp.zeros((min(abs(by), h.shape[0]), h.shape[1]), h.dtype)
    return jnp.concatenate([h[by:], pad]) if by > 0 else jnp.concatenate([pad, h[:by]])


def reference(weights, x):
    """Levels of the noisy recording [frames, BANDS] to median, scale and logit of speech."""
    h = apply(weights["in"], x) + apply(weights["statistics"], statistics(x))
    for block, dilation in zip(weights["blocks"], DILATIONS):
        d = sum(block["taps"][k] * shifted(h, (k - TAPS // 2) * dilation) for k in range(TAPS))
        h = h + apply(block["down"], jax.nn.relu(apply(block["up"], d)))
    median = x + apply(weights["median"], h)
    scale = 0.05 + jax.nn.softplus(apply(weights["scale"], h) - 1.0)
    return median, scale, apply(weights["voice"], h)[:, 0]


class Scale:
    """Centre and spread of each input; those in `hidden` are not seen."""

    def __init__(self, x, hidden=()):
        flat = x.reshape(-1, x.shape[-1])
        self.centre = np.median(flat, axis=0).astype(np.float32)
        # What never changes says nothing, and must not explode elsewhere.
        self.spread = np.maximum(flat.std(axis=0), 1e-2 + 0.02 * np.abs(self.centre)).astype(np.float32)
        self.spread[list(hidden)] = 1e9

    def __call__(self, x):
        return np.clip((x - self.centre) / self.spread, -LIMIT, LIMIT).astype(np.float32)


def perceptron_init(rng, *sizes):
    return [dense(rng, a, b, 0.1 if b == sizes[-1] else 1.4) for a, b in zip(sizes, sizes[1:])]


def perceptron(weights, x, masks=()):
    """Normalised inputs [..., count] to outputs; `masks` drop units of the first layers in training."""
    for index, layer in enumerate(weights):
        x = apply(layer, x)
        if index < len(weights) - 1:
            x = jax.nn.silu(x)
        if index < len(masks):
            x = x * masks[index]
    return x


def score(weights, x, masks=()):
    """What a perceptron of one output says."""
    return perceptron(weights, x, masks)[..., 0]


def sigma(weights, x):
    """What the network of doubts says; no difference is known better than to 0.02."""
    return 0.02 + jnp.exp(score(weights, x))


def quantised(tree):
    """The weights as they are stored: those of dense layers in 8 bits with a unit for each output."""
    if isinstance(tree, list):
        return [quantised(value) for value in tree]
    if isinstance(tree, dict):
        return {key: rounded(value) if key == "w" else quantised(value) for key, value in tree.items()}
    return np.asarray(tree, np.float32)


def unit(weights):
    return (np.abs(weights).max(axis=0) / 127 + 1e-12).astype(np.float32)


def rounded(weights):
    weights = np.asarray(weights)
    return np.round(weights / unit(weights)).astype(np.float32) * unit(weights)


def tensors(tree, name):
    """What is stored of quantised weights, by name."""
    found = {}
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        here = f"{name}.{key}"
        if isinstance(value, (dict, list)):
            found |= tensors(value, here)
        elif key == "w":
            found[here] = np.round(value / unit(value)).astype(np.int8)
            found[f"{name}.s"] = unit(value)
        else:
            found[here] = np.ascontiguousarray(value, np.float32)
    return found


def save_reference(weights, path, about):
    """Writes the weights, and an example that shows whether they are run as they should be."""
    weights = quantised(weights)
    rng = np.random.default_rng(1)
    x = (rng.standard_normal((12, BANDS)) - 2).astype(np.float32)
    median, scale, voice = reference(weights, x)
    example = {"input": x, "median": median, "scale": scale, "voice": jax.nn.sigmoid(voice)}
    example = {f"example.{key}": np.ascontiguousarray(value, np.float32) for key, value in example.items()}
    metadata = {key: str(value) for key, value in about.items()}
    save_file(tensors(weights, "reference") | example, path, metadata=metadata)


def save_score(members, doubt, scale, faults, takes, path, about):
    """Writes the ensemble and the network of its doubts, and what they say of a take (the first of
    `takes`; the second is the untouched input) as an example."""
    members, doubt, count = quantised(members), quantised(doubt), len(faults)
    take, untouched = takes
    z = scale(takes)
    fault = np.array([take[:count] + take[count : 2 * count], take[count : 2 * count]]) @ faults
    scores = np.array([score(m, z) for m in members]) - fault
    difference = scores[:, 0] - scores[:, 1]
    logs = [np.log(difference.std() + 1e-3), np.log(np.abs(difference.mean()) + 1e-2)]
    doubts = np.concatenate([np.abs(z[0] - z[1])[:count], z[0, count:], logs]).astype(np.float32)
    example = {
        "take": take[:count] + take[count : 2 * count],
        "untouched": take[count : 2 * count],
        "context": take[2 * count :],
        "scores": scores[:, 0],
        "sigma": [sigma(doubt, doubts)],
    }
    example = {f"example.{key}": np.ascontiguousarray(value, np.float32) for key, value in example.items()}
    scales = {"score.centre": scale.centre, "score.spread": scale.spread, "score.faults": faults}
    metadata = {key: str(value) for key, value in about.items()}
    save_file(tensors(members, "score") | tensors(doubt, "doubt") | scales | example, path, metadata=metadata)
