//! Colours, type and shapes that all of the editor shares.

use egui::epaint::text::{FontInsert, FontPriority, InsertFontFamily};
use egui::{
    Align2, Color32, Context, CornerRadius, FontData, FontFamily, FontId, Margin, Painter, Pos2, Rect, Response,
    RichText, Sense, Stroke, StrokeKind, TextStyle, Ui, UiBuilder, Vec2, Visuals, vec2,
};

/// Behind everything.
pub const GROUND: Color32 = Color32::from_rgb(0x11, 0x13, 0x18);
/// Cards.
pub const CARD: Color32 = Color32::from_rgb(0x1a, 0x1d, 0x25);
/// What can be pressed.
pub const RAISED: Color32 = Color32::from_rgb(0x28, 0x2d, 0x39);
/// Lines and empty tracks.
pub const LINE: Color32 = Color32::from_rgb(0x32, 0x38, 0x46);
/// Text.
pub const TEXT: Color32 = Color32::from_rgb(0xea, 0xec, 0xf2);
/// Text that is read second.
pub const DIM: Color32 = Color32::from_rgb(0xa3, 0xac, 0xbc);
/// Scales, and what is off.
pub const FAINT: Color32 = Color32::from_rgb(0x77, 0x80, 0x92);
/// What the user set, and what comes out.
pub const BASE: Color32 = Color32::from_rgb(0x5e, 0xd4, 0xc2);
/// What was learned.
pub const LEARNED: Color32 = Color32::from_rgb(0xf5, 0xb9, 0x5f);
/// What is taken away, and what is bad.
pub const REMOVED: Color32 = Color32::from_rgb(0xf0, 0x72, 0x7d);
/// What goes in.
pub const INPUT: Color32 = Color32::from_rgb(0x8e, 0x98, 0xad);

/// Between cards, and inside them.
pub const GAP: f32 = 8.0;
const RADIUS: CornerRadius = CornerRadius::same(8);

/// Semi-bold text.
pub fn strong(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name("strong".into()))
}

/// Regular text.
pub fn plain(size: f32) -> FontId {
    FontId::proportional(size)
}

/// Gives a context the editor's fonts and style; once, when the window opens.
pub fn apply(ctx: &Context) {
    let regular = include_bytes!("../../assets/fonts/Inter-Regular.otf").as_slice();
    let semi_bold = include_bytes!("../../assets/fonts/Inter-SemiBold.otf").as_slice();
    let family = |family, priority| InsertFontFamily { family, priority };
    let families = [
        ("Inter", regular, vec![family(FontFamily::Proportional, FontPriority::Highest)]),
        ("Inter SemiBold", semi_bold, vec![family(FontFamily::Name("strong".into()), FontPriority::Highest)]),
    ];
    for (name, bytes, families) in families {
        ctx.add_font(FontInsert::new(name, FontData::from_static(bytes), families));
    }
    ctx.set_theme(egui::Theme::Dark);
    ctx.all_styles_mut(|style| {
        style.visuals = visuals();
        style.text_styles = [
            (TextStyle::Heading, strong(15.0)),
            (TextStyle::Body, plain(13.0)),
            (TextStyle::Button, plain(12.5)),
            (TextStyle::Small, plain(11.0)),
            (TextStyle::Monospace, FontId::monospace(12.0)),
        ]
        .into();
        style.spacing.item_spacing = vec2(6.0, 6.0);
        style.spacing.button_padding = vec2(9.0, 4.0);
        style.spacing.interact_size = vec2(28.0, 24.0);
        style.spacing.menu_margin = Margin::same(6);
        style.interaction.selectable_labels = false;
        style.interaction.tooltip_delay = 0.4;
    });
}

fn visuals() -> Visuals {
    let mut visuals = Visuals::dark();
    visuals.panel_fill = GROUND;
    visuals.window_fill = Color32::from_rgb(0x20, 0x24, 0x2e);
    visuals.window_stroke = Stroke::new(1.0, LINE);
    visuals.extreme_bg_color = GROUND;
    visuals.override_text_color = None;
    visuals.selection.bg_fill = BASE.gamma_multiply(0.28);
    visuals.selection.stroke = Stroke::new(1.5, BASE);
    visuals.menu_corner_radius = RADIUS;
    visuals.window_corner_radius = RADIUS;
    let widgets = &mut visuals.widgets;
    for (widget, fill, text) in [
        (&mut widgets.noninteractive, CARD, DIM),
        (&mut widgets.inactive, RAISED, TEXT),
        (&mut widgets.hovered, Color32::from_rgb(0x35, 0x3c, 0x4b), TEXT),
        (&mut widgets.active, Color32::from_rgb(0x3f, 0x47, 0x58), TEXT),
        (&mut widgets.open, Color32::from_rgb(0x35, 0x3c, 0x4b), TEXT),
    ] {
        (widget.bg_fill, widget.weak_bg_fill) = (fill, fill);
        widget.bg_stroke = Stroke::NONE;
        widget.fg_stroke = Stroke::new(1.0, text);
        widget.corner_radius = CornerRadius::same(6);
        widget.expansion = 0.0;
    }
    visuals.widgets.noninteractive.bg_stroke = Stroke::new(1.0, LINE);
    visuals
}

/// A card with something in it, at a fixed place.
pub fn card<R>(ui: &mut Ui, rect: Rect, name: &str, add: impl FnOnce(&mut Ui) -> R) -> R {
    ui.painter().rect(rect, RADIUS, CARD, Stroke::new(1.0, Color32::from_white_alpha(7)), StrokeKind::Inside);
    let inside = UiBuilder::new().id_salt(name).max_rect(rect.shrink2(vec2(12.0, 10.0)));
    ui.scope_builder(inside, |ui| {
        ui.shrink_clip_rect(rect.expand(2.0));
        add(ui)
    })
    .inner
}

/// A button that stays pressed, in the colour of what it means.
pub fn toggle(ui: &mut Ui, on: bool, label: &str, colour: Color32) -> Response {
    let text = RichText::new(label).color(if on { GROUND } else { TEXT });
    let mut button = egui::Button::selectable(on, text);
    if on {
        button = button.fill(colour);
    }
    ui.add(button.frame_when_inactive(true))
}

/// A switch with its name, as on a wall.
pub fn switch(ui: &mut Ui, on: bool, label: &str, colour: Color32) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(30.0, 18.0), Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| egui::WidgetInfo::selected(egui::accesskit::Role::Switch, enabled, on, label));
    let way = ui.ctx().animate_bool_responsive(response.id, on);
    let track = LINE.lerp_to_gamma(colour, way);
    ui.painter().rect_filled(rect, 9.0, track);
    let centre = rect.left_center() + vec2(9.0 + way * (rect.width() - 18.0), 0.0);
    ui.painter().circle_filled(centre, 6.5, if on { GROUND } else { DIM });
    focus_ring(ui, &response, rect.expand(2.0));
    response
}

/// A few choices side by side or below each other, of which one holds. The one that was clicked.
pub fn choose(ui: &mut Ui, rect: Rect, downwards: bool, choices: &[Choice<'_>], chosen: usize) -> Option<usize> {
    ui.painter().rect_filled(rect, 6.0, GROUND);
    let n = choices.len() as f32;
    let step = if downwards { vec2(0.0, rect.height() / n) } else { vec2(rect.width() / n, 0.0) };
    let size = if downwards { vec2(rect.width(), step.y) } else { vec2(step.x, rect.height()) };
    let mut clicked = None;
    for (i, choice) in choices.iter().enumerate() {
        let place = Rect::from_min_size(rect.min + step * i as f32, size).shrink(2.0);
        let response = ui.allocate_rect(place, Sense::click());
        let (on, enabled) = (i == chosen, ui.is_enabled());
        let name = if choice.name.is_empty() { choice.text } else { choice.name };
        response.widget_info(|| egui::WidgetInfo::selected(egui::accesskit::Role::RadioButton, enabled, on, name));
        let fill = match (on, response.hovered()) {
            (true, _) => RAISED.lerp_to_gamma(BASE, 0.18),
            (false, true) => RAISED.gamma_multiply(0.7),
            (false, false) => Color32::TRANSPARENT,
        };
        ui.painter().rect_filled(place, 5.0, fill);
        let colour = if on { TEXT } else { DIM };
        ui.painter_at(place).text(place.center(), Align2::CENTER_CENTER, choice.text, plain(11.5), colour);
        if choice.learned {
            ui.painter().circle_filled(place.right_top() + vec2(-5.0, 5.0), 2.5, LEARNED);
        }
        focus_ring(ui, &response, place);
        if response.clicked() {
            clicked = Some(i);
        }
        if !choice.help.is_empty() {
            response.on_hover_text(choice.help);
        }
    }
    clicked
}

/// One of a few choices.
#[derive(Clone, Copy, Default)]
pub struct Choice<'a> {
    /// As it is written.
    pub text: &'a str,
    /// As it is read out, where that needs more words.
    pub name: &'a str,
    /// What it does, in a sentence.
    pub help: &'a str,
    /// Whether it was learned.
    pub learned: bool,
}

/// Shows where the keyboard is.
pub fn focus_ring(ui: &Ui, response: &Response, rect: Rect) {
    if response.has_focus() {
        ui.painter().rect_stroke(rect, 6.0, Stroke::new(1.5, BASE), StrokeKind::Outside);
    }
}

/// The rest of a rectangle after a strip was cut off at its top, and the strip.
pub fn cut_top(rect: &mut Rect, height: f32) -> Rect {
    let (top, rest) = rect.split_top_bottom_at_y((rect.top() + height).min(rect.bottom()));
    *rect = rest;
    top
}

/// The same at the bottom.
#[cfg(feature = "live")]
pub fn cut_bottom(rect: &mut Rect, height: f32) -> Rect {
    let (rest, bottom) = rect.split_top_bottom_at_y((rect.bottom() - height).max(rect.top()));
    *rect = rest;
    bottom
}

/// The same at the right.
pub fn cut_right(rect: &mut Rect, width: f32) -> Rect {
    let (rest, right) = rect.split_left_right_at_x((rect.right() - width).max(rect.left()));
    *rect = rest;
    right
}

/// A size that grows with the room there is, between two bounds.
pub fn share(of: f32, part: f32, least: f32, most: f32) -> f32 {
    (of * part).clamp(least, most)
}

/// A small filled triangle that points down.
pub fn arrow_down(painter: &Painter, centre: Pos2, colour: Color32) {
    let points = [Vec2::new(-3.5, -2.0), Vec2::new(3.5, -2.0), Vec2::new(0.0, 2.5)].map(|v| centre + v);
    painter.add(egui::Shape::convex_polygon(points.to_vec(), colour, Stroke::NONE));
}
