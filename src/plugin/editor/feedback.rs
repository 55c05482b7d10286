//! Thumbs up, or down with a reason.

use super::model::{Action, Model};
use super::theme;
use crate::tuner::Dislike;
use egui::{Button, Popup, PopupCloseBehavior, Rect, RichText, Ui, vec2};

/// What can be wrong, in a listener's words.
const REASONS: [(&str, Dislike); 11] = [
    ("Too muffled", Dislike::Dull),
    ("Artefacts", Dislike::Artefacts),
    ("Noise left", Dislike::Noisy),
    ("Pumping", Dislike::Artefacts),
    ("Too harsh", Dislike::Sharp),
    ("Too roomy", Dislike::Reverberant),
    ("Too quiet", Dislike::Quiet),
    ("Too loud", Dislike::Loud),
    ("Words cut off", Dislike::WordsCut),
    ("Too boomy", Dislike::Boomy),
    ("Too thin", Dislike::Thin),
];

/// Shows both thumbs side by side.
pub fn show(ui: &mut Ui, rect: Rect, model: &mut dyn Model) {
    let half = vec2(0.5 * (rect.width() - 6.0), rect.height());
    let place = |i: f32| Rect::from_min_size(rect.min + vec2(i * (half.x + 6.0), 0.0), half);
    let button = |text: &str| Button::new(RichText::new(text).size(12.5)).corner_radius(6);
    let up = ui.put(place(0.0), button("👍  Sounds good").min_size(half));
    if up.on_hover_text("Remembered for input like this.").clicked() {
        model.act(Action::Like);
    }
    let down = ui.put(place(1.0), button("👎  Not good …").min_size(half));
    let down = down.on_hover_text("Takes the last change back, and says why.");
    Popup::menu(&down).close_behavior(PopupCloseBehavior::CloseOnClick).width(half.x).show(|ui| {
        ui.label(RichText::new("What is wrong?").size(11.0).color(theme::FAINT));
        for (words, reason) in REASONS {
            if ui.button(words).clicked() {
                model.act(Action::Dislike(reason));
            }
        }
        ui.separator();
        if ui.button("It was already fine").on_hover_text("Drops what was learned.").clicked() {
            model.act(Action::AlreadyFine);
        }
    });
}
