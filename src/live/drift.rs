/// Holds the distance between two clocks: a slow PI controller.
///
/// It hears how much more waits between input and output than should, and says by how much faster the input must be
/// read. Well damped: jitter of the callbacks is not heard as a wobble of pitch, a server that changes its mind about its
/// latency is not taken for a drift, and a drift of 200 ppm moves the distance by less than 1 ms.
#[derive(Clone, Debug, Default)]
pub struct Drift {
    /// The error of late, s, and how long it was heard, s.
    mean: f64,
    heard: f64,
    /// What makes up for a constant drift.
    integral: f64,
}

/// The most that the speed is changed: a thousandth is 1.7 cents, less than anybody hears.
pub const MOST: f64 = 1e-3;
/// What of an error is made up for in a second.
const PROPORTIONAL: f64 = 0.2;
/// The same of its sum, 1/s²: a damping ratio of 1.5.
const INTEGRAL: f64 = (PROPORTIONAL / 3.0) * (PROPORTIONAL / 3.0);
/// Over how long the error is averaged, s: it jitters with every callback.
const AVERAGE: f64 = 1.0;

impl Drift {
    /// Hears of an error (s, positive: too much waits) after `elapsed` seconds; gives the speed of reading.
    pub fn update(&mut self, error: f64, elapsed: f64) -> f64 {
        self.heard += elapsed;
        if self.heard > 0.0 {
            self.mean += (elapsed / self.heard.min(AVERAGE)).clamp(0.0, 1.0) * (error - self.mean);
        }
        self.integral = (self.integral + INTEGRAL * self.mean * elapsed).clamp(-MOST, MOST);
        1.0 + (PROPORTIONAL * self.mean + self.integral).clamp(-MOST, MOST)
    }

    /// The error of late, s.
    pub fn error(&self) -> f64 {
        self.mean
    }

    /// How much faster than nominal the input's clock is, as far as it is known.
    pub fn rate(&self) -> f64 {
        self.integral
    }

    /// The distance was set anew; what is known of the clocks stays.
    pub fn restart(&mut self) {
        (self.mean, self.heard) = (0.0, 0.0);
    }
}
