//! Goals: what a person asks for beside a good score.

use super::objectives::{Objective, Objectives};
use crate::quality::Estimate;
use std::fmt;
use std::str::FromStr;

/// Something that is wanted, how much of it, and how much that matters.
///
/// As text: `noise=20`, or with a weight `noise=20*2`.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Goal {
    /// What.
    pub objective: Objective,
    /// How much, in the unit of the objective; see [`Objective::range`].
    pub target: f32,
    /// What missing the goal altogether costs, PESQ points.
    pub weight: f32,
}

/// A goal that can't be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a goal: {problem}; allowed: {}", allowed())]
pub struct GoalError {
    /// What was typed.
    pub text: String,
    problem: String,
}

fn allowed() -> String {
    let one = |o: Objective| {
        let (low, high) = o.range();
        format!("{o}={low}..{high} ({}, {})", o.meaning(), o.unit().trim())
    };
    format!("{}; a weight may follow: noise=20*2", Objective::ALL.map(one).join(", "))
}

impl FromStr for Goal {
    type Err = GoalError;

    fn from_str(text: &str) -> Result<Goal, GoalError> {
        let error = |problem: String| GoalError { text: text.to_owned(), problem };
        let (name, rest) = text.split_once('=').ok_or_else(|| error("there is no \"=\"".into()))?;
        let (target, weight) = rest.split_once('*').unwrap_or((rest, "1"));
        let name = name.trim();
        let objective = Objective::ALL.into_iter().find(|o| o.name().eq_ignore_ascii_case(name));
        let objective = objective.ok_or_else(|| error(format!("there is nothing called \"{name}\"")))?;
        let number = |text: &str| {
            let bare = text.trim().trim_end_matches(objective.unit().trim()).trim_end();
            bare.parse().map_err(|_| error(format!("\"{}\" is not a number", text.trim())))
        };
        let (target, weight): (f32, f32) = (number(target)?, number(weight)?);
        let (low, high) = objective.range();
        if !(low..=high).contains(&target) {
            return Err(error(format!("{target} is out of range")));
        }
        if !(weight > 0.0 && weight <= 10.0) {
            return Err(error("a weight must be above 0 and at most 10".into()));
        }
        Ok(Goal { objective, target, weight })
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.objective.meaning(), self.target, self.objective.unit())
    }
}

impl Goal {
    /// How far a candidate is from the goal: 0 when it is met, 1 as bad as can be. What is not known is
    /// met.
    pub fn shortfall(&self, objectives: &Objectives) -> f32 {
        let value = objectives.get(self.objective);
        let missing = match self.objective {
            Objective::Noise | Objective::Speech | Objective::Artefacts => self.target - value,
            Objective::Tone | Objective::Cpu => value - self.target,
            // Half a LU isn't heard.
            Objective::Loudness => (value - self.target).abs() - 0.5,
        };
        if missing.is_nan() { 0.0 } else { (missing / self.objective.scale()).clamp(0.0, 1.0) }
    }

    /// The way that was made from a start towards the goal: 0 none, 1 it is met; less than 0 further away.
    pub fn progress(&self, start: &Objectives, now: &Objectives) -> f32 {
        let (before, left) = (self.shortfall(start), self.shortfall(now));
        match left {
            0.0 => 1.0,
            _ if before > 0.0 => (1.0 - left / before).max(-1.0),
            _ => -1.0,
        }
    }
}

/// All that is wanted beside a good score.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Goals(pub Vec<Goal>);

impl Goals {
    /// What missing goals cost a candidate, PESQ points.
    pub fn cost(&self, objectives: &Objectives) -> f32 {
        self.0.iter().map(|goal| goal.weight * goal.shortfall(objectives)).sum()
    }

    /// The scalar for the loop: the score, PESQ points, minus what missing goals cost. Takes a
    /// [`Quality`](crate::quality::Quality) or [`Objectives`].
    pub fn value(&self, score: Estimate, objectives: impl Into<Objectives>) -> Estimate {
        Estimate { mean: score.mean - self.cost(&objectives.into()), ..score }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::Quality;

    fn goal(text: &str) -> Goal {
        text.parse().unwrap()
    }

    #[test]
    fn goals_are_read() {
        assert_eq!(goal("noise=20"), Goal { objective: Objective::Noise, target: 20.0, weight: 1.0 });
        assert_eq!(
            goal(" Loudness = -16 LUFS * 0.5"),
            Goal { objective: Objective::Loudness, target: -16.0, weight: 0.5 }
        );
        assert_eq!(goal("cpu=5%").target, 5.0);
        assert_eq!(goal("noise=20").to_string(), "noise goes down by at least 20 dB");
        for (text, problem) in [
            ("noise", "there is no \"=\""),
            ("hiss=3", "nothing called \"hiss\""),
            ("noise=loud", "\"loud\" is not a number"),
            ("noise=99", "out of range"),
            ("noise=nan", "out of range"),
            ("noise=9*-1", "weight"),
            ("noise=9*nan", "weight"),
            ("", "there is no"),
        ] {
            let error = text.parse::<Goal>().unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
            assert!(Objective::ALL.iter().all(|o| error.contains(&format!("{o}="))), "{error}");
        }
    }

    #[test]
    fn progress_is_the_way_made() {
        let at = |noise, loudness, cpu| {
            Objectives::from(&Quality { noise_attenuation: noise, loudness, ..Quality::default() }).with_cpu(cpu)
        };
        let start = at(4.0, -30.0, 50.0);
        for (text, now, progress) in [
            ("noise=20", at(12.0, 0.0, 0.0), 0.5),
            ("noise=20", at(21.0, 0.0, 0.0), 1.0),
            ("noise=20", at(0.0, 0.0, 0.0), -0.25),
            ("noise=2", at(0.0, 0.0, 0.0), -1.0),
            ("loudness=-16", at(0.0, -16.3, 0.0), 1.0),
            ("loudness=-16", at(0.0, -8.75, 0.0), 0.5),
            ("cpu=10", at(0.0, 0.0, 30.0), 0.5),
        ] {
            let found = goal(text).progress(&start, &now);
            assert!((found - progress).abs() < 0.02, "{text}: {found}");
        }
    }

    #[test]
    fn missing_a_goal_costs() {
        let goals = Goals(vec![goal("noise=20*2"), goal("cpu=10")]);
        let score = Estimate { mean: 0.5, sigma: 0.1 };
        let value = |noise_attenuation| goals.value(score, &Quality { noise_attenuation, ..Quality::default() });
        assert_eq!(value(20.0), score, "met; nothing is known of the CPU");
        assert!((value(8.0).mean + 0.5).abs() < 1e-6 && value(8.0).sigma == 0.1, "{:?}", value(8.0));
        assert!(value(-99.0).mean < value(0.0).mean && value(f32::NAN).mean == 0.5);
        assert_eq!(Goals::default().value(score, &Quality::default()), score);
        let back: Goals = serde_json::from_str(&serde_json::to_string(&goals).unwrap()).unwrap();
        assert_eq!(back, goals);
    }
}
