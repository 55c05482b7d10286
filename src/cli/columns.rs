//! A history of any length in bounded memory.

/// Most columns that a report shows.
pub const COLUMNS: usize = 1600;

/// Samples in a tick: 8 ms.
pub fn tick_length(rate: u32) -> usize {
    (rate as usize / 125).max(1)
}

/// Something of which two neighbours can become one.
pub trait Merge {
    /// Takes in the one that follows.
    fn merge(&mut self, next: &Self);
}

/// Columns of equal width. When there are too many, neighbours are merged and the width doubles:
/// ten seconds and ten hours both end as at most `max` columns.
pub struct Columns<T> {
    columns: Vec<T>,
    max: usize,
    width: usize,
    filled: usize,
}

impl<T: Merge> Columns<T> {
    /// No columns yet, each one tick wide. `max` is even.
    pub fn new(max: usize) -> Columns<T> {
        debug_assert!(max > 0 && max.is_multiple_of(2));
        Columns { columns: Vec::new(), max, width: 1, filled: 1 }
    }

    /// Adds one tick.
    pub fn push(&mut self, tick: T) {
        if self.filled < self.width
            && let Some(last) = self.columns.last_mut()
        {
            last.merge(&tick);
            self.filled += 1;
            return;
        }
        if self.columns.len() == self.max {
            let mut old = std::mem::take(&mut self.columns).into_iter();
            while let (Some(mut column), Some(next)) = (old.next(), old.next()) {
                column.merge(&next);
                self.columns.push(column);
            }
            self.width *= 2;
        }
        self.columns.push(tick);
        self.filled = 1;
    }

    /// How many ticks make a column.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The columns; the last one may be narrower.
    pub fn as_slice(&self) -> &[T] {
        &self.columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Merge for u64 {
        fn merge(&mut self, next: &u64) {
            *self += next;
        }
    }

    #[test]
    fn nothing_is_lost_and_memory_is_bounded() {
        for ticks in [0u64, 1, 7, 8, 9, 16, 17, 1000, 4096, 4097] {
            let mut columns = Columns::new(8);
            (0..ticks).for_each(|_| columns.push(1));
            let slice = columns.as_slice();
            assert_eq!(slice.iter().sum::<u64>(), ticks);
            assert!(slice.len() <= 8 && (ticks < 8 || slice.len() > 4), "{ticks}: {}", slice.len());
            assert!(slice.iter().rev().skip(1).all(|&n| n == columns.width() as u64), "{ticks}: {slice:?}");
        }
    }
}
