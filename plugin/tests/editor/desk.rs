//! A model for the editor: the engine with the demo recording, and a story that was made up.

use attune::editor::display::{self, Display, Frame, Probe};
use attune::editor::story::{Kept, Mark, Point, Sort, Story};
use attune::editor::{Action, Model, Param, Take};
use attune::engine::{Engine, EngineConfig, Latency};
use attune::quality::{Estimate, Finding, Severity};
use attune::settings::{Id, Offsets, Settings};
use std::collections::{HashMap, HashSet};

const RATE: u32 = 48_000;

/// What the editor asked for, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    Begin(Param),
    Set(Param, f32),
    End(Param),
    Act(Box<Action>),
}

pub struct Desk {
    pub take: Take,
    pub values: HashMap<Param, f32>,
    pub locked: HashSet<Id>,
    pub calls: Vec<Call>,
    pub story: Story,
    pub message: Option<String>,
    engine: Engine,
    probe: Probe,
    display: Display,
    sound: Vec<f32>,
    position: usize,
}

impl Desk {
    /// As it is at first: nothing was heard or learned.
    pub fn new() -> Desk {
        let config = EngineConfig { sample_rate: RATE, channels: 1, latency: Latency::Studio };
        let engine = Engine::new(config).unwrap();
        let (mut probe, display) = display::open();
        probe.prepare(RATE, 1, engine.latency());
        display.watch(true);
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/demo/voice-in-cafe.wav");
        let mut wav = hound::WavReader::open(path).unwrap();
        let sound = wav.samples::<i16>().map(|sample| f32::from(sample.unwrap()) / 32_768.0).collect();
        let base = Settings::default();
        let values = [(Param::Adapt, 1.0), (Param::Amount, 100.0), (Param::Style, 1.0), (Param::Latency, 1.0)];
        Desk {
            take: Take { base, offsets: Offsets::default() },
            values: values.into(),
            locked: HashSet::new(),
            calls: Vec::new(),
            story: Story::default(),
            message: None,
            engine,
            probe,
            display,
            sound,
            position: 0,
        }
    }

    /// In the middle of its work.
    pub fn at_work() -> Desk {
        let mut desk = Desk::new();
        let base = Settings::default().with(Id::EqMid, -2.0).with(Id::LevelRange, 9.0).with(Id::Dereverb, 20.0);
        let base = base.with(Id::Reduction, 14.0).with(Id::CompThreshold, -24.0).with(Id::LowCut, 70.0);
        let learned = base.with(Id::Reduction, 18.5).with(Id::EqPresence, 2.4).with(Id::EqAir, 3.1);
        let learned = learned.with(Id::Smoothing, 62.0).with(Id::Deess, 4.0).with(Id::EqLow, -3.2);
        desk.take = Take { base, offsets: Offsets::between(&base, &learned) };
        desk.locked = [Id::Hum, Id::LowCut].into();
        desk.story = story();
        desk
    }

    /// With texts that are longer than there is room for.
    pub fn make_long(&mut self) {
        let long = "and this goes on and on without a stop ".repeat(12);
        let append = |text: &mut String| text.push_str(&long);
        self.story.marks.iter_mut().for_each(|mark| append(&mut mark.words));
        self.story.findings.iter_mut().for_each(|finding| append(&mut finding.text));
        self.story.snapshots.iter_mut().for_each(|kept| append(&mut kept.reason));
        self.message = Some(long);
    }

    /// Plays so much of the demo recording.
    pub fn play(&mut self, seconds: f32) {
        self.engine.set(&self.heard());
        for _ in 0..(seconds * RATE as f32 / 512.0) as usize {
            let start = self.position % (self.sound.len() - 512);
            let mut block = self.sound[start..start + 512].to_vec();
            self.probe.before(&[&mut block]);
            self.engine.process(&mut [&mut block]);
            self.probe.after(&[&mut block], &self.engine.meters());
            self.position += 512;
        }
    }
}

impl Model for Desk {
    fn value(&self, param: Param) -> f32 {
        match param {
            Param::Setting(id) => self.take.base[id],
            other => self.values.get(&other).copied().unwrap_or(0.0),
        }
    }

    fn begin(&mut self, param: Param) {
        self.calls.push(Call::Begin(param));
    }

    fn set(&mut self, param: Param, value: f32) {
        self.calls.push(Call::Set(param, value));
        match param {
            Param::Setting(id) => _ = self.take.base.set(id, value),
            other => _ = self.values.insert(other, value),
        }
    }

    fn end(&mut self, param: Param) {
        self.calls.push(Call::End(param));
    }

    fn take(&self) -> Take {
        self.take
    }

    fn heard(&self) -> Settings {
        self.take.offsets.apply(&self.take.base, self.value(Param::Amount) / 100.0)
    }

    fn is_locked(&self, id: Id) -> bool {
        self.locked.contains(&id)
    }

    fn act(&mut self, action: Action) {
        self.calls.push(Call::Act(Box::new(action.clone())));
        match action {
            Action::Lock(id, true) => _ = self.locked.insert(id),
            Action::Lock(id, false) => _ = self.locked.remove(&id),
            Action::Commit => self.take = Take { base: self.heard(), offsets: Offsets::default() },
            Action::Recall(take) => self.take = take,
            Action::AlreadyFine => self.take.offsets = Offsets::default(),
            Action::Like | Action::Dislike(_) | Action::Restore(_) => {}
        }
    }

    fn look(&mut self) -> Option<&Frame> {
        self.display.look()
    }

    fn story(&self) -> &Story {
        &self.story
    }

    fn message(&mut self) -> Option<String> {
        self.message.take()
    }
}

fn story() -> Story {
    let score = |second: i32| {
        let steps = [(0, 0.05), (38, 0.22), (96, 0.41), (150, 0.30), (171, 0.43), (230, 0.52)];
        let (_, mean) = steps.into_iter().rfind(|(from, _)| *from <= second)?;
        let wobble = 0.02 * (second as f32 * 0.9).sin() + 0.03 * (second as f32 * 0.37).cos();
        let pause = (118..126).contains(&second) || (200..206).contains(&second);
        (!pause).then_some(Estimate { mean: mean + wobble, sigma: 0.11 })
    };
    let mark = |at: f32, sort, words: &str| Mark { at, sort, words: words.into() };
    let changed = "Air 0 dB → 3.1 dB, De-ess 0 dB → 4 dB: the voice was dull. +0.17 ± 0.09 expected.";
    let kept = |revision, at, gain, reason: &str| Kept { revision, at, gain, reason: reason.into() };
    let find = |severity, text: &str| Finding { severity, text: text.into() };
    Story {
        points: (0..284).map(|second| Point { at: second as f32, score: score(second) }).collect(),
        marks: vec![
            mark(38.0, Sort::Change, "Reduction 14 dB → 18.5 dB: noise was left. +0.15 ± 0.06 expected."),
            mark(96.0, Sort::Change, "Low 0 dB → -3.2 dB: boomy. +0.19 ± 0.08 expected."),
            mark(118.0, Sort::Note, "The input changed: louder by 6 dB"),
            mark(150.0, Sort::Change, "Reduction 18.5 dB → 24 dB: noise was left. +0.06 ± 0.05 expected."),
            mark(
                171.0,
                Sort::Rollback,
                "Back to Reduction 24 dB → 18.5 dB: the older settings do better on what is heard now",
            ),
            mark(230.0, Sort::Change, changed),
        ],
        findings: vec![
            find(Severity::Clear, "unsteady noise: SNR about 9 dB"),
            find(Severity::Slight, "dull: 8 dB below usual speech above 2 kHz"),
            find(Severity::Slight, "level jumps by 8 LU"),
        ],
        snapshots: vec![
            kept(6, 230.0, 0.17, "The voice was dull"),
            kept(5, 171.0, 0.0, "Asked for"),
            kept(3, 96.0, 0.19, "Boomy: 9 dB above usual speech below 250 Hz, and so on at some length"),
            kept(2, 38.0, 0.15, "Noise was left"),
            kept(1, 0.0, 0.0, "What was set"),
        ],
    }
}
