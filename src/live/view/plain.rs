use super::{Action, Scene, View, faults};
use crate::live::Reading;
use std::io::Write;

/// One line for whatever happens, and one every ten seconds: for logs, and where there is no terminal.
#[derive(Default)]
pub struct Plain {
    /// When it said how things are.
    said: f64,
    /// The highest peaks since then, dBFS.
    peaks: Option<[f32; 2]>,
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
        let Reading { input, output, .. } = scene.reading;
        let [before_in, before_out] = self.peaks.unwrap_or([input, output]);
        let peaks = [before_in.max(input), before_out.max(output)];
        self.peaks = Some(peaks);
        // The first one early: by then the latency is known.
        if scene.seconds >= self.said + EVERY || (self.said == 0.0 && scene.seconds >= 2.0) {
            self.said = scene.seconds;
            self.peaks = None;
            self.line(&summary(scene, peaks));
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

fn summary(scene: &Scene, [input, output]: [f32; 2]) -> String {
    let r = &scene.reading;
    let quality = scene.quality.map_or("-".into(), |q| format!("{:+.2} ± {:.2}", q.mean, q.sigma));
    format!(
        "{:.0} s: in {input:.0} dBFS, out {output:.0} dBFS, quality {quality}, latency {:.1} ms, drift {:.0} ppm, load {:.0} % + {:.0} %, {}{}",
        scene.seconds,
        r.latency,
        r.drift,
        100.0 * r.load,
        100.0 * scene.side_load,
        faults(scene),
        if r.rescued { ", the engine is late: untouched sound" } else { "" },
    )
}
