//! Loudness in and out, and what each effect does to the level.

use super::analyser::Analyser;
use super::theme;
use egui::accesskit::Role;
use egui::{Align2, Color32, Rect, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

/// Loudness that is drawn, LUFS.
const LOUDNESS: (f32, f32) = (-60.0, 0.0);
/// Gain that is drawn, dB, to one side.
const GAIN: f32 = 24.0;
const ROW: f32 = 34.0;

/// Shows the card; rows that find no room are left out.
pub fn show(ui: &mut Ui, rect: Rect, analyser: &Analyser, target: Option<f32>) {
    theme::card(ui, rect, "meters", |ui| {
        let mut rect = rect.shrink2(vec2(12.0, 8.0));
        let row = ((rect.height() - 52.0) / 7.0).clamp(16.0, ROW);
        heading(ui, theme::cut_top(&mut rect, 22.0), "Loudness", "LUFS");
        let sides = [("In", theme::INPUT), ("Out", theme::BASE)];
        for ((name, colour), (loudness, peak)) in
            sides.into_iter().zip(analyser.loudness().into_iter().zip(analyser.peaks()))
        {
            level(ui, theme::cut_top(&mut rect, row), name, colour, loudness, peak, target.filter(|_| name == "Out"));
        }
        rect.min.y += 8.0;
        heading(ui, theme::cut_top(&mut rect, 22.0), "Gain", "dB");
        let meters = analyser.meters();
        for (name, gain) in [
            ("Denoise", meters.denoise),
            ("De-ess", meters.deess),
            ("Level", meters.level),
            ("Compress", meters.compressor),
            ("Limit", meters.limiter),
        ] {
            if rect.height() >= row - 1.0 {
                reduction(ui, theme::cut_top(&mut rect, row), name, gain);
            }
        }
    });
}

fn heading(ui: &Ui, rect: Rect, name: &str, unit: &str) {
    let centre = rect.center().y - 2.0;
    ui.painter().text(pos2(rect.left(), centre), Align2::LEFT_CENTER, name, theme::strong(12.5), theme::TEXT);
    ui.painter().text(pos2(rect.right(), centre), Align2::RIGHT_CENTER, unit, theme::plain(10.5), theme::FAINT);
}

/// Name, bar and number of a row: where the bar lies.
fn row(ui: &Ui, rect: Rect, name: &str, value: &str, lit: bool) -> Rect {
    let (left, right) = (rect.left() + 64.0, rect.right() - 42.0);
    let colour = if lit { theme::TEXT } else { theme::FAINT };
    ui.painter().text(rect.left_center(), Align2::LEFT_CENTER, name, theme::plain(11.5), theme::DIM);
    ui.painter().text(rect.right_center(), Align2::RIGHT_CENTER, value, theme::plain(11.5), colour);
    let bar = Rect::from_min_max(pos2(left, rect.center().y - 3.0), pos2(right.max(left), rect.center().y + 3.0));
    ui.painter().rect_filled(bar, 3.0, theme::LINE.gamma_multiply(0.7));
    bar
}

fn level(ui: &Ui, rect: Rect, name: &str, colour: Color32, loudness: f32, peak: f32, target: Option<f32>) {
    let silent = loudness < -70.0;
    let text = if silent { "–".to_owned() } else { format!("{loudness:.1}").replace('-', "−") };
    let bar = row(ui, rect, name, &text, !silent);
    let at = |level: f32| {
        let part = ((level - LOUDNESS.0) / (LOUDNESS.1 - LOUDNESS.0)).clamp(0.0, 1.0);
        bar.left() + bar.width() * part
    };
    let filled = Rect::from_min_max(bar.min, pos2(at(loudness), bar.bottom()));
    ui.painter().rect_filled(filled, 3.0, colour);
    let clipped = peak > -0.1;
    let peak_colour = if clipped { theme::REMOVED } else { theme::TEXT };
    if peak > LOUDNESS.0 {
        ui.painter().vline(at(peak), bar.y_range().expand(2.0), Stroke::new(1.5, peak_colour));
    }
    if let Some(target) = target {
        let top = pos2(at(target), bar.top() - 3.0);
        theme::arrow_down(ui.painter(), top, theme::DIM);
    }
    let response = ui.interact(rect, ui.scope_id().with(name), Sense::hover());
    let words = format!("{name}: {text} LUFS, peak {peak:.1} dBFS");
    response.widget_info(|| WidgetInfo::labeled(Role::Meter, true, &words));
    response.on_hover_text(words);
}

fn reduction(ui: &Ui, rect: Rect, name: &str, gain: f32) {
    let idle = gain.abs() < 0.05;
    let text = if idle { "0".to_owned() } else { format!("{gain:+.1}").replace('-', "−") };
    let bar = row(ui, rect, name, &text, !idle);
    // Turning down grows from the right, turning up from the left.
    let width = bar.width() * (gain.abs() / GAIN).min(1.0);
    let filled = match gain < 0.0 {
        true => Rect::from_min_max(pos2(bar.right() - width, bar.top()), bar.max),
        false => Rect::from_min_max(bar.min, pos2(bar.left() + width, bar.bottom())),
    };
    if !idle {
        ui.painter().rect_filled(filled, 3.0, if gain < 0.0 { theme::REMOVED } else { theme::BASE });
    }
    let response = ui.interact(rect, ui.scope_id().with(name), Sense::hover());
    let words = format!("{name}: {text} dB");
    response.widget_info(|| WidgetInfo::labeled(Role::Meter, true, &words));
    response.on_hover_text(words);
}
