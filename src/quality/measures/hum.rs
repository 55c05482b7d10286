use realfft::{RealFftPlanner, RealToComplex};
use std::cell::OnceCell;
use std::f32::consts::TAU;
use std::sync::Arc;

/// Length of the spectra: half a second at about 4 kHz.
const LENGTH: usize = 2048;
const HARMONICS: usize = 8;
/// -75 dB: weaker lines are not heard.
const UNHEARD: f32 = 3e-8;

/// Residual hum, dB: how far the lines at 50 or 60 Hz and their harmonics stand out of what lies
/// between them in the output; 0 where there are none. A line is as strong as in the quietest quarter
/// of half-second spectra, so speech, which moves, is no hum. Trap: a note held throughout.
pub fn residual(rate: u32, output: &[f32]) -> f32 {
    let factor = (rate as usize).div_ceil(4000).max(1);
    let slow: Vec<f32> = output.chunks_exact(factor).map(|s| s.iter().sum::<f32>() / factor as f32).collect();
    let mut spectra = spectra(&slow);
    let quiet = quarter(&mut spectra);
    if quiet.is_empty() {
        return 0.0;
    }
    let hertz = rate as f32 / (factor * LENGTH) as f32;
    let near = |f: f32| -> f32 {
        let centre = (f / hertz).round() as usize;
        quiet.get(centre.saturating_sub(2)..centre + 3).map_or(0.0, |bins| bins.iter().sum())
    };
    [50.0f32, 60.0]
        .map(|mains| {
            let (mut lines, mut between) = (0.0f32, UNHEARD);
            for harmonic in 1..=HARMONICS {
                let floor = near(mains * (harmonic as f32 + 0.5)).max(near(mains * (harmonic as f32 - 0.5)));
                lines += (near(mains * harmonic as f32) - 4.0 * floor).max(0.0);
                between += floor;
            }
            10.0 * (1.0 + lines / between).log10()
        })
        .into_iter()
        .fold(0.0, f32::max)
}

/// Power spectra of half-overlapping Hann windows.
fn spectra(samples: &[f32]) -> Vec<Vec<f32>> {
    thread_local! {
        static PLAN: OnceCell<(Arc<dyn RealToComplex<f32>>, Vec<f32>)> = const { OnceCell::new() };
    }
    PLAN.with(|plan| {
        let (fft, window) = plan.get_or_init(|| {
            let window = (0..LENGTH).map(|n| (1.0 - (TAU * n as f32 / LENGTH as f32).cos()) / LENGTH as f32).collect();
            (RealFftPlanner::new().plan_fft_forward(LENGTH), window)
        });
        let (mut out, mut scratch) = (fft.make_output_vec(), fft.make_scratch_vec());
        let spectrum = |samples: &[f32]| {
            let mut frame: Vec<f32> = samples.iter().zip(window).map(|(s, w)| s * w).collect();
            // Only wrong lengths can fail.
            let _ = fft.process_with_scratch(&mut frame, &mut out, &mut scratch);
            out[..LENGTH / 4].iter().map(|bin| bin.norm_sqr()).collect()
        };
        samples.windows(LENGTH).step_by(LENGTH / 2).map(spectrum).collect()
    })
}

/// Bin by bin: what a quarter of the spectra stay below.
fn quarter(spectra: &mut [Vec<f32>]) -> Vec<f32> {
    let bins = spectra.first().map_or(0, Vec::len);
    (0..bins)
        .map(|bin| {
            let mut values: Vec<f32> = spectra.iter().map(|spectrum| spectrum[bin]).collect();
            let place = values.len() / 4;
            *values.select_nth_unstable_by(place, f32::total_cmp).1
        })
        .collect()
}
