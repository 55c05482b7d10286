use super::{Action, Scene, View, faults};
use std::io::Write;

/// One line for whatever happens, and one every ten seconds: for logs, and where there is no terminal.
#[derive(Default)]
pub struct Plain {
    /// When it said how things are.
    said: f64,
}

/// How often, s.
const EVERY: f64 = 10.0;

impl Plain {
    fn line(&self, text: &str) {
        // Nobody may read any more: that is no reason to end.
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    }
}

impl View for Plain {
    fn show(&mut self, scene: &Scene) -> Vec<Action> {
        // The first one early: by then the latency is known.
        if scene.seconds >= self.said + EVERY || (self.said == 0.0 && scene.seconds >= 2.0) {
            self.said = scene.seconds;
            self.line(&summary(scene));
        }
        Vec::new()
    }

    fn say(&mut self, line: &str) {
        self.line(line);
    }

    fn end(&mut self, scene: &Scene) {
        self.line(&format!("ended after {:.0} s: {}", scene.seconds, faults(scene)));
    }
}

fn summary(scene: &Scene) -> String {
    let r = &scene.reading;
    let quality = scene.quality.map_or("-".into(), |q| format!("{:+.2} ± {:.2}", q.mean, q.sigma));
    format!(
        "{:.0} s: in {:.0} dBFS, out {:.0} dBFS, quality {quality}, latency {:.1} ms, drift {:.0} ppm, load {:.0} % + {:.0} %, {}{}",
        scene.seconds,
        r.input,
        r.output,
        r.latency,
        r.drift,
        100.0 * r.load,
        100.0 * scene.side_load,
        faults(scene),
        if r.rescued { ", the engine is late: untouched sound" } else { "" },
    )
}
