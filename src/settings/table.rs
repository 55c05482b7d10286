use super::ValueError;

/// What a number stands for; decides how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Decibels.
    Decibel,
    /// Loudness, LUFS (ITU-R BS.1770).
    Lufs,
    /// True peak, dBTP (ITU-R BS.1770).
    TruePeak,
    /// Hertz.
    Hertz,
    /// Seconds.
    Seconds,
    /// Percent, 0 to 100.
    Percent,
    /// Decibels per second.
    DecibelPerSecond,
    /// A ratio x : 1.
    Ratio,
    /// A plain factor.
    Factor,
    /// None: a choice.
    None,
}

impl Unit {
    /// The unit as it is written behind a number.
    pub fn suffix(self) -> &'static str {
        match self {
            Unit::Decibel => " dB",
            Unit::Lufs => " LUFS",
            Unit::TruePeak => " dBTP",
            Unit::Hertz => " Hz",
            Unit::Seconds => " s",
            Unit::Percent => " %",
            Unit::DecibelPerSecond => " dB/s",
            Unit::Ratio => ":1",
            Unit::Factor | Unit::None => "",
        }
    }
}

/// How a control maps its travel to the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taper {
    /// Equal steps.
    Linear,
    /// Equal ratios; for frequencies and times.
    Logarithmic,
}

/// What sort of value a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A real number.
    Number,
    /// One of these names; the value is the index.
    Choice(&'static [&'static str]),
}

/// One row of [`TABLE`].
#[derive(Clone, Debug)]
pub struct Spec {
    /// The row, as a Rust name.
    pub key: Id,
    /// The stable short id, as typed in `--set`, presets and host state.
    pub id: &'static str,
    /// The name that a person reads.
    pub name: &'static str,
    /// The group that it stands in.
    pub group: &'static str,
    /// Number or choice.
    pub kind: Kind,
    /// The unit.
    pub unit: Unit,
    /// Lowest value.
    pub min: f32,
    /// Highest value.
    pub max: f32,
    /// The range that a tuner may explore.
    pub safe: (f32, f32),
    /// The factory default.
    pub default: f32,
    /// How a control maps its travel to the value.
    pub taper: Taper,
    /// What it does, in plain words.
    pub help: &'static str,
}

macro_rules! settings {
    ($( $(#[doc = $help:literal])+ $key:ident $id:literal $name:literal $group:literal
        $kind:expr, $unit:ident, $min:literal .. $max:literal, safe $s0:literal .. $s1:literal,
        default $default:literal, $taper:ident; )+) => {
        /// The settings by name; the order is that of [`TABLE`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Id { $( $(#[doc = $help])+ $key, )+ }

        /// Every setting of Attune.
        pub const TABLE: &[Spec] = &[ $( Spec {
            key: Id::$key, id: $id, name: $name, group: $group, kind: $kind, unit: Unit::$unit,
            min: $min, max: $max, safe: ($s0, $s1), default: $default, taper: Taper::$taper,
            help: concat!($($help),+).trim_ascii(),
        }, )+ ];
    };
}

const METHOD: Kind = Kind::Choice(&["off", "spectral", "neural"]);
const HUM: Kind = Kind::Choice(&["auto", "50", "60"]);
use Kind::Number;

settings! {
    /// How noise is removed: off, spectral (plain statistics) or neural (RNNoise together with them).
    Method "method" "Denoise method" "Denoise" METHOD, None, 0.0..2.0, safe 0.0..2.0, default 2.0, Linear;
    /// The most that noise is turned down. Lower keeps more of the room; 0 switches it off.
    Reduction "reduction" "Reduction" "Denoise" Number, Decibel, 0.0..40.0, safe 0.0..24.0, default 20.0, Linear;
    /// How much louder than measured the noise is taken to be. Higher removes more and harms sooner.
    Oversubtraction "oversubtraction" "Over-subtraction" "Denoise" Number, Factor, 0.5..4.0, safe 0.7..2.0, default 1.0, Logarithmic;
    /// Evens the noise reduction out in time against musical noise.
    Smoothing "smoothing" "Smoothing" "Denoise" Number, Percent, 0.0..100.0, safe 20.0..90.0, default 50.0, Linear;
    /// How fast the noise estimate follows a changing noise.
    Adaptation "adaptation" "Noise adaptation" "Denoise" Number, Seconds, 0.05..5.0, safe 0.1..2.0, default 0.3, Logarithmic;
    /// How much of the room's late reverberation is removed. 0 switches it off.
    Dereverb "dereverb" "Dereverb" "Dereverb" Number, Percent, 0.0..100.0, safe 0.0..70.0, default 0.0, Linear;
    /// The room's decay time (RT60). At the lowest value, 0.1 s, it is estimated from the sound.
    Decay "decay" "Decay time" "Dereverb" Number, Seconds, 0.1..3.0, safe 0.1..1.5, default 0.1, Logarithmic;
    /// How deep mains hum and its harmonics are notched, where they are found. 0 switches it off.
    Hum "hum" "Hum removal" "Hum" Number, Percent, 0.0..100.0, safe 0.0..100.0, default 100.0, Linear;
    /// The mains frequency to look for.
    HumFrequency "hum_frequency" "Mains frequency" "Hum" HUM, None, 0.0..2.0, safe 0.0..2.0, default 0.0, Linear;
    /// Removes rumble below this frequency (12 dB per octave). At 10 Hz it is off.
    LowCut "low_cut" "Low cut" "Tone" Number, Hertz, 10.0..400.0, safe 10.0..120.0, default 10.0, Logarithmic;
    /// Low shelf at 150 Hz: body or boom.
    EqLow "eq_low" "Low" "Tone" Number, Decibel, -15.0..15.0, safe -9.0..6.0, default 0.0, Linear;
    /// Bell at the mid frequency: boxiness or warmth.
    EqMid "eq_mid" "Mid" "Tone" Number, Decibel, -15.0..15.0, safe -6.0..6.0, default 0.0, Linear;
    /// Where the mid bell sits.
    EqMidFrequency "eq_mid_frequency" "Mid frequency" "Tone" Number, Hertz, 150.0..2500.0, safe 200.0..1500.0, default 400.0, Logarithmic;
    /// Bell at 3.5 kHz: intelligibility or harshness.
    EqPresence "eq_presence" "Presence" "Tone" Number, Decibel, -15.0..15.0, safe -6.0..6.0, default 0.0, Linear;
    /// High shelf at 9 kHz: air or hiss.
    EqAir "eq_air" "Air" "Tone" Number, Decibel, -15.0..15.0, safe -6.0..8.0, default 0.0, Linear;
    /// The most that a sharp s is turned down. 0 switches it off.
    Deess "deess" "De-ess" "De-ess" Number, Decibel, 0.0..18.0, safe 0.0..10.0, default 0.0, Linear;
    /// Where sibilance begins.
    DeessFrequency "deess_frequency" "De-ess frequency" "De-ess" Number, Hertz, 3000.0..10000.0, safe 4000.0..8000.0, default 5500.0, Logarithmic;
    /// The loudness that speech is brought to.
    LevelTarget "level_target" "Level target" "Level" Number, Lufs, -36.0..-9.0, safe -24.0..-14.0, default -18.0, Linear;
    /// The most that the leveler turns speech up or down. 0 switches it off.
    LevelRange "level_range" "Level range" "Level" Number, Decibel, 0.0..30.0, safe 0.0..18.0, default 0.0, Linear;
    /// How fast the leveler turns speech up. Down, and when speech begins, it is four times as fast.
    LevelSpeed "level_speed" "Level speed" "Level" Number, DecibelPerSecond, 0.3..30.0, safe 1.0..12.0, default 4.0, Logarithmic;
    /// Above this level the compressor works. At 0 dB it is off.
    CompThreshold "comp_threshold" "Compressor threshold" "Level" Number, Decibel, -60.0..0.0, safe -36.0..0.0, default 0.0, Linear;
    /// How strongly the compressor works; 1:1 is off.
    CompRatio "comp_ratio" "Compressor ratio" "Level" Number, Ratio, 1.0..20.0, safe 1.0..4.0, default 2.0, Logarithmic;
    /// No true peak passes this level (measured to about 0.1 dB).
    Ceiling "ceiling" "Limiter ceiling" "Output" Number, TruePeak, -18.0..0.0, safe -3.0..-0.5, default -1.0, Linear;
    /// How much of the enhanced sound is heard against the untouched.
    Mix "mix" "Mix" "Output" Number, Percent, 0.0..100.0, safe 50.0..100.0, default 100.0, Linear;
    /// Level change before the limiter.
    OutputGain "output_gain" "Output gain" "Output" Number, Decibel, -24.0..24.0, safe -6.0..6.0, default 0.0, Linear;
}

impl Id {
    /// The row of the table.
    #[inline]
    pub fn spec(self) -> &'static Spec {
        &TABLE[self as usize]
    }

    /// Finds a setting by its stable id.
    pub fn from_name(name: &str) -> Option<Id> {
        TABLE.iter().find(|s| s.id == name).map(|s| s.key)
    }

    /// All settings, in the order of the table.
    pub fn all() -> impl Iterator<Item = Id> {
        TABLE.iter().map(|s| s.key)
    }
}

impl Spec {
    /// The value within the range; NaN gives the default, choices are rounded.
    pub fn clamp(&self, value: f32) -> f32 {
        if value.is_nan() {
            return self.default;
        }
        let value = value.clamp(self.min, self.max);
        if matches!(self.kind, Kind::Choice(_)) { value.round() } else { value }
    }

    /// The range or the choices, in words.
    pub fn allowed(&self) -> String {
        match self.kind {
            Kind::Choice(names) => names.join(", "),
            Kind::Number => format!("{} to {}", self.format(self.min), self.format(self.max)),
        }
    }

    /// The value with its unit, as people write it: `-18 LUFS`, `2:1`, `spectral`.
    pub fn format(&self, value: f32) -> String {
        if let Kind::Choice(names) = self.kind {
            return names[(self.clamp(value)) as usize].to_owned();
        }
        let digits = match value.abs() {
            v if v >= 100.0 => 0,
            v if v >= 10.0 => 1,
            _ => 2,
        };
        let number = format!("{value:.digits$}");
        let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { &number };
        let number = if number == "-0" { "0" } else { number };
        format!("{number}{}", self.unit.suffix())
    }

    /// Reads what a person typed: a number with or without its unit, or a choice by name.
    pub fn parse(&self, text: &str) -> Result<f32, ValueError> {
        let text = text.trim();
        let not_a_value = || ValueError::NotAValue { id: self.id, text: text.to_owned(), allowed: self.allowed() };
        if let Kind::Choice(names) = self.kind {
            let bare = text.trim_end_matches("Hz").trim_end();
            let index = names.iter().position(|n| n.eq_ignore_ascii_case(bare)).ok_or_else(not_a_value)?;
            return Ok(index as f32);
        }
        let lower = text.to_ascii_lowercase();
        let (bare, scale) = match lower.strip_suffix("khz") {
            Some(bare) if self.unit == Unit::Hertz => (bare, 1000.0),
            _ => (lower.trim_end_matches(self.unit.suffix().trim().to_ascii_lowercase().as_str()), 1.0),
        };
        let value: f32 = bare.trim().parse().map_err(|_| not_a_value())?;
        let value = value * scale;
        if value.is_nan() {
            return Err(not_a_value());
        }
        if value < self.min || value > self.max {
            return Err(ValueError::OutOfRange { id: self.id, text: text.to_owned(), allowed: self.allowed() });
        }
        Ok(value)
    }

    /// From the value to a control's travel, 0 to 1.
    pub fn normalise(&self, value: f32) -> f32 {
        let value = self.clamp(value);
        match self.taper {
            Taper::Linear => (value - self.min) / (self.max - self.min),
            Taper::Logarithmic => (value / self.min).ln() / (self.max / self.min).ln(),
        }
    }

    /// From a control's travel, 0 to 1, to the value.
    pub fn denormalise(&self, travel: f32) -> f32 {
        let travel = travel.clamp(0.0, 1.0);
        self.clamp(match self.taper {
            Taper::Linear => self.min + travel * (self.max - self.min),
            Taper::Logarithmic => self.min * (self.max / self.min).powf(travel),
        })
    }
}
