//! The CLAP in a host of its own.

mod hosts;

use attune::engine::{EngineConfig, Latency};
use attune::settings::{COUNT, Id, Kind, Offsets, Settings, TABLE};
use clack_extensions::remote_controls::{PluginRemoteControls, RemoteControlsPageBuffer};
use clack_extensions::render::RenderMode;
use clack_host::prelude::PluginAudioConfiguration;
use hosts::clap::{Change, Plugin};
use hosts::{common, enhanced, settings, speech, studio};

/// The changes that bring the parameters to these settings.
fn changes(settings: &Settings) -> Vec<Change<'static>> {
    let travel = |id: Id| match id.spec().kind {
        Kind::Number => f64::from(id.spec().normalise(settings[id])),
        Kind::Choice(names) => f64::from(settings[id]) / (names.len() - 1) as f64,
    };
    let moved = Id::all().filter(|id| settings[*id] != id.spec().default);
    moved.map(|id| (0, id.spec().name, travel(id))).collect()
}

#[test]
fn parameters_are_the_table_with_text_both_ways() {
    let mut plugin = Plugin::new();
    for spec in TABLE {
        let info = plugin.infos[spec.name].clone();
        assert_eq!(info.module, spec.group);
        assert_eq!(plugin.text(spec.name, info.default), spec.format(spec.default));
        for travel in [0.0, 0.25, 1.0] {
            let value = match spec.kind {
                Kind::Number => travel,
                Kind::Choice(_) => (travel * info.max).round(),
            };
            let text = plugin.text(spec.name, value);
            let again = plugin.value(spec.name, &text).expect("its own text is understood");
            assert_eq!(plugin.text(spec.name, again), text);
        }
        assert_eq!(plugin.value(spec.name, "nonsense"), None);
    }
    assert_eq!(plugin.infos.len(), TABLE.len() + 8);
    assert_eq!(plugin.value("Reduction", "12 dB"), Some(f64::from(Id::Reduction.spec().normalise(12.0))));
    assert_eq!(plugin.value("Amount", "50 %"), Some(0.5));
    assert_eq!(plugin.text("Style", 1.0), "balanced");
}

#[test]
fn the_sound_is_the_librarys_at_any_rate_and_block() {
    for (rate, channels, blocks) in
        [(44_100, 2, &[512][..]), (48_000, 1, &[1, 7, 333, 64]), (96_000, 2, &[4096]), (48_000, 2, &[1])]
    {
        let input = common::syllables(studio(rate, channels), rate as usize / 2);
        let mut plugin = Plugin::fixed();
        plugin.set(&changes(&settings()));
        let played = plugin.play(rate, &input, blocks, &[]);
        let engine = common::engine(studio(rate, channels), &settings());
        assert_eq!(played.latency, engine.latency());
        assert!(played.tail as usize > played.latency);
        assert!(played.output == enhanced(studio(rate, channels), &settings(), &input), "{rate} {channels} {blocks:?}");
    }
}

#[test]
fn automation_takes_effect_at_its_sample() {
    let config = studio(48_000, 1);
    let input = common::syllables(config, 48_000);
    let at = 20_011;
    let after = Settings::default().with(Id::OutputGain, Id::OutputGain.spec().denormalise(0.25));
    let played = Plugin::fixed().play(48_000, &input, &[4096], &[(at, "Output gain", 0.25)]);
    let mut engine = common::engine(config, &Settings::default());
    let mut expected = input.clone();
    common::process(&mut engine, &mut expected, 0..at as usize);
    engine.set(&after);
    common::process(&mut engine, &mut expected, at as usize..48_000);
    assert!(played.output == expected);
    // Whatever the host's blocks.
    let again = Plugin::fixed().play(48_000, &input, &[77], &[(at, "Output gain", 0.25)]);
    assert!(again.output == expected);
}

/// Ardour tells VST3s the value at the end of each block as if it came after it.
#[test]
fn an_event_behind_the_last_sample_is_heard() {
    let mut plugin = Plugin::fixed();
    let audio = PluginAudioConfiguration { sample_rate: 48_000.0, min_frames_count: 1, max_frames_count: 512 };
    let processor = plugin.instance.activate(|_, _| (), audio).unwrap();
    let late = [512, 513, u32::MAX].map(|time| plugin.events(&[(time, "Output gain", 0.25)]));
    let stopped = std::thread::scope(|scope| {
        let audio = scope.spawn(|| {
            let mut processor = processor.start_processing().unwrap();
            for events in &late {
                hosts::clap::process(&mut processor, vec![vec![0.1; 512]; 2], events);
            }
            processor.stop_processing()
        });
        audio.join().unwrap()
    });
    plugin.instance.deactivate(stopped);
    assert_eq!(plugin.values()["Output gain"], 0.25);
}

#[test]
fn remote_controls_have_every_setting_once() {
    let mut plugin = Plugin::new();
    let pages: PluginRemoteControls = plugin.instance.plugin_handle().get_extension().unwrap();
    let handle = plugin.instance.plugin_handle();
    let mut listed = Vec::new();
    for index in 0..pages.count(&handle) {
        let mut buffer = RemoteControlsPageBuffer::new();
        let page = pages.get(&handle, index, &mut buffer).unwrap();
        assert!(!page.section_name.is_empty() && !page.page_name.is_empty());
        listed.extend(page.param_ids.into_iter().flatten());
    }
    for id in Id::all() {
        let param = plugin.infos[id.spec().name].id;
        assert_eq!(listed.iter().filter(|listed| **listed == param).count(), 1, "{}", id.spec().name);
    }
    assert_eq!(listed.len(), Id::all().count() + 5, "and what concerns learning");
}

#[test]
fn bypass_is_the_input_to_the_bit_after_the_latency() {
    for rate in [44_100, 48_000] {
        let input = common::syllables(studio(rate, 2), rate as usize / 2);
        let mut plugin = Plugin::new();
        plugin.set(&[(0, "Bypass", 1.0)]);
        let played = plugin.play(rate, &input, &[480], &[]);
        for (input, output) in input.iter().zip(&played.output) {
            assert!(output[..played.latency].iter().all(|sample| *sample == 0.0));
            assert!(output[played.latency..] == input[..input.len() - played.latency]);
        }
    }
}

#[test]
fn bypassing_does_not_click() {
    let input = vec![common::sine(48_000, 200.0, 48_000)];
    let mut plugin = Plugin::fixed();
    plugin.set(&changes(&Settings::default().with(Id::OutputGain, -20.0)));
    let played = plugin.play(48_000, &input, &[512], &[(24_000, "Bypass", 1.0)]);
    let step = |x: &[f32]| x.windows(2).fold(0.0f32, |step, pair| step.max((pair[1] - pair[0]).abs()));
    assert!(step(&played.output[0]) < 1.2 * step(&input[0]));
}

#[test]
fn a_project_sounds_the_same_when_it_is_opened_again() {
    let input = common::syllables(studio(48_000, 2), 24_000);
    let mut plugin = Plugin::fixed();
    plugin.set(&changes(&settings()));
    let (first, values, saved) = (plugin.play(48_000, &input, &[256], &[]), plugin.values(), plugin.save());
    let mut other = Plugin::new();
    assert!(other.load(&saved));
    assert_eq!(other.values(), values);
    assert!(other.play(48_000, &input, &[256], &[]).output == first.output);
    assert_eq!(other.save(), saved);
}

#[test]
fn what_was_learned_before_is_heard_when_a_project_is_rendered() {
    let mut learned = [0.0; COUNT];
    learned[Id::EqLow as usize] = -0.25;
    let offsets = Offsets::from_array(&learned);
    let mut plugin = Plugin::new();
    let saved = String::from_utf8(plugin.save()[8..].to_vec()).unwrap();
    let with = saved.replace(r#"\"offsets\":{}"#, r#"\"offsets\":{\"eq_low\":-0.25}"#);
    assert_ne!(with, saved);
    assert!(plugin.load(&packed(&with)));
    plugin.render(RenderMode::Offline);
    let input = common::syllables(studio(48_000, 2), 24_000);
    for (amount, activation) in [(1.0, 1), (1.0, 2), (0.5, 3), (0.0, 4)] {
        plugin.set(&[(0, "Amount", f64::from(amount))]);
        let heard = offsets.apply(&Settings::default(), amount);
        let output = plugin.play(48_000, &input, &[512], &[]).output;
        assert!(output == enhanced(studio(48_000, 2), &heard, &input), "activation {activation}");
    }
    plugin.set(&[(0, "Amount", 1.0), (0, "Adapt", 0.0)]);
    let output = plugin.play(48_000, &input, &[512], &[]).output;
    assert!(output == enhanced(studio(48_000, 2), &Settings::default(), &input), "without");
}

/// A state as the wrapper writes it.
fn packed(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

#[test]
fn what_cannot_be_read_leaves_the_defaults() {
    let mut plugin = Plugin::new();
    let defaults = plugin.values();
    plugin.set(&changes(&settings()));
    let saved = plugin.save();
    let text = String::from_utf8(saved[8..].to_vec()).unwrap();
    // A newer version, and a form that nobody knows.
    for bad in
        [text.replace("\\\"version\\\":1", "\\\"version\\\":99"), text.replace("\\\"version\\\":1", "\\\"v\\\":1")]
    {
        assert_ne!(bad, text);
        let mut other = Plugin::new();
        other.set(&changes(&settings()));
        assert!(other.load(&packed(&bad)));
        assert_eq!(other.values(), defaults);
    }
    for bad in [&b""[..], b"12345678", &saved[..saved.len() / 2], &[255; 64]] {
        let mut other = Plugin::new();
        assert!(!other.load(bad));
        assert_eq!(other.values(), defaults);
    }
}

#[test]
fn it_can_be_activated_again_and_again() {
    let mut plugin = Plugin::fixed();
    plugin.set(&changes(&settings()));
    for (rate, channels) in [(48_000, 2), (8000, 2), (192_000, 2), (44_100, 2), (48_000, 2)] {
        let input = common::syllables(studio(rate, channels), rate as usize / 5);
        let played = plugin.play(rate, &input, &[300], &[]);
        assert!(played.output == enhanced(studio(rate, channels), &settings(), &input), "{rate}");
    }
}

#[test]
fn at_a_rate_that_is_not_supported_the_sound_passes() {
    for rate in [4000, 384_000] {
        let input = vec![common::sine(rate, 100.0, 3000); 2];
        let played = Plugin::new().play(rate, &input, &[512], &[]);
        assert!(played.latency == 0 && played.output == input);
    }
}

#[test]
fn the_latency_mode_is_taken_over_by_an_activation() {
    let mut plugin = Plugin::fixed();
    plugin.set(&[(0, "Latency", 0.0)]);
    let config = EngineConfig { latency: Latency::Live, ..studio(48_000, 2) };
    let input = common::syllables(config, 24_000);
    let played = plugin.play(48_000, &input, &[512], &[(5000, "Latency", 1.0)]);
    let engine = common::engine(config, &Settings::default());
    assert_eq!(played.latency, engine.latency(), "not while it runs");
    assert!(played.output == enhanced(config, &Settings::default(), &input));
    assert!(plugin.play(48_000, &input, &[512], &[]).latency > played.latency);
}

#[test]
fn instances_on_threads_share_nothing() {
    std::thread::scope(|scope| {
        for reduction in [3.0, 9.0, 15.0, 30.0] {
            scope.spawn(move || {
                let spec = Id::Reduction.spec();
                let reduction = spec.denormalise(spec.normalise(reduction));
                let settings = Settings::default().with(Id::Reduction, reduction);
                let input = common::syllables(studio(48_000, 2), 48_000);
                let mut plugin = Plugin::fixed();
                plugin.set(&changes(&settings));
                let played = plugin.play(48_000, &input, &[128], &[]);
                assert!(played.output == enhanced(studio(48_000, 2), &settings, &input), "{reduction}");
            });
        }
    });
}

#[test]
fn nothing_denormal_comes_out_of_a_fading_sound() {
    let fade = |i: usize| 0.5 * (0.2 * i as f32).sin() * (-(i as f32) / 400.0).exp();
    let input = vec![(0..96_000).map(fade).collect::<Vec<f32>>(); 2];
    let mut plugin = Plugin::fixed();
    plugin.set(&changes(&settings()));
    let played = plugin.play(48_000, &input, &[512], &[]);
    assert!(played.output.iter().flatten().all(|sample| !sample.is_subnormal() && sample.is_finite()));
}

#[test]
fn an_offline_render_is_the_same_every_time() {
    let input = vec![speech().repeat(2)];
    // A base that leaves a lot to gain.
    let base = Settings::default().with(Id::Reduction, 0.0);
    let render = |learns: f64, blocks: &[usize]| {
        let mut plugin = Plugin::new();
        plugin.set(&changes(&base));
        plugin.set(&[(0, "Adapt when rendering", learns)]);
        plugin.render(RenderMode::Offline);
        plugin.play(48_000, &input, blocks, &[]).output
    };
    let frozen = render(0.0, &[512]);
    assert!(frozen == enhanced(studio(48_000, 1), &base, &input), "nothing was learned before");
    let learned = render(1.0, &[512]);
    assert!(learned != frozen, "it learns");
    assert!(learned == render(1.0, &[1000, 24]), "whatever the blocks");
}
