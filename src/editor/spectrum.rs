//! What goes in, what comes out, and between them what is taken away.

use super::analyser::{Analyser, BANDS, RANGE, hertz};
use super::theme;
use egui::epaint::{Mesh, PathStroke};
use egui::{Align2, Color32, Painter, Pos2, Rect, Sense, Shape, Stroke, Ui, pos2, vec2};

/// What is drawn, dB.
const TOP: f32 = -16.0;
const BOTTOM: f32 = -100.0;

/// Shows the card.
pub fn show(ui: &mut Ui, rect: Rect, analyser: &Analyser) {
    theme::card(ui, rect, "spectrum", |ui| {
        let mut rect = rect.shrink2(vec2(12.0, 8.0));
        let head = theme::cut_top(&mut rect, 22.0);
        legend(ui.painter(), head);
        let plot = Rect::from_min_max(rect.min + vec2(24.0, 0.0), rect.max - vec2(0.0, 16.0));
        grid(ui.painter(), plot);
        curves(&ui.painter_at(plot.expand(1.0)), plot, analyser);
        let response = ui.interact(rect, ui.scope_id().with("spectrum"), Sense::hover());
        let [input, output] = analyser.loudness().map(|loudness| format!("{loudness:.0} LUFS"));
        let words = format!("Spectrum: in {input}, out {output}");
        response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Image, true, &words));
        if let Some(at) = response.hover_pos().filter(|at| plot.contains(*at)) {
            readout(ui.painter(), plot, head, at, analyser);
        }
        if analyser.nyquist() == 0.0 {
            let words = "Play something to see it here.";
            ui.painter().text(plot.center(), Align2::CENTER_CENTER, words, theme::plain(13.0), theme::FAINT);
        }
    });
}

fn legend(painter: &Painter, head: Rect) {
    let centre = head.center().y - 2.0;
    let mut x = head.left();
    x = painter.text(pos2(x, centre), Align2::LEFT_CENTER, "Spectrum", theme::strong(12.5), theme::TEXT).right() + 16.0;
    for (name, colour) in [("In", theme::INPUT), ("Out", theme::BASE), ("Removed", theme::REMOVED)] {
        painter.rect_filled(Rect::from_center_size(pos2(x + 5.0, centre), vec2(10.0, 3.0)), 1.5, colour);
        let text = painter.text(pos2(x + 15.0, centre), Align2::LEFT_CENTER, name, theme::plain(11.0), theme::DIM);
        x = text.right() + 14.0;
    }
}

fn grid(painter: &Painter, plot: Rect) {
    let faint = Stroke::new(1.0, Color32::from_white_alpha(9));
    for level in [-20, -40, -60, -80] {
        let at = y(plot, level as f32);
        painter.hline(plot.x_range(), at, faint);
        let place = pos2(plot.left() - 6.0, at);
        painter.text(place, Align2::RIGHT_CENTER, level, theme::plain(10.0), theme::FAINT);
    }
    for (hertz, name) in [
        (50.0, "50"),
        (100.0, "100"),
        (200.0, "200"),
        (500.0, "500"),
        (1000.0, "1k"),
        (2000.0, "2k"),
        (5000.0, "5k"),
        (10_000.0, "10k"),
        (20_000.0, "20k"),
    ] {
        let at = x(plot, hertz);
        painter.vline(at, plot.y_range(), faint);
        let anchor = if hertz == RANGE.1 { Align2::RIGHT_TOP } else { Align2::CENTER_TOP };
        painter.text(pos2(at, plot.bottom() + 4.0), anchor, name, theme::plain(10.0), theme::FAINT);
    }
}

fn curves(painter: &Painter, plot: Rect, analyser: &Analyser) {
    let heard = (0..BANDS).filter(|band| hertz(*band as f32 + 0.5) <= analyser.nyquist());
    let points: Vec<(f32, [f32; 2])> = heard
        .map(|band| {
            let levels = [0, 1].map(|side| y(plot, analyser.level(side, band)));
            (x(plot, hertz(band as f32)), levels)
        })
        .collect();
    if points.is_empty() {
        return;
    }
    let shade = |colour: Color32, alpha: f32| colour.gamma_multiply(alpha);
    // Under what comes out, fading; then what is missing above it, and what was added.
    let under = points.iter().map(|(x, [_, output])| (*x, *output, plot.bottom()));
    // By height, not by the curve's: otherwise it has stripes.
    let fade = |at: f32| shade(theme::BASE, 0.01 + 0.27 * (plot.bottom() - at) / plot.height());
    painter.add(band(under, fade));
    let removed = points.iter().map(|(x, [input, output])| (*x, input.min(*output), *output));
    painter.add(band(removed, |_| shade(theme::REMOVED, 0.36)));
    let line = |side: usize| points.iter().map(|(x, levels)| pos2(*x, levels[side])).collect::<Vec<Pos2>>();
    painter.add(Shape::line(line(0), PathStroke::new(1.2, theme::INPUT)));
    painter.add(Shape::line(line(1), PathStroke::new(1.8, theme::BASE)));
}

/// What lies between two heights, along a line.
fn band(points: impl Iterator<Item = (f32, f32, f32)>, colour: impl Fn(f32) -> Color32) -> Shape {
    let mut mesh = Mesh::default();
    for (i, (x, top, bottom)) in points.enumerate() {
        mesh.colored_vertex(pos2(x, top), colour(top));
        mesh.colored_vertex(pos2(x, bottom), colour(bottom));
        if let Some(left) = (2 * i as u32).checked_sub(2) {
            mesh.add_triangle(left, left + 1, left + 2);
            mesh.add_triangle(left + 1, left + 2, left + 3);
        }
    }
    Shape::mesh(mesh)
}

/// What lies under the mouse, in numbers.
fn readout(painter: &Painter, plot: Rect, head: Rect, at: Pos2, analyser: &Analyser) {
    painter.vline(at.x, plot.y_range(), Stroke::new(1.0, Color32::from_white_alpha(40)));
    let part = (at.x - plot.left()) / plot.width();
    let band = ((part * BANDS as f32) as usize).min(BANDS - 1);
    let [input, output] = [0, 1].map(|side| analyser.level(side, band));
    let frequency = match hertz(band as f32) {
        hertz if hertz >= 1000.0 => format!("{:.1} kHz", hertz / 1000.0),
        hertz => format!("{hertz:.0} Hz"),
    };
    let words = format!("{frequency}   in {input:.0} dB   out {output:.0} dB   {:+.1} dB", output - input);
    let place = pos2(head.right(), head.center().y - 2.0);
    painter.text(place, Align2::RIGHT_CENTER, words, theme::plain(11.0), theme::TEXT);
}

fn x(plot: Rect, hertz: f32) -> f32 {
    plot.left() + plot.width() * (hertz / RANGE.0).ln() / (RANGE.1 / RANGE.0).ln()
}

fn y(plot: Rect, level: f32) -> f32 {
    plot.top() + plot.height() * ((TOP - level) / (TOP - BOTTOM)).clamp(0.0, 1.0)
}
