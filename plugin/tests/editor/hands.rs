//! Hands on the editor: mouse, keyboard and screen reader.

use super::desk::Call;
use super::{Desk, Table, open};
use attune::editor::{Action, LEAST_SIZE, Param, SIZE};
use attune::settings::Id;
use attune::tuner::Dislike;
use egui::accesskit::Role;
use egui::{Key, Pos2, Rect, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};

type Editor = Harness<'static, Table>;

const REDUCTION: Param = Param::Setting(Id::Reduction);

fn at_work() -> Editor {
    open(Desk::at_work(), SIZE)
}

fn click(editor: &mut Editor, role: Role, label: &str) {
    editor.get_by_role_and_label(role, label).click();
    editor.run_steps(3);
}

fn slider(editor: &Editor, name: &str) -> Rect {
    editor.get_by_role_and_label(Role::Slider, name).rect()
}

fn drag(editor: &mut Editor, from: Pos2, by: Vec2) {
    editor.drag_at(from);
    editor.run_steps(1);
    for step in 1..=4 {
        editor.hover_at(from + by * step as f32 / 4.0);
        editor.run_steps(1);
    }
    editor.drop_at(from + by);
    editor.run_steps(2);
}

fn acts(editor: &Editor) -> Vec<Action> {
    let act = |call: &Call| if let Call::Act(action) = call { Some(action.as_ref().clone()) } else { None };
    editor.state().desk.calls.iter().filter_map(act).collect()
}

fn base(editor: &Editor, id: Id) -> f32 {
    editor.state().desk.take.base[id]
}

#[test]
fn a_knob_is_turned_in_one_gesture_and_undone() {
    let mut editor = at_work();
    let knob = slider(&editor, "Reduction").center();
    drag(&mut editor, knob, Vec2::new(0.0, -45.0));
    let moved = base(&editor, Id::Reduction);
    assert!((22.0..=25.0).contains(&moved), "a quarter of the travel up from 14 dB: {moved}");
    let calls = &editor.state().desk.calls;
    assert_eq!(calls.first(), Some(&Call::Begin(REDUCTION)));
    assert_eq!(calls.last(), Some(&Call::End(REDUCTION)));
    let inner = &calls[1..calls.len() - 1];
    assert!(!inner.is_empty() && inner.iter().all(|call| matches!(call, Call::Set(REDUCTION, _))), "{calls:?}");
    click(&mut editor, Role::Button, "Undo");
    assert_eq!(base(&editor, Id::Reduction), 14.0);
    click(&mut editor, Role::Button, "Redo");
    assert_eq!(base(&editor, Id::Reduction), moved);
}

#[test]
fn the_keyboard_and_a_screen_reader_turn_it_too() {
    let mut editor = at_work();
    editor.get_by_role_and_label(Role::Slider, "Reduction").focus();
    editor.run_steps(2);
    editor.key_press(Key::ArrowUp);
    editor.run_steps(2);
    assert!((base(&editor, Id::Reduction) - 14.8).abs() < 1e-3, "{}", base(&editor, Id::Reduction));
    editor.key_press(Key::End);
    editor.run_steps(2);
    assert_eq!(base(&editor, Id::Reduction), 40.0);
    editor.get_by_role_and_label(Role::Slider, "Reduction").set_value_accesskit(10.0);
    editor.run_steps(2);
    assert!((base(&editor, Id::Reduction) - 10.0).abs() < 1e-3);
    let node = editor.get_by_role_and_label(Role::Slider, "Reduction");
    assert_eq!(node.value().as_deref(), Some("10 dB, learned: 14.5 dB"), "both values are read out");
    editor.key_press_modifiers(egui::Modifiers::COMMAND, Key::Z);
    editor.run_steps(3);
    assert_eq!(base(&editor, Id::Reduction), 40.0);
}

#[test]
fn a_value_is_typed() {
    let mut editor = at_work();
    click(&mut editor, Role::Button, "Type Low cut: 70 Hz");
    editor.key_press_modifiers(egui::Modifiers::COMMAND, Key::A);
    editor.get_by_role_and_label(Role::TextInput, "Low cut").type_text("0.1 kHz");
    editor.run_steps(2);
    editor.key_press(Key::Enter);
    editor.run_steps(3);
    assert_eq!(base(&editor, Id::LowCut), 100.0);
    assert_eq!(editor.state().desk.calls.len(), 3, "begin, set, end");
    click(&mut editor, Role::Button, "Type Low cut: 100 Hz");
    editor.get_by_role_and_label(Role::TextInput, "Low cut").type_text("nonsense");
    editor.run_steps(2);
    editor.key_press(Key::Enter);
    editor.run_steps(3);
    assert_eq!(base(&editor, Id::LowCut), 100.0);
}

#[test]
fn a_choice_is_made() {
    let mut editor = at_work();
    click(&mut editor, Role::RadioButton, "Denoise method: spectral");
    assert_eq!(base(&editor, Id::Method), 1.0);
    click(&mut editor, Role::RadioButton, "Latency: live");
    assert_eq!(editor.state().desk.values[&Param::Latency], 0.0);
    click(&mut editor, Role::RadioButton, "Style: conservative");
    assert_eq!(editor.state().desk.values[&Param::Style], 2.0);
}

#[test]
fn locks_close_and_open() {
    let mut editor = at_work();
    click(&mut editor, Role::CheckBox, "Lock Presence");
    click(&mut editor, Role::CheckBox, "Lock Low cut");
    assert_eq!(acts(&editor), [Action::Lock(Id::EqPresence, true), Action::Lock(Id::LowCut, false)]);
    assert!(editor.query_by_label("Lock Limiter ceiling").is_none(), "it is never learned");
}

#[test]
fn a_thumb_down_has_a_reason() {
    let mut editor = at_work();
    for (words, action) in [
        ("Too muffled", Action::Dislike(Dislike::Dull)),
        ("Too harsh", Action::Dislike(Dislike::Sharp)),
        ("It was already fine", Action::AlreadyFine),
    ] {
        click(&mut editor, Role::Button, "Not good …");
        click(&mut editor, Role::Button, words);
        assert_eq!(acts(&editor).last(), Some(&action));
        editor.run_steps(10);
        assert!(editor.query_by_label(words).is_none(), "the menu has closed");
    }
    click(&mut editor, Role::Button, "Sounds good");
    assert_eq!(acts(&editor).last(), Some(&Action::Like));
}

#[test]
fn a_and_b_are_two_sets_with_two_pasts() {
    let mut editor = at_work();
    click(&mut editor, Role::RadioButton, "B");
    editor.get_by_role_and_label(Role::Slider, "Mix").set_value_accesskit(40.0);
    editor.run_steps(2);
    click(&mut editor, Role::RadioButton, "A");
    assert_eq!(base(&editor, Id::Mix), 100.0);
    assert!(editor.get_by_role_and_label(Role::Button, "Undo").accesskit_node().is_disabled(), "nothing was done in A");
    click(&mut editor, Role::RadioButton, "B");
    assert_eq!(base(&editor, Id::Mix), 40.0);
    click(&mut editor, Role::Button, "B to A");
    click(&mut editor, Role::RadioButton, "A");
    assert_eq!(base(&editor, Id::Mix), 40.0);
}

#[test]
fn commit_is_one_step_that_can_be_undone() {
    let mut editor = at_work();
    let before = editor.state().desk.take;
    click(&mut editor, Role::Button, "Commit");
    let committed = editor.state().desk.take;
    assert!(committed.offsets.is_zero() && (committed.base[Id::EqAir] - 3.1).abs() < 1e-3);
    assert!(editor.get_by_role_and_label(Role::Button, "Commit").accesskit_node().is_disabled());
    click(&mut editor, Role::Button, "Undo");
    assert_eq!(editor.state().desk.take, before, "base and offsets");
}

#[test]
fn presets_snapshots_and_switches() {
    let mut editor = at_work();
    click(&mut editor, Role::ComboBox, "Preset: Own settings");
    click(&mut editor, Role::Button, "podcast");
    let podcast = attune::settings::Preset::find("podcast").unwrap().settings;
    assert_eq!(editor.state().desk.take.base, podcast);
    assert!(editor.query_by_label("Preset: podcast").is_some());
    click(&mut editor, Role::RadioButton, "Snapshots");
    click(&mut editor, Role::Button, "Restore snapshot 3");
    assert_eq!(acts(&editor).last(), Some(&Action::Restore(3)));
    for (role, name, param, value) in [
        (Role::Button, "Delta", Param::Delta, 1.0),
        (Role::Button, "Bypass", Param::Bypass, 1.0),
        (Role::Switch, "Adapt", Param::Adapt, 0.0),
        (Role::Button, "Hold", Param::Hold, 1.0),
    ] {
        click(&mut editor, role, name);
        assert_eq!(editor.state().desk.values[&param], value, "{name}");
    }
    editor.get_by_role_and_label(Role::Slider, "Amount").set_value_accesskit(30.0);
    editor.run_steps(2);
    assert_eq!(editor.state().desk.values[&Param::Amount], 30.0);
}

#[test]
fn a_message_stays_until_it_is_dismissed() {
    let mut desk = Desk::at_work();
    desk.message = Some("this project was saved by a newer Attune; the defaults are used".into());
    let mut editor = open(desk, SIZE);
    assert!(editor.query_by_label_contains("newer Attune").is_some());
    click(&mut editor, Role::Button, "Dismiss");
    assert!(editor.query_by_label_contains("newer Attune").is_none());
}

/// At every size, all that can be pressed lies within the window, and nothing lies on another.
#[test]
fn nothing_overlaps_or_is_cut_off() {
    for (size, long) in [(LEAST_SIZE, true), (SIZE, false), ((1920, 1080), false), ((3000, 700), true)] {
        let mut desk = Desk::at_work();
        if long {
            desk.make_long();
        }
        let editor = open(desk, size);
        let window = Rect::from_min_size(Pos2::ZERO, Vec2::new(size.0 as f32, size.1 as f32));
        let pressed =
            |role| matches!(role, Role::Slider | Role::Button | Role::RadioButton | Role::CheckBox | Role::Switch);
        let places: Vec<(String, Rect)> = editor
            .query_all_by(move |node| pressed(node.role()))
            .map(|node| (node.accesskit_node().label().unwrap_or_default(), node.rect()))
            .collect();
        assert!(places.len() > 70, "{}", places.len());
        for (i, (name, rect)) in places.iter().enumerate() {
            assert!(window.contains_rect(*rect), "{size:?}: {name} is cut off: {rect:?}");
            for (other, place) in &places[..i] {
                // A lock lies on the corner of its knob, where there is nothing to turn.
                if *name == format!("Lock {other}") {
                    continue;
                }
                let shared = rect.intersect(*place);
                assert!(shared.width() < 1.0 || shared.height() < 1.0, "{size:?}: {name} lies on {other}");
            }
        }
    }
}
