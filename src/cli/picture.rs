//! Spectrograms as PNG pictures.

use super::spectrogram::{ROWS, Spectrogram, frequency_marks};

/// From the darkest to the brightest colour.
const RANGE_DB: f32 = 70.0;
/// The colour map: nine points of matplotlib's "magma" (CC0), dark to bright, evenly spaced.
const MAGMA: [[u8; 3]; 9] = [
    [0, 0, 4],
    [28, 16, 68],
    [79, 18, 123],
    [129, 37, 129],
    [181, 54, 122],
    [229, 89, 100],
    [251, 135, 97],
    [254, 194, 135],
    [252, 253, 191],
];

/// The levels that the darkest and the brightest colour stand for, common to all pictures. The
/// brightest is reached by one pixel in 500, so that a single thump does not darken all the rest.
pub fn scale(all: &[&Spectrogram]) -> (f32, f32) {
    let mut counts = [0u64; 160];
    for db in all.iter().flat_map(|s| s.columns()).flat_map(|column| column.decibels()) {
        counts[(db + 120.0).clamp(0.0, 159.0) as usize] += 1;
    }
    let total: u64 = counts.iter().sum();
    let mut above = 0;
    let top = (0..counts.len()).rev().find(|&i| {
        above += counts[i];
        above * 500 > total
    });
    let top = (top.unwrap_or(0) as f32 - 119.0).max(-60.0);
    (top - RANGE_DB, top)
}

/// One spectrogram without axes: a pixel for each column and row.
pub fn plain(spectrogram: &Spectrogram, (low, high): (f32, f32)) -> Vec<u8> {
    let width = spectrogram.columns().len().max(1);
    let mut pixels = vec![0; width * ROWS];
    for (x, column) in spectrogram.columns().iter().enumerate() {
        for (row, db) in column.decibels().enumerate() {
            pixels[(ROWS - 1 - row) * width + x] = shade(db, low, high);
        }
    }
    png(width, ROWS, &pixels)
}

fn shade(db: f32, low: f32, high: f32) -> u8 {
    ((db - low) / (high - low) * f32::from(BRIGHTEST)).clamp(0.0, f32::from(BRIGHTEST)) as u8
}

/// Shades 1.5 dB apart: more are not seen and only make larger files.
const BRIGHTEST: u8 = 47;
const PAPER: u8 = BRIGHTEST + 1;
const INK: u8 = BRIGHTEST + 2;
const FAINT: u8 = BRIGHTEST + 3;

fn palette() -> Vec<u8> {
    let mut colours: Vec<u8> = (0..=BRIGHTEST).flat_map(|i| colour(f32::from(i) / f32::from(BRIGHTEST))).collect();
    colours.extend([[17, 18, 24], [232, 232, 240], [120, 122, 138]].as_flattened());
    colours
}

/// The colour at this share of the scale, 0 to 1.
pub fn colour(share: f32) -> [u8; 3] {
    let at = share.clamp(0.0, 1.0) * (MAGMA.len() - 1) as f32;
    let (low, high) = (MAGMA[at as usize], MAGMA[(at as usize + 1).min(MAGMA.len() - 1)]);
    std::array::from_fn(|i| (f32::from(low[i]) + (f32::from(high[i]) - f32::from(low[i])) * at.fract()).round() as u8)
}

fn png(width: usize, height: usize, pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette());
    encoder.set_compression(png::Compression::Balanced);
    // Neighbouring numbers of a palette differ too much for the other filters to help.
    encoder.set_filter(png::Filter::NoFilter);
    // Writing to memory, of a size that fits.
    if let Ok(mut writer) = encoder.write_header() {
        let _ = writer.write_image_data(pixels);
    }
    bytes
}

const LEFT: usize = 84;
const RIGHT: usize = 24;
const TOP: usize = 48;
const BOTTOM: usize = 52;
const PANEL: (usize, usize) = (1400, 2 * ROWS * 5 / 8);

/// Both spectrograms with axes, one above the other: a picture that stands alone.
pub fn before_and_after(both: [&Spectrogram; 2], seconds: f64, titles: [&str; 2]) -> Vec<u8> {
    let (low, high) = scale(&both);
    let (panel_width, panel_height) = PANEL;
    let width = LEFT + panel_width + RIGHT;
    let height = 2 * (TOP + panel_height) + BOTTOM;
    let mut canvas = Canvas { width, pixels: vec![PAPER; width * height] };
    for (index, (spectrogram, title)) in both.into_iter().zip(titles).enumerate() {
        let top = TOP + index * (TOP + panel_height);
        canvas.text(LEFT, top - 28, title, INK);
        let columns = spectrogram.columns();
        for x in 0..panel_width {
            let Some(column) = columns.get(x * columns.len() / panel_width) else { continue };
            let rows: Vec<f32> = column.decibels().collect();
            for y in 0..panel_height {
                let row = (panel_height - 1 - y) * rows.len() / panel_height;
                let db = rows.get(row).copied().unwrap_or(low);
                canvas.dot(LEFT + x, top + y, shade(db, low, high));
            }
        }
        for (share, text) in frequency_marks(spectrogram.rate()) {
            let y = top + panel_height - (share * panel_height as f32) as usize;
            canvas.text(LEFT - 16 - text_width(text), y - 7, text, FAINT);
            (LEFT - 10..LEFT).for_each(|x| canvas.dot(x, y, FAINT));
        }
    }
    let bottom = height - BOTTOM;
    for (share, text) in time_marks(seconds, 8) {
        let x = LEFT + (share * panel_width as f64) as usize;
        (bottom..bottom + 8).for_each(|y| canvas.dot(x, y, FAINT));
        canvas.text(x.saturating_sub(text_width(&text) / 2), bottom + 16, &text, FAINT);
    }
    png(width, height, &canvas.pixels)
}

/// Marks of a time axis: where (0 to 1), and what is written there; about `count` of them.
pub fn time_marks(seconds: f64, count: usize) -> Vec<(f64, String)> {
    let steps = [
        0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0,
        3600.0, 7200.0, 18_000.0,
    ];
    let step = steps
        .into_iter()
        .find(|step| seconds / step <= count as f64)
        .unwrap_or(36_000.0 * (seconds / 360_000.0).ceil());
    let mark = |i: usize| {
        let t = i as f64 * step;
        let text = match t {
            _ if step < 0.1 => format!("{t:.2} s"),
            _ if step < 1.0 => format!("{t:.1} s"),
            _ if seconds < 60.0 => format!("{t:.0} s"),
            _ => clock(t),
        };
        (t / seconds, text)
    };
    (0..).map(mark).take_while(|(share, _)| *share <= 1.0).take(100).collect()
}

/// `1:02:03` or `2:03`.
pub fn clock(seconds: f64) -> String {
    let s = seconds as u64;
    match s / 3600 {
        0 => format!("{}:{:02}", s / 60, s % 60),
        hours => format!("{hours}:{:02}:{:02}", s / 60 % 60, s % 60),
    }
}

struct Canvas {
    width: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    fn dot(&mut self, x: usize, y: usize, colour: u8) {
        if let Some(pixel) = self.pixels.get_mut(y * self.width + x).filter(|_| x < self.width) {
            *pixel = colour;
        }
    }

    fn text(&mut self, x: usize, y: usize, text: &str, colour: u8) {
        for (i, letter) in text.chars().enumerate() {
            for (row, bits) in glyph(letter).into_iter().enumerate() {
                for column in 0..5 {
                    if bits >> (4 - column) & 1 == 1 {
                        for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                            self.dot(x + i * 12 + column * 2 + dx, y + row * 2 + dy, colour);
                        }
                    }
                }
            }
        }
    }
}

fn text_width(text: &str) -> usize {
    text.chars().count() * 12
}

/// The letters that axes and titles need: 5 x 7 pixels, one byte a row.
#[rustfmt::skip]
fn glyph(letter: char) -> [u8; 7] {
    match letter {
        '0' => [14, 17, 19, 21, 25, 17, 14], '1' => [4, 12, 4, 4, 4, 4, 14],
        '2' => [14, 17, 1, 6, 8, 16, 31],    '3' => [14, 17, 1, 6, 1, 17, 14],
        '4' => [2, 6, 10, 18, 31, 2, 2],     '5' => [31, 16, 30, 1, 1, 17, 14],
        '6' => [6, 8, 16, 30, 17, 17, 14],   '7' => [31, 1, 2, 4, 8, 8, 8],
        '8' => [14, 17, 17, 14, 17, 17, 14], '9' => [14, 17, 17, 15, 1, 2, 12],
        'B' => [30, 17, 17, 30, 17, 17, 30], 'A' => [4, 10, 17, 17, 31, 17, 17],
        'R' => [30, 17, 17, 30, 20, 18, 17], 'd' => [1, 1, 13, 19, 17, 19, 13],
        'e' => [0, 0, 14, 17, 31, 16, 14],   'f' => [6, 9, 8, 28, 8, 8, 8],
        'k' => [16, 16, 18, 20, 24, 20, 18], 'm' => [0, 0, 26, 21, 21, 21, 21],
        'o' => [0, 0, 14, 17, 17, 17, 14],   'r' => [0, 0, 22, 25, 16, 16, 16],
        's' => [0, 0, 15, 16, 14, 1, 30],    't' => [8, 8, 28, 8, 8, 9, 6],
        'v' => [0, 0, 17, 17, 17, 10, 4],    ':' => [0, 4, 0, 0, 0, 4, 0],
        '.' => [0, 0, 0, 0, 0, 12, 12],      _ => [0; 7],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_go_from_dark_to_bright() {
        assert_eq!(colour(0.0), MAGMA[0]);
        assert_eq!(colour(1.0), MAGMA[8]);
        assert_eq!(colour(f32::NAN.max(0.5)), MAGMA[4]);
        let brightness = |i: u8| colour(f32::from(i) / 50.0).iter().map(|&c| u32::from(c)).sum::<u32>();
        assert!((1..=50).all(|i| brightness(i) >= brightness(i - 1)));
        assert_eq!(palette().len(), 3 * (usize::from(FAINT) + 1));
    }

    #[test]
    fn time_marks_are_few_and_within() {
        for seconds in [0.001, 0.5, 1.0, 10.0, 59.0, 61.0, 3600.0, 90_000.0, 1e7] {
            let marks = time_marks(seconds, 8);
            assert!((1..=12).contains(&marks.len()), "{seconds}: {marks:?}");
            assert!(marks.iter().all(|(share, _)| (0.0..=1.0).contains(share)));
        }
    }
}
