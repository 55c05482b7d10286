use crate::quality::{Estimate, JUST_NOTICEABLE};
use crate::tuner::guard::{Cusum, PageHinkley};

/// Finds changes of the input by what follows from them: what is heard no longer suits it.
///
/// For some windows the base has to be surely better than what is heard (a CUSUM), and before it must not have been
/// (Page-Hinkley): who likes what the score does not is left alone. A comparison counts little for itself, so that it takes
/// two windows that share no audio.
#[derive(Clone, Debug)]
pub struct Unsuited {
    lasts: Cusum,
    rises: PageHinkley,
}

/// What the base surely gains, added up second by second, that is a change, PESQ points times seconds.
const SUM: f64 = 1.0;
/// The most that a window counts, PESQ points.
const MOST: f32 = 0.35;

impl Default for Unsuited {
    fn default() -> Unsuited {
        Unsuited::new()
    }
}

impl Unsuited {
    /// Nothing speaks against what is heard.
    pub fn new() -> Unsuited {
        let harm = f64::from(JUST_NOTICEABLE);
        Unsuited { lasts: Cusum::new(harm, SUM), rises: PageHinkley::new(harm, SUM) }
    }

    /// Hears of a window, one a second: by how much the base beats what is heard, `doubt` sigmas held against it.
    /// Whether what is heard no longer suits the input. What isn't finite is ignored.
    pub fn push(&mut self, gain: Estimate, doubt: f32) -> bool {
        let surely = f64::from(gain.least(doubt).clamp(-MOST, MOST));
        let (lasts, rises) = (self.lasts.update(surely, 1.0), self.rises.update(surely, 1.0));
        lasts && rises
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In which second it is noticed.
    fn noticed(gain: impl Fn(usize) -> f32) -> Option<usize> {
        let mut unsuited = Unsuited::new();
        (0..200).find(|second| unsuited.push(Estimate { mean: gain(*second), sigma: 0.2 }, 0.7))
    }

    #[test]
    fn what_no_longer_suits_is_noticed_and_nothing_else_is() {
        // It varies from window to window.
        let wave = |second: usize| 0.1 * (second as f32 * 1.3).sin();
        let change = |before: f32, after: f32, length: usize| {
            noticed(|second| wave(second) + if (30..30 + length).contains(&second) { after } else { before })
        };
        assert_eq!(change(-0.3, 0.9, 170), Some(33), "two windows that share no audio");
        assert!((34..50).contains(&change(-0.1, 0.4, 170).unwrap()));
        assert_eq!(change(-0.3, 0.9, 3), None, "a single window, heard three times");
        assert_eq!(change(-0.3, 0.15, 170), None, "it isn't sure");
        assert_eq!(change(-0.9, -0.2, 170), None, "it still suits");
        assert_eq!(change(0.4, 0.4, 170), None, "who wanted it may like it");
        for odd in [f32::NAN, f32::INFINITY] {
            let mut unsuited = Unsuited::new();
            assert!((0..20).all(|_| !unsuited.push(Estimate { mean: 0.9, sigma: odd }, 0.7)));
        }
    }
}
