use super::{Action, Scene, View, faults};
use crate::editor::display::{self, Display, Frame, Probe};
use crate::editor::story::Story;
use crate::editor::{self, Model, Param, Take};
use crate::engine::{Latency, Monitor};
use crate::live::Controls;
use crate::settings::{Id, Offsets, Settings};
use crate::tuner::{Feedback, News, Style};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the window's thread and the session's thread know of each other.
pub(super) struct Board {
    /// The newest, with what the window wants already done to it.
    scene: Scene,
    story: Story,
    /// What the session has not done yet.
    pub wanted: Vec<Action>,
    /// Of a new stream, for the window.
    display: Option<Display>,
    said: String,
    pub ended: bool,
}

/// The session's end: a [`View`] that passes everything on.
#[derive(Clone)]
pub(super) struct Wire(Arc<Mutex<Board>>);

impl Wire {
    pub fn new(controls: Controls) -> Wire {
        let scene = Scene::new(controls);
        let (story, wanted, said) = (Story::default(), Vec::new(), String::new());
        Wire(Arc::new(Mutex::new(Board { scene, story, wanted, display: None, said, ended: false })))
    }

    /// A poisoned lock guards plain values: they are whole.
    pub fn board(&self) -> MutexGuard<'_, Board> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl View for Wire {
    fn show(&mut self, scene: &Scene) -> Vec<Action> {
        let mut board = self.board();
        let wanted = std::mem::take(&mut board.wanted);
        let before = (board.scene.controls.clone(), board.scene.offsets);
        board.scene.clone_from(scene);
        if !wanted.is_empty() {
            (board.scene.controls, board.scene.offsets) = before;
        }
        wanted
    }

    fn hear(&mut self, news: &News) {
        self.board().story.hear(news);
    }

    fn probe(&mut self) -> Option<Probe> {
        let (probe, display) = display::open();
        display.watch(true);
        self.board().display = Some(display);
        Some(probe)
    }

    fn say(&mut self, line: &str) {
        self.board().said = line.to_owned();
    }

    fn end(&mut self, scene: &Scene) {
        println!("ended after {:.0} s: {}", scene.seconds, faults(scene));
    }
}

/// The window's end: what the editor shows and changes.
pub(super) struct Console {
    wire: Wire,
    display: Option<Display>,
    /// As they were when the picture was begun.
    pub scene: Scene,
    story: Story,
    pub said: String,
}

impl Console {
    pub fn new(wire: Wire) -> Console {
        let scene = wire.board().scene.clone();
        Console { wire, display: None, scene, story: Story::default(), said: String::new() }
    }

    /// Takes over what is new; false: the session has ended.
    pub fn refresh(&mut self) -> bool {
        let mut board = self.wire.board();
        self.scene.clone_from(&board.scene);
        self.story.clone_from(&board.story);
        self.said.clone_from(&board.said);
        if let Some(display) = board.display.take() {
            self.display = Some(display);
        }
        !board.ended
    }

    /// Asks the session for something.
    pub fn want(&mut self, action: Action) {
        let mut board = self.wire.board();
        match &action {
            Action::Set(controls) => board.scene.controls.clone_from(controls),
            Action::Install(offsets, _) => board.scene.offsets = **offsets,
            Action::Commit => {
                board.scene.controls.base = heard(&board.scene);
                board.scene.offsets = Offsets::default();
            }
            _ => {}
        }
        board.wanted.push(action);
        self.scene.clone_from(&board.scene);
    }

    /// Moves the controls.
    pub fn control(&mut self, change: impl FnOnce(&mut Controls)) {
        let mut controls = self.scene.controls.clone();
        change(&mut controls);
        if controls != self.scene.controls {
            self.want(Action::Set(Box::new(controls)));
        }
    }
}

fn heard(scene: &Scene) -> Settings {
    let controls = &scene.controls;
    scene.offsets.without(controls.locked.iter().copied()).apply(&controls.base, controls.heard())
}

impl Model for Console {
    fn value(&self, param: Param) -> f32 {
        let on = |on: bool| f32::from(u8::from(on));
        let controls = &self.scene.controls;
        match param {
            Param::Setting(id) => controls.base[id],
            Param::Adapt => on(controls.adapt),
            Param::Amount => 100.0 * controls.amount,
            Param::Style => Style::ALL.iter().position(|style| *style == controls.style).unwrap_or(0) as f32,
            Param::Hold => on(controls.hold),
            Param::Latency => on(controls.latency == Latency::Studio),
            Param::Delta => on(controls.monitor == Monitor::Delta),
            Param::Bypass => on(controls.monitor == Monitor::Bypass),
        }
    }

    fn begin(&mut self, _param: Param) {}

    fn set(&mut self, param: Param, value: f32) {
        let on = value >= 0.5;
        let heard = |monitor| if on { monitor } else { Monitor::Enhanced };
        self.control(|controls| match param {
            Param::Setting(id) => controls.base = controls.base.with(id, value),
            Param::Adapt => controls.adapt = on,
            Param::Amount => controls.amount = (value / 100.0).clamp(0.0, 1.0),
            Param::Style => controls.style = Style::ALL[(value.round() as usize).min(Style::ALL.len() - 1)],
            Param::Hold => controls.hold = on,
            Param::Latency => controls.latency = if on { Latency::Studio } else { Latency::Live },
            Param::Delta => controls.monitor = heard(Monitor::Delta),
            Param::Bypass => controls.monitor = heard(Monitor::Bypass),
        });
    }

    fn end(&mut self, _param: Param) {}

    fn take(&self) -> Take {
        Take { base: self.scene.controls.base, offsets: self.scene.offsets }
    }

    fn heard(&self) -> Settings {
        heard(&self.scene)
    }

    fn is_locked(&self, id: Id) -> bool {
        self.scene.controls.locked.contains(&id)
    }

    fn act(&mut self, action: editor::Action) {
        match action {
            editor::Action::Lock(id, locked) => self.control(|controls| {
                controls.locked.retain(|other| *other != id);
                controls.locked.extend(locked.then_some(id));
            }),
            editor::Action::Commit => self.want(Action::Commit),
            editor::Action::Recall(take) => {
                self.control(|controls| controls.base = take.base);
                self.want(Action::Install(Box::new(take.offsets), "you went back to it"));
            }
            editor::Action::Like => self.want(Action::Feedback(Feedback::Rating(5))),
            editor::Action::Dislike(reason) => self.want(Action::Feedback(Feedback::Dislike(reason))),
            editor::Action::AlreadyFine => {
                self.want(Action::Install(Box::default(), "you found it fine without"));
            }
            editor::Action::Restore(revision) => self.want(Action::Restore(revision)),
        }
    }

    fn look(&mut self) -> Option<&Frame> {
        self.display.as_mut()?.look()
    }

    fn story(&self) -> &Story {
        &self.story
    }

    fn message(&mut self) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::editor::Action as Wish;
    use crate::tuner::Dislike;

    fn console() -> (Wire, Console) {
        let wire = Wire::new(Controls::default());
        (wire.clone(), Console::new(wire))
    }

    #[test]
    fn every_parameter_reaches_the_session_and_stands_as_it_was_set() {
        let (mut wire, mut console) = console();
        let params = [Param::Adapt, Param::Amount, Param::Style, Param::Hold, Param::Latency, Param::Bypass];
        let values = [0.0, 40.0, 0.0, 1.0, 1.0, 1.0];
        for (param, value) in params.into_iter().zip(values).chain([(Param::Setting(Id::Reduction), 7.0)]) {
            assert_ne!(console.value(param), value, "{param:?}");
            editor::put(&mut console, param, value);
            assert_eq!(console.value(param), value, "{param:?}");
        }
        let mut scene = Scene::new(Controls::default());
        let wanted = wire.show(&scene);
        assert_eq!(wanted.len(), 7);
        let Some(Action::Set(controls)) = wanted.last() else { panic!("{wanted:?}") };
        assert_eq!((controls.base[Id::Reduction], controls.amount, controls.heard()), (7.0, 0.4, 0.0));
        // Until the session has done it, the knobs don't jump back; then they follow the session.
        assert!(console.refresh() && console.value(Param::Setting(Id::Reduction)) == 7.0);
        scene.controls.clone_from(controls);
        scene.controls.base = scene.controls.base.with(Id::Reduction, 9.0);
        assert_eq!(wire.show(&scene), []);
        assert!(console.refresh() && console.value(Param::Setting(Id::Reduction)) == 9.0);
    }

    #[test]
    fn what_is_asked_for_is_seen_at_once() {
        let (mut wire, mut console) = console();
        let learned = Offsets::between(&Settings::default(), &Settings::default().with(Id::EqAir, 3.0));
        console.act(Wish::Recall(Take { base: Settings::default().with(Id::EqLow, -2.0), offsets: learned }));
        assert_eq!((console.heard()[Id::EqAir], console.heard()[Id::EqLow]), (3.0, -2.0));
        console.act(Wish::Lock(Id::EqAir, true));
        assert!(console.is_locked(Id::EqAir) && console.heard()[Id::EqAir] == 0.0);
        console.act(Wish::Lock(Id::EqAir, false));
        console.act(Wish::Commit);
        assert_eq!((console.take().base[Id::EqAir], console.take().offsets.is_zero()), (3.0, true));
        console.act(Wish::Dislike(Dislike::Dull));
        console.act(Wish::Restore(3));
        console.act(Wish::AlreadyFine);
        let wanted = wire.show(&Scene::new(Controls::default()));
        assert_eq!(wanted.len(), 8, "{wanted:?}");
        assert!(wanted.contains(&Action::Commit) && wanted.contains(&Action::Restore(3)));
        wire.board().ended = true;
        assert!(!console.refresh());
    }
}
