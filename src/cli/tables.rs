//! The presets and the settings, for reading.

use crate::settings::{Kind, Preset, TABLE};
use serde_json::json;
use std::fmt::Write;

/// The presets with their descriptions.
pub fn presets() -> String {
    let mut text = String::new();
    for preset in Preset::built_in() {
        let _ = writeln!(text, "{:<14} {}", preset.name, preset.description);
    }
    text + "\nUse one with `attune enhance FILE --preset NAME`; see what is in it with `attune presets show NAME`.\n"
}

/// The table of settings.
pub fn settings() -> String {
    let mut text = String::new();
    let mut group = "";
    for spec in TABLE {
        if spec.group != group {
            group = spec.group;
            let _ = writeln!(text, "{}{group}", if text.is_empty() { "" } else { "\n" });
        }
        let default = spec.format(spec.default);
        let _ = writeln!(text, "  {:<17} {:<28} default {default}\n  {:17} {}", spec.id, spec.allowed(), "", spec.help);
    }
    text + "\nChange one with `attune enhance FILE --set ID=VALUE`.\n"
}

/// The table of settings for programs.
pub fn settings_json() -> String {
    let rows: Vec<_> = TABLE
        .iter()
        .map(|spec| match spec.kind {
            Kind::Choice(choices) => json!({
                "id": spec.id, "name": spec.name, "group": spec.group, "choices": choices,
                "default": choices[spec.default as usize], "help": spec.help,
            }),
            Kind::Number => json!({
                "id": spec.id, "name": spec.name, "group": spec.group, "unit": spec.unit.suffix().trim(),
                "min": number(spec.min), "max": number(spec.max), "safe": [number(spec.safe.0), number(spec.safe.1)],
                "default": number(spec.default), "taper": format!("{:?}", spec.taper).to_lowercase(), "help": spec.help,
            }),
        })
        .collect();
    format!("{:#}\n", json!({ "settings": rows }))
}

/// An `f32` as people wrote it: 0.3, not 0.30000001192092896.
pub fn number(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_default()
}
