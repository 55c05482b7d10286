use super::devices;
use crate::engine::{ConfigError, Engine, EngineConfig, Latency};
use crate::settings::{Preset, Settings};
use std::fmt::Write;
use std::time::Instant;

/// The blocks that are measured, frames, at this rate.
const BLOCKS: [usize; 3] = [64, 128, 256];
const RATE: u32 = 48_000;
/// Seconds of sound for each.
const SECONDS: usize = 6;

/// Looks at what live sound needs of this computer, and says in plain words what to change.
///
/// # Errors
/// When the engine can't be built.
pub fn examine(host: Option<&str>) -> Result<String, ConfigError> {
    let mut text = String::from(
        "engine, share of the time there is (half of all blocks below p50; one in a thousand above p99.9)\n",
    );
    let mut advice = Vec::new();
    for (name, settings) in [("defaults", Settings::default()), ("podcast", preset("podcast"))] {
        for block in BLOCKS {
            let [p50, p999] = load(&settings, block)?;
            let _ =
                writeln!(text, "  {name:9} {block:4} frames: p50 {:5.1} %, p99.9 {:5.1} %", 100.0 * p50, 100.0 * p999);
            if p999 > 0.7 && block == 256 {
                advice.push("the engine hardly keeps up: close other programs, or use --buffer 512".to_owned());
            }
        }
    }
    match devices::host(host) {
        Ok(host) => {
            let list = devices::list(&host);
            if list.contains("  none\n") {
                advice.push("there is no microphone or no output: plug one in, or start the sound server".into());
            }
            text += &list;
        }
        Err(error) => advice.push(error.to_string()),
    }
    system(&mut text, &mut advice);
    advice.dedup();
    if advice.is_empty() {
        text += "all is well\n";
    }
    for line in advice {
        let _ = writeln!(text, "to do: {line}");
    }
    Ok(text)
}

fn preset(name: &str) -> Settings {
    Preset::find(name).map(|preset| preset.settings).unwrap_or_default()
}

/// The median and the 99.9th percentile of the load.
fn load(settings: &Settings, block: usize) -> Result<[f32; 2], ConfigError> {
    let mut engine = Engine::new(EngineConfig { sample_rate: RATE, channels: 1, latency: Latency::Live })?;
    engine.set(settings);
    engine.reset();
    let deadline = block as f32 / RATE as f32;
    // Something like a voice: a tone that comes and goes, with noise.
    let mut state = 1u32;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let mut loads: Vec<f32> = (0..SECONDS * RATE as usize / block)
        .map(|i| {
            let mut sound: Vec<f32> = (0..block)
                .map(|j| {
                    let t = (i * block + j) as f32 / RATE as f32;
                    0.2 * (900.0 * t).sin() * (20.0 * t).sin().max(0.0) + 0.02 * noise()
                })
                .collect();
            let began = Instant::now();
            engine.process(&mut [&mut sound]);
            began.elapsed().as_secs_f32() / deadline
        })
        .collect();
    loads.sort_by(f32::total_cmp);
    Ok([0.5, 0.999].map(|share| loads[((loads.len() - 1) as f32 * share) as usize]))
}

#[cfg(not(target_os = "linux"))]
fn system(_text: &mut String, _advice: &mut Vec<String>) {}

/// Priorities and the speed of the processor.
#[cfg(target_os = "linux")]
fn system(text: &mut String, advice: &mut Vec<String>) {
    use std::fs::read_to_string;
    let limits = read_to_string("/proc/self/limits").unwrap_or_default();
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max realtime priority"));
    let limit = limit.and_then(|line| line.split_whitespace().next()).unwrap_or("unknown");
    let _ = writeln!(text, "real-time priority: at most {limit}");
    if limit == "0" {
        advice.push(
            "the audio thread gets no real-time priority: add \"@audio - rtprio 95\" to /etc/security/limits.d/audio.conf, \
             join the group audio, and log in again"
                .into(),
        );
    }
    if let Ok(governor) = read_to_string("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") {
        let governor = governor.trim();
        let _ = writeln!(text, "CPU governor: {governor}");
        if governor == "powersave" {
            advice.push("the processor saves power: \"cpupower frequency-set -g performance\" makes it steady".into());
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_tells_the_load_and_never_fails() {
        let text = super::examine(Some("no such system")).unwrap();
        assert_eq!(text.matches("p99.9").count(), 7, "{text}");
        assert!(text.contains("to do: there is no audio system \"no such system\""), "{text}");
    }
}
