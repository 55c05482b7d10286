//! The measures, as they are shown.

use crate::quality::intrusive::Measures;

/// One measure.
pub struct Column {
    /// Its short name.
    pub name: &'static str,
    /// Its key in JSON.
    pub key: &'static str,
    /// What it is, for the report.
    pub title: &'static str,
    /// Its unit; empty where it has none.
    pub unit: &'static str,
    /// Digits after the point.
    pub digits: usize,
    /// Which way is better.
    pub better: Better,
    /// Where it stands.
    pub of: fn(&Measures) -> Option<f64>,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// More.
    High,
    /// Less.
    Low,
    /// Nearer to 0: what counts is the magnitude.
    NearZero,
}

/// All measures, in the order in which they are shown.
#[rustfmt::skip]
pub const COLUMNS: [Column; 7] = [
    Column { name: "STOI", key: "stoi", title: "Intelligibility", unit: "", digits: 3, better: Better::High, of: |m| m.stoi },
    Column { name: "ESTOI", key: "estoi", title: "Intelligibility, extended", unit: "", digits: 3, better: Better::High, of: |m| m.estoi },
    Column { name: "SI-SDR", key: "si_sdr_db", title: "Signal to distortion", unit: "dB", digits: 2, better: Better::High, of: |m| m.si_sdr },
    Column { name: "SSNR", key: "ssnr_db", title: "Signal to noise, by segments", unit: "dB", digits: 2, better: Better::High, of: |m| m.ssnr },
    Column { name: "fwSSNR", key: "fw_ssnr_db", title: "Signal to noise, weighted by frequency", unit: "dB", digits: 2, better: Better::High, of: |m| m.fw_ssnr },
    Column { name: "LSD", key: "lsd_db", title: "Spectral distance", unit: "dB", digits: 2, better: Better::Low, of: |m| m.lsd },
    Column { name: "Level", key: "level_lu", title: "Loudness error", unit: "LU", digits: 1, better: Better::NearZero, of: |m| m.loudness_error },
];

impl Column {
    /// How much the value changed: for what should be near 0, how much further away it is.
    pub fn change(&self, before: f64, after: f64) -> f64 {
        self.weight(after) - self.weight(before)
    }

    /// The mean of some files: of the magnitude, for what should be near 0. `None` of none.
    pub fn mean<'a>(&self, files: impl Iterator<Item = &'a Measures>) -> Option<f64> {
        let (mut sum, mut count) = (0.0, 0u32);
        for value in files.filter_map(self.of) {
            sum += self.weight(value);
            count += 1;
        }
        (count > 0).then(|| sum / f64::from(count))
    }

    fn weight(&self, value: f64) -> f64 {
        if self.better == Better::NearZero { value.abs() } else { value }
    }

    /// The value in digits, or a dash.
    pub fn show(&self, value: Option<f64>) -> String {
        value.map_or_else(|| "–".to_owned(), |value| fixed(value, self.digits))
    }

    /// The change in digits with its sign, or nothing.
    pub fn show_change(&self, before: Option<f64>, after: Option<f64>) -> String {
        let change = before.zip(after).map(|(before, after)| fixed(self.change(before, after), self.digits));
        change.map_or_else(String::new, |text| if text.starts_with('-') { text } else { format!("+{text}") })
    }
}

/// A number with so many digits, and no negative zero.
fn fixed(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    if text.trim_start_matches('-').chars().all(|c| matches!(c, '0' | '.')) {
        text.trim_start_matches('-').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str) -> &'static Column {
        COLUMNS.iter().find(|column| column.name == name).unwrap()
    }

    #[test]
    fn a_level_is_better_nearer_to_zero() {
        let level = column("Level");
        assert_eq!(level.show_change(Some(-6.0), Some(2.0)), "-4.0");
        let files = [-3.0, 1.0].map(|e| Measures { loudness_error: Some(e), ..Measures::default() });
        assert_eq!(level.mean(files.iter()), Some(2.0));
    }

    #[test]
    fn what_was_not_measured_is_no_number() {
        let stoi = column("STOI");
        assert_eq!(stoi.mean([Measures::default()].iter()), None);
        assert_eq!(stoi.show(None), "–");
        assert_eq!(stoi.show_change(None, Some(0.5)), "");
        assert_eq!(stoi.show_change(Some(0.5), Some(0.4999)), "+0.000");
    }
}
