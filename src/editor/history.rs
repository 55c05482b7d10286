//! Undo, redo, and two sets to compare.

use super::model::{Action, Model, Take};

/// Steps that can be undone.
const STEPS: usize = 200;

/// What the user did, as the takes before it; A and B each have their own past. Changes by the host's
/// automation and by learning are no steps: only what a person does in the editor can be undone here.
#[derive(Default)]
pub struct History {
    sides: [Side; 2],
    b: bool,
}

#[derive(Default)]
struct Side {
    undo: Vec<Take>,
    redo: Vec<Take>,
    /// While the other side is heard.
    left: Option<Take>,
}

impl History {
    fn side(&mut self) -> &mut Side {
        &mut self.sides[usize::from(self.b)]
    }

    /// To be called before the user changes anything.
    pub fn note(&mut self, before: Take) {
        let side = self.side();
        side.redo.clear();
        if side.undo.last() != Some(&before) {
            side.undo.push(before);
        }
        let spare = side.undo.len().saturating_sub(STEPS);
        side.undo.drain(..spare);
    }

    /// Does something that can be undone.
    pub fn change(&mut self, model: &mut dyn Model, action: Action) {
        self.note(model.take());
        model.act(action);
    }

    /// Whether there is something to undo, and to redo.
    pub fn can(&self, now: &Take) -> (bool, bool) {
        let side = &self.sides[usize::from(self.b)];
        (side.undo.iter().any(|take| take != now), !side.redo.is_empty())
    }

    /// Takes the last step back.
    pub fn undo(&mut self, model: &mut dyn Model) {
        let (now, side) = (model.take(), self.side());
        // A knob that was only touched is no step.
        while let Some(take) = side.undo.pop() {
            if take != now {
                side.redo.push(now);
                return model.act(Action::Recall(take));
            }
        }
    }

    /// Takes it again.
    pub fn redo(&mut self, model: &mut dyn Model) {
        let side = self.side();
        if let Some(take) = side.redo.pop() {
            side.undo.push(model.take());
            model.act(Action::Recall(take));
        }
    }

    /// Whether B is heard.
    pub fn is_b(&self) -> bool {
        self.b
    }

    /// Hears the other side; at first it is the same.
    pub fn compare(&mut self, model: &mut dyn Model, b: bool) {
        if b != self.b {
            self.side().left = Some(model.take());
            self.b = b;
            if let Some(take) = self.side().left.take() {
                model.act(Action::Recall(take));
            }
        }
    }

    /// The other side becomes the same as this one.
    pub fn copy(&mut self, model: &dyn Model) {
        self.sides[usize::from(!self.b)].left = Some(model.take());
    }
}
