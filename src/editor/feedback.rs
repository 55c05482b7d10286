//! Thumbs up, or down with a reason.

use super::model::{Action, Model};
use super::theme;
use crate::tuner::Dislike;
use egui::{Atom, Button, Painter, Popup, PopupCloseBehavior, Pos2, Rect, Response, RichText, Shape, Stroke, Ui, vec2};

/// What can be wrong, in a listener's words.
const REASONS: [(&str, Dislike); 11] = [
    ("Too muffled", Dislike::Dull),
    ("Artefacts", Dislike::Artefacts),
    ("Noise left", Dislike::Noisy),
    ("Pumping", Dislike::Pumping),
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
    let up = button(ui, place(0.0), "Sounds good", true);
    if up.on_hover_text("Remembered for input like this.").clicked() {
        model.act(Action::Like);
    }
    let down = button(ui, place(1.0), "Not good …", false);
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

/// A button with a thumb.
fn button(ui: &mut Ui, rect: Rect, text: &str, up: bool) -> Response {
    let icon = Atom::paint(vec2(16.0, 14.0), move |ui, args| thumb(ui.painter(), args.rect.center(), up));
    ui.put(rect, Button::new((icon, RichText::new(text).size(12.5))).min_size(rect.size()))
}

/// A thumb up or down: the cuff, and the hand with its thumb.
fn thumb(painter: &Painter, centre: Pos2, up: bool) {
    let colour = if up { theme::BASE } else { theme::REMOVED };
    let way = if up { 1.0 } else { -1.0 };
    let at = |(x, y): (f32, f32)| centre + vec2(x, way * y);
    let cuff = Rect::from_two_pos(at((-6.5, -1.0)), at((-4.0, 5.5)));
    painter.rect_filled(cuff, 1.0, colour);
    let hand = Rect::from_two_pos(at((-2.5, -1.0)), at((6.5, 5.5)));
    painter.rect_filled(hand, 2.0, colour);
    let thumb = [(-2.5, 0.5), (-2.5, -1.0), (0.0, -6.0), (2.2, -6.0), (2.4, -1.0), (2.4, 0.5)].map(at);
    painter.add(Shape::convex_polygon(thumb.to_vec(), colour, Stroke::NONE));
}
