use std::collections::VecDeque;

use crate::tuner::Point;

/// The proposals of which nothing was heard yet, each with what its proposer wants to know then.
#[derive(Clone, Debug)]
pub(super) struct Pending<T>(VecDeque<(Point, T)>);

/// A proposal that nobody answers is forgotten after this many others.
const MOST: usize = 64;

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Pending<T> {
    pub fn push(&mut self, point: &Point, note: T) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back((point.clone(), note));
    }

    /// The note of the oldest proposal at a point.
    pub fn take(&mut self, point: &Point) -> Option<T> {
        let found = self.0.iter().position(|(p, _)| p == point)?;
        self.0.remove(found).map(|(_, note)| note)
    }

    /// The note of the oldest proposal at a point, left there.
    pub fn get(&self, point: &Point) -> Option<&T> {
        self.0.iter().find(|(p, _)| p == point).map(|(_, note)| note)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, point: &Point) -> Option<&mut T> {
        self.0.iter_mut().find(|(p, _)| p == point).map(|(_, note)| note)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}
