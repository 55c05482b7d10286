use std::fmt;
use std::str::FromStr;

/// How bold the loop is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// Takes what is probably better.
    Greedy,
    /// Takes what is better with fair certainty.
    #[default]
    Balanced,
    /// Takes only what is better with great certainty, in small steps.
    Conservative,
}

impl Style {
    /// All, the boldest first.
    pub const ALL: [Style; 3] = [Style::Greedy, Style::Balanced, Style::Conservative];

    /// As typed.
    pub fn name(self) -> &'static str {
        match self {
            Style::Greedy => "greedy",
            Style::Balanced => "balanced",
            Style::Conservative => "conservative",
        }
    }

    /// How many sigmas of doubt a deployment must clear. A sigma is for one comparison; on recordings
    /// whose voices the score never heard, 0.7 gained no more than 0.95 and harmed twice as often, and with 1.2 a fifth of
    /// the gain was lost.
    pub fn doubt(self) -> f32 {
        match self {
            Style::Greedy => 0.4,
            Style::Balanced => 0.95,
            Style::Conservative => 1.2,
        }
    }

    /// The largest step of a setting in one cycle, as a share of its safe range. Choices and openings are
    /// not steps.
    pub fn step(self) -> f32 {
        match self {
            Style::Greedy => 1.0,
            Style::Balanced => 0.5,
            Style::Conservative => 0.1,
        }
    }

    /// How many settings may change in one cycle.
    pub fn changes(self) -> usize {
        match self {
            Style::Greedy => 19,
            Style::Balanced => 12,
            Style::Conservative => 3,
        }
    }
}

impl FromStr for Style {
    type Err = String;

    fn from_str(text: &str) -> Result<Style, String> {
        let found = Style::ALL.into_iter().find(|style| style.name().eq_ignore_ascii_case(text.trim()));
        found.ok_or_else(|| format!("\"{text}\" is not a style; allowed: {}", Style::ALL.map(Style::name).join(", ")))
    }
}

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bolder_the_less_doubt_and_the_larger_the_steps() {
        for pair in Style::ALL.windows(2) {
            assert!(pair[0].doubt() < pair[1].doubt());
            assert!(pair[0].step() > pair[1].step() && pair[0].changes() > pair[1].changes());
        }
        for style in Style::ALL {
            assert_eq!(style.to_string().parse(), Ok(style));
        }
        assert!("timid".parse::<Style>().unwrap_err().contains("greedy, balanced, conservative"));
    }
}
