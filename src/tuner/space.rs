use super::untouched;
use crate::settings::{Id, Kind, Settings};

/// What the tuner may change. What is left out is a person's taste or the file's format: mix, gain,
/// target and ceiling of the level, the mains frequency and the decay time (which are found by ear).
pub const TUNED: [Id; 19] = [
    Id::Method,
    Id::Reduction,
    Id::Oversubtraction,
    Id::Smoothing,
    Id::Adaptation,
    Id::Dereverb,
    Id::Hum,
    Id::LowCut,
    Id::EqLow,
    Id::EqMid,
    Id::EqMidFrequency,
    Id::EqPresence,
    Id::EqAir,
    Id::Deess,
    Id::DeessFrequency,
    Id::LevelRange,
    Id::LevelSpeed,
    Id::CompThreshold,
    Id::CompRatio,
];

/// A place in the [`Space`]: one number from 0 to 1 for each of its settings.
pub type Point = Vec<f32>;

/// The box in which the tuner moves: the safe ranges of the settings that it may change, around the
/// base, which is what the user or the host set.
///
/// A point's coordinates are travels within the safe ranges, in the taper of each setting; of a choice,
/// the nearest one counts. A coordinate at the base gives the base's value, even if that lies
/// outside the safe range: what the tuner does not move stays where the user put it.
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    base: Settings,
    ids: Vec<Id>,
    origin: Point,
}

impl Space {
    /// Around a base, without the settings that the user locked.
    pub fn new(base: Settings, locked: &[Id]) -> Space {
        let ids: Vec<Id> = TUNED.into_iter().filter(|id| !locked.contains(id)).collect();
        let origin = ids.iter().map(|id| travel(*id, base[*id])).collect();
        Space { base, ids, origin }
    }

    /// Which settings the coordinates stand for.
    pub fn ids(&self) -> &[Id] {
        &self.ids
    }

    /// The number of coordinates.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether all settings are locked.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// What the user or the host set.
    pub fn base(&self) -> &Settings {
        &self.base
    }

    /// The base as a point.
    pub fn origin(&self) -> &Point {
        &self.origin
    }

    /// Whether a coordinate is a choice: it can't be moved by small steps.
    pub fn is_choice(&self, coordinate: usize) -> bool {
        matches!(self.ids[coordinate].spec().kind, Kind::Choice(_))
    }

    /// The nearest point to another that may be looked at from one, where the input was heard for so many seconds: it
    /// takes many sounds to tell a voice's tone from a few of its vowels, and more to tell its level, which moves in small
    /// steps, as a jump of loudness is heard.
    pub fn held(&self, point: &[f32], from: &[f32], seconds: f32) -> Point {
        let whole = self.whole(point);
        let reach = |i: usize| match self.ids[i] {
            _ if whole(i) => 1.0,
            id if seconds < needs(id) => 0.0,
            Id::LevelRange if seconds.is_finite() => LEVEL_STEP,
            _ => 1.0,
        };
        let travels = point.iter().zip(from).enumerate();
        travels.map(|(i, (to, was))| to.clamp(was - reach(i), was + reach(i))).collect()
    }

    /// As far towards a point as one step goes: no setting moves by more than `step` of its range, choices aside, and of
    /// many moves only so many are made, choices and then the largest.
    pub fn stride(&self, point: &[f32], from: &[f32], (step, moves): (f32, usize)) -> Point {
        let whole = self.whole(point);
        let within = |(i, (to, was)): (usize, (&f32, &f32))| match whole(i) {
            true => *to,
            false => to.clamp(was - step, was + step),
        };
        let mut there: Point = point.iter().zip(from).enumerate().map(within).collect();
        let moved = |i: usize| (there[i] - from[i]).abs();
        let size = |i: usize| if whole(i) && moved(i) > 0.0 { 1.0 } else { moved(i) };
        let mut order: Vec<usize> = (0..there.len()).collect();
        order.sort_by(|a, b| size(*b).total_cmp(&size(*a)));
        order.into_iter().skip(moves).for_each(|i| there[i] = from[i]);
        there
    }

    /// Which coordinates go all the way to a point or not at all: choices, and hum removal where noise reduction is off, as
    /// to turn that off and leave hum removal on is not half as good as to leave the sound alone.
    fn whole(&self, point: &[f32]) -> impl Fn(usize) -> bool {
        let off = self.settings(point)[Id::Method] == 0.0;
        move |i| self.is_choice(i) || off && self.ids[i] == Id::Hum
    }

    /// Whether a point leaves the sound as it is.
    pub fn is_untouched(&self, point: &[f32]) -> bool {
        let (settings, untouched) = (self.settings(point), untouched());
        let same = |id: Id| (id.spec().normalise(settings[id]) - id.spec().normalise(untouched[id])).abs() < 1e-4;
        TUNED.iter().all(|id| same(*id) || is_idle(*id, &settings))
    }

    /// The nearest point to some settings.
    pub fn point(&self, settings: &Settings) -> Point {
        self.ids.iter().map(|id| travel(*id, settings[*id])).collect()
    }

    /// The settings at a point; what lies outside 0..1 is brought in.
    pub fn settings(&self, point: &[f32]) -> Settings {
        let mut settings = self.base;
        for ((id, travel), origin) in self.ids.iter().zip(point).zip(&self.origin) {
            if travel != origin {
                settings.set(*id, value(*id, travel.clamp(0.0, 1.0)));
            }
        }
        settings
    }

    /// The settings a share of the way from the base to a point: 0 the base, 1 the point. Choices
    /// change at one half.
    pub fn partly(&self, point: &[f32], amount: f32) -> Settings {
        let amount = amount.clamp(0.0, 1.0);
        let part = |(i, (to, from)): (usize, (&f32, &f32))| match self.is_choice(i) {
            true if amount < 0.5 => *from,
            true => *to,
            false => from + amount * (to - from),
        };
        self.settings(&point.iter().zip(&self.origin).enumerate().map(part).collect::<Point>())
    }

    /// The same place without what makes no difference: coordinates that moved by less than a fiftieth of their
    /// range from another point, or that mean nothing while an effect is off, are put back.
    pub fn tidy(&self, point: &[f32], from: &[f32]) -> Point {
        let settings = self.settings(point);
        let keep = |(id, (to, was)): (&Id, (&f32, &f32))| match (to - was).abs() < 0.02 || is_idle(*id, &settings) {
            true => *was,
            false => *to,
        };
        self.ids.iter().zip(point.iter().zip(from)).map(keep).collect()
    }

    /// Root mean square distance of two points, over all coordinates; 0..1.
    pub fn distance(&self, a: &[f32], b: &[f32]) -> f32 {
        let sum: f32 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
        (sum / self.len().max(1) as f32).sqrt()
    }
}

/// The furthest that the range of the leveler moves at once while it is heard: 3 dB.
const LEVEL_STEP: f32 = 1.0 / 6.0;

/// For how long input has to be heard before a setting is moved, s.
fn needs(id: Id) -> f32 {
    match id {
        Id::EqLow | Id::EqMid | Id::EqMidFrequency | Id::EqPresence | Id::EqAir | Id::Deess | Id::DeessFrequency => 5.9,
        Id::LevelRange | Id::LevelSpeed | Id::CompThreshold | Id::CompRatio | Id::Hum => 23.9,
        _ => 0.0,
    }
}

/// What means nothing while a switch is at its off value.
const IDLE: [(Id, Id, f32); 8] = [
    (Id::Reduction, Id::Method, 0.0),
    (Id::Oversubtraction, Id::Method, 0.0),
    (Id::Smoothing, Id::Method, 0.0),
    (Id::Adaptation, Id::Method, 0.0),
    (Id::EqMidFrequency, Id::EqMid, 0.0),
    (Id::DeessFrequency, Id::Deess, 0.0),
    (Id::LevelSpeed, Id::LevelRange, 0.0),
    (Id::CompRatio, Id::CompThreshold, 0.0),
];

fn is_idle(id: Id, settings: &Settings) -> bool {
    IDLE.iter().any(|(one, switch, off)| *one == id && settings[*switch] == *off)
}

fn safe(id: Id) -> (f32, f32) {
    let spec = id.spec();
    (spec.normalise(spec.safe.0), spec.normalise(spec.safe.1))
}

fn travel(id: Id, value: f32) -> f32 {
    let (low, high) = safe(id);
    ((id.spec().normalise(value) - low) / (high - low)).clamp(0.0, 1.0)
}

fn value(id: Id, travel: f32) -> f32 {
    let (low, high) = safe(id);
    id.spec().denormalise(low + travel * (high - low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_stay_within_the_safe_ranges() {
        let space = Space::new(Settings::default(), &[]);
        for corner in [-1.0, 0.0, 0.3, 1.0, 9.0] {
            let settings = space.settings(&vec![corner; space.len()]);
            for id in space.ids() {
                let (low, high) = id.spec().safe;
                assert!((low - 1e-3..=high + 1e-3).contains(&settings[*id]), "{id:?} {}", settings[*id]);
            }
            assert!(space.distance(&space.point(&settings), &vec![corner.clamp(0.0, 1.0); space.len()]) < 0.2);
        }
    }

    #[test]
    fn what_is_heard_moves_in_steps_and_not_too_early() {
        let space = Space::new(Settings::default(), &[]);
        let far = Settings::default().with(Id::Method, 0.0).with(Id::Reduction, 0.0).with(Id::EqAir, 6.0);
        let far = space.point(&far.with(Id::LevelRange, 18.0).with(Id::LevelSpeed, 12.0));
        let held = |seconds| space.settings(&space.held(&far, space.origin(), seconds));
        let default = Settings::default();
        let late = held(60.0);
        assert_eq!(late[Id::Reduction], 0.0, "anywhere");
        assert!((late[Id::LevelRange] - 3.0).abs() < 0.01, "the level moves least");
        let early = held(3.0);
        assert!([Id::EqAir, Id::LevelRange, Id::LevelSpeed].iter().all(|id| early[*id] == default[*id]));
        assert_eq!(space.held(&far, space.origin(), f32::INFINITY), far, "unheard, all at once");

        let stride = |step, moves| space.settings(&space.stride(&far, space.origin(), (step, moves)));
        let quarter = stride(0.25, 19);
        let (low, high) = Id::Reduction.spec().safe;
        assert!((default[Id::Reduction] - quarter[Id::Reduction] - 0.25 * (high - low)).abs() < 0.01, "{quarter:?}");
        assert_eq!(quarter[Id::Method], 0.0, "a choice is no step");
        let two = stride(1.0, 2);
        let moved: Vec<Id> = TUNED.into_iter().filter(|id| two[*id] != default[*id]).collect();
        assert_eq!(moved, [Id::Method, Id::LevelRange], "the largest moves");

        let calm = Settings::default().with(Id::Hum, 0.0).with(Id::EqAir, 6.0);
        let hum = |method: f32, step, moves| {
            let point = space.point(&calm.with(Id::Method, method));
            space.settings(&space.stride(&point, space.origin(), (step, moves)))[Id::Hum]
        };
        assert_eq!(
            [hum(0.0, 0.1, 2), hum(default[Id::Method], 0.5, 2)],
            [0.0, 50.0],
            "with noise reduction, all or nothing"
        );
    }

    #[test]
    fn tidy_keeps_what_matters() {
        let space = Space::new(Settings::default(), &[]);
        let moved = Settings::default()
            .with(Id::Method, 0.0)
            .with(Id::Reduction, 12.0)
            .with(Id::EqAir, 4.0)
            .with(Id::EqLow, 0.1)
            .with(Id::DeessFrequency, 7000.0);
        let tidy = space.settings(&space.tidy(&space.point(&moved), space.origin()));
        assert!((tidy[Id::EqAir] - 4.0).abs() < 0.01 && tidy[Id::Method] == 0.0);
        let base = Settings::default();
        for id in [Id::Reduction, Id::EqLow, Id::DeessFrequency] {
            assert_eq!(tidy[id], base[id], "{id:?}");
        }
    }

    #[test]
    fn the_untouched_sound_is_known_whatever_is_idle_and_whatever_is_locked() {
        let space = Space::new(Settings::default(), &[]);
        assert!(!space.is_untouched(space.origin()));
        assert!(space.is_untouched(&space.point(&untouched())));
        assert!(
            space.is_untouched(&space.point(&untouched().with(Id::Reduction, 6.0).with(Id::DeessFrequency, 7000.0)))
        );
        assert!(!space.is_untouched(&space.point(&untouched().with(Id::Hum, 100.0))));
        let locked = Space::new(Settings::default(), &[Id::Method]);
        assert!(!locked.is_untouched(&locked.point(&untouched())));
    }

    #[test]
    fn what_is_not_moved_stays_where_the_user_put_it() {
        let base = Settings::default().with(Id::Reduction, 40.0).with(Id::OutputGain, 3.0);
        let space = Space::new(base, &[Id::EqLow]);
        assert_eq!(space.settings(space.origin()), base);
        let mut moved = space.origin().clone();
        moved.fill(0.0);
        let settings = space.settings(&moved);
        assert_eq!(settings[Id::EqLow], base[Id::EqLow], "locked");
        assert_eq!(settings[Id::OutputGain], 3.0, "not tuned");
        assert_eq!(settings[Id::Reduction], 0.0);
        assert_eq!(space.partly(&moved, 0.0), base);
        assert_eq!(space.partly(&moved, 1.0), settings);
    }
}
