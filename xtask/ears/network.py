"""The networks, in JAX. `src/quality` runs them; `lab` checks that both agree."""

import jax
import jax.numpy as jnp
import numpy as np

BANDS = 32
CHANNELS, WIDE, TAPS = 64, 96, 5
DILATIONS = [1, 2, 4, 8, 16, 32, 1, 2]


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


def flatten(tree, prefix=""):
    """Nested dicts and lists to one dict with dotted names."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    flat = {}
    for key, value in items:
        name = f"{prefix}{key}"
        flat |= flatten(value, name + ".") if isinstance(value, (dict, list)) else {name: np.asarray(value)}
    return flat


def unflatten(flat):
    """The inverse of flatten."""
    tree = {}
    for name, value in flat.items():
        node = tree
        *path, last = name.split(".")
        for key in path:
            node = node.setdefault(key, {})
        node[last] = value

    def lists(node):
        if not isinstance(node, dict):
            return node
        node = {key: lists(value) for key, value in node.items()}
        return [node[str(i)] for i in range(len(node))] if node and all(k.isdigit() for k in node) else node

    return lists(tree)
