use super::{Action, Scene, View, faults};
use crate::engine::Monitor;
use crate::tuner::{Dislike, Feedback};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::Line;
use ratatui::widgets::{Block, Gauge, Paragraph, Wrap};
use ratatui::{DefaultTerminal, Frame};
use std::collections::VecDeque;
use std::time::Duration;

/// Meters and keys in a terminal.
pub struct Terminal {
    terminal: DefaultTerminal,
    /// What happened, the newest last.
    lines: VecDeque<String>,
    /// A thumb is down, and the reason is asked for.
    asking: bool,
    /// What is heard, to be toggled.
    monitor: Monitor,
}

/// Lines that are kept.
const LINES: usize = 100;

/// The reasons for a thumb down, by their keys.
const REASONS: [(char, Dislike, &str); 12] = [
    ('n', Dislike::Noisy, "noise is left"),
    ('a', Dislike::Artefacts, "artefacts"),
    ('p', Dislike::Pumping, "pumping"),
    ('w', Dislike::WordsCut, "words cut"),
    ('d', Dislike::Dull, "dull"),
    ('s', Dislike::Sharp, "sharp"),
    ('b', Dislike::Boomy, "boomy"),
    ('t', Dislike::Thin, "thin"),
    ('r', Dislike::Reverberant, "roomy"),
    ('q', Dislike::Quiet, "too quiet"),
    ('l', Dislike::Loud, "too loud"),
    ('o', Dislike::Other, "something else"),
];

impl Terminal {
    /// Takes the terminal over until it is dropped.
    ///
    /// # Errors
    /// When it is no terminal.
    pub fn new() -> std::io::Result<Terminal> {
        let terminal = ratatui::try_init()?;
        Ok(Terminal { terminal, lines: VecDeque::new(), asking: false, monitor: Monitor::Enhanced })
    }

    fn key(&mut self, code: KeyCode, modifiers: KeyModifiers) -> Option<Action> {
        if code == KeyCode::Char('c') && modifiers.contains(KeyModifiers::CONTROL) {
            return Some(Action::Quit);
        }
        if std::mem::take(&mut self.asking) {
            let reason = REASONS.iter().find(|(key, ..)| code == KeyCode::Char(*key))?;
            return Some(Action::Feedback(Feedback::Dislike(reason.1)));
        }
        let toggle = |now: Monitor, other: Monitor| if now == other { Monitor::Enhanced } else { other };
        Some(match code {
            KeyCode::Char('q') | KeyCode::Esc => Action::Quit,
            KeyCode::Char('b') => Action::Monitor(toggle(self.monitor, Monitor::Bypass)),
            KeyCode::Char('d') => Action::Monitor(toggle(self.monitor, Monitor::Delta)),
            KeyCode::Char('m') => Action::Mute,
            KeyCode::Char('+') | KeyCode::Up => Action::Feedback(Feedback::Rating(5)),
            KeyCode::Char('-') | KeyCode::Down => {
                self.asking = true;
                return None;
            }
            KeyCode::Char('u') => Action::Undo,
            KeyCode::Char('r') => Action::RollBack,
            _ => return None,
        })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

impl View for Terminal {
    fn show(&mut self, scene: &Scene) -> Vec<Action> {
        self.monitor = scene.reading.monitor;
        let mut actions = Vec::new();
        while event::poll(Duration::ZERO).unwrap_or(false) {
            if let Ok(Event::Key(key)) = event::read()
                && key.kind == KeyEventKind::Press
            {
                actions.extend(self.key(key.code, key.modifiers));
            }
        }
        let (lines, asking) = (&self.lines, self.asking);
        // A frame that can't be drawn is followed by others.
        let _ = self.terminal.draw(|frame| draw(frame, scene, lines, asking));
        actions
    }

    fn say(&mut self, line: &str) {
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_owned());
    }

    fn end(&mut self, scene: &Scene) {
        ratatui::restore();
        println!("ended after {:.0} s: {}", scene.seconds, faults(scene));
    }
}

fn draw(frame: &mut Frame, scene: &Scene, lines: &VecDeque<String>, asking: bool) {
    let rows = [1, 1, 1, 1, 1, 1, 1].map(Constraint::Length);
    let rows = rows.into_iter().chain([Constraint::Min(3), Constraint::Length(2)]);
    let areas = Layout::vertical(rows).split(frame.area());
    let reading = &scene.reading;
    let heard = match reading.monitor {
        Monitor::Enhanced if reading.rescued => "untouched: the engine is late",
        Monitor::Enhanced => "enhanced",
        Monitor::Delta => "what is removed",
        Monitor::Bypass => "bypassed",
    };
    let title = Line::from(vec!["Attune  ".bold(), scene.devices.as_str().into(), "  ".into(), heard.yellow()]);
    frame.render_widget(title, areas[0]);
    for (area, name, level) in [(areas[1], "in ", reading.input), (areas[2], "out", reading.output)] {
        let color = if level > -1.0 {
            Color::Red
        } else if level > -9.0 {
            Color::Yellow
        } else {
            Color::Green
        };
        let label = format!("{name} {level:.0} dBFS");
        let ratio = f64::from(((level + 60.0) / 60.0).clamp(0.0, 1.0));
        frame.render_widget(Gauge::default().ratio(ratio).label(label).gauge_style(Style::new().fg(color)), area);
    }
    let quality = scene.quality.map_or("quality: no speech".to_owned(), |q| {
        format!("quality: {:+.2} ± {:.2} PESQ points over the input", q.mean, q.sigma)
    });
    frame.render_widget(format!("{quality}, noise {:.0} dB", reading.reduction), areas[3]);
    let load = format!(
        "latency {:.1} ms, load {:.0} % (worst {:.0} %), loop {:.0} %, drift {:.0} ppm{}",
        reading.latency,
        100.0 * reading.load,
        100.0 * reading.worst,
        100.0 * scene.side_load,
        reading.drift,
        if reading.realtime == Some(false) { ", no real-time priority" } else { "" },
    );
    frame.render_widget(load, areas[4]);
    frame.render_widget(faults(scene), areas[5]);
    let state = scene.problem.as_deref().unwrap_or(&scene.explanation);
    frame.render_widget(Line::from(state.to_owned()).italic(), areas[6]);
    let block = Block::bordered().title("what happened");
    let room = usize::from(areas[7].height.saturating_sub(2));
    let shown: Vec<Line> =
        lines.iter().skip(lines.len().saturating_sub(room)).map(|l| Line::from(l.as_str())).collect();
    frame.render_widget(Paragraph::new(shown).block(block), areas[7]);
    let keys = if asking {
        REASONS.map(|(key, _, name)| format!("{key} {name}")).join("  ")
    } else {
        "b bypass  d what is removed  m mute  + good  - not good  u undo  r roll back  q quit".to_owned()
    };
    frame.render_widget(Paragraph::new(keys).wrap(Wrap { trim: true }).dim(), areas[8]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::Controls;
    use crate::quality::Estimate;
    use ratatui::backend::TestBackend;

    #[test]
    fn a_frame_shows_what_matters() {
        let mut terminal = ratatui::Terminal::new(TestBackend::new(100, 20)).unwrap();
        let mut scene = Scene::new(Controls::default());
        scene.devices = "mic ▸ speakers".into();
        scene.quality = Some(Estimate { mean: 0.42, sigma: 0.1 });
        scene.reading.latency = 38.25;
        scene.reading.faults.xruns = 7;
        let lines = VecDeque::from(["12 s: changed eq_low".to_owned()]);
        for asking in [false, true] {
            terminal.draw(|frame| draw(frame, &scene, &lines, asking)).unwrap();
            let text: String = terminal.backend().buffer().content().iter().map(|cell| cell.symbol()).collect();
            for part in ["mic ▸ speakers", "+0.42", "38.2 ms", "xruns 7", "changed eq_low"] {
                assert!(text.contains(part), "{part}: {text}");
            }
            assert_eq!(text.contains("words cut"), asking);
        }
        // Too small for all of it: no panic.
        let mut small = ratatui::Terminal::new(TestBackend::new(5, 3)).unwrap();
        small.draw(|frame| draw(frame, &scene, &lines, false)).unwrap();
    }
}
