//! What the host sees and automates: every row of the table of settings, and what steers the learning.

use super::{Shared, state};
use crate::engine::Latency;
use crate::settings::{Id, Kind, Settings, Spec, TABLE};
use crate::tuner::Style;
use nice_plug::plugin::ParamValue;
use nice_plug::prelude::{
    BoolParam, FloatParam, FloatRange, IntParam, IntRange, Param as _, ParamPtr, RemoteControlsContext,
    RemoteControlsPage as _, RemoteControlsSection as _,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All parameters. Their ids never change; those of the settings are the ids of the table.
pub struct Params {
    /// The base, in the order of the table.
    settings: Vec<Setting>,
    /// Whether it learns, and what was learned is heard.
    pub adapt: BoolParam,
    /// How much of what was learned is heard, 0 to 1.
    pub amount: FloatParam,
    /// How bold it learns: an index into [`Style::ALL`].
    pub style: IntParam,
    /// What was learned stays as it is.
    pub hold: BoolParam,
    /// Learns in an offline render too; otherwise that uses what was learned before.
    pub rendering: BoolParam,
    /// 0 live, 1 studio.
    pub latency: IntParam,
    /// Only what is removed is heard.
    pub delta: BoolParam,
    /// The untouched sound is heard; linked to the host's bypass.
    pub bypass: BoolParam,
    /// What is saved with the project beside the parameters.
    shared: Arc<Shared>,
}

/// A row of the table as a parameter of the host.
pub enum Setting {
    /// A number; its plain value is the travel of the control, 0 to 1, so that host, editor and learning have
    /// the same taper.
    Number(FloatParam),
    /// One of some names; its plain value is the index.
    Choice(IntParam),
}

impl Params {
    /// All at their defaults.
    pub fn new(shared: Arc<Shared>) -> Params {
        let styles = Style::ALL.map(Style::name);
        let style = Style::ALL.iter().position(|style| *style == Style::default()).unwrap_or_default();
        Params {
            settings: TABLE.iter().map(Setting::new).collect(),
            adapt: switch("Adapt", true),
            amount: percent("Amount", 1.0),
            style: choice("Style", style, styles.to_vec()),
            hold: switch("Hold", false),
            rendering: switch("Adapt when rendering", false).non_automatable(),
            latency: choice("Latency", 1, vec!["live", "studio"]).non_automatable(),
            delta: switch("Delta listen", false),
            bypass: switch("Bypass", false).make_bypass(),
            shared,
        }
    }

    /// The parameter of a setting.
    pub fn setting(&self, id: Id) -> &Setting {
        &self.settings[id as usize]
    }

    /// What the user or the host set, with its modulation. Never allocates.
    pub fn base(&self) -> Settings {
        let mut base = Settings::default();
        for id in Id::all() {
            base.set(
                id,
                match self.setting(id) {
                    Setting::Number(param) => value(id.spec(), param.value()),
                    Setting::Choice(param) => param.value() as f32,
                },
            );
        }
        base
    }

    /// The same without modulation: what is saved.
    fn unmodulated(&self) -> Settings {
        let mut base = Settings::default();
        for id in Id::all() {
            base.set(
                id,
                match self.setting(id) {
                    Setting::Number(param) => value(id.spec(), param.unmodulated_plain_value()),
                    Setting::Choice(param) => param.unmodulated_plain_value() as f32,
                },
            );
        }
        base
    }

    /// How bold it learns.
    pub fn style(&self) -> Style {
        Style::ALL[(self.style.value().max(0) as usize).min(Style::ALL.len() - 1)]
    }

    /// Each parameter's id, default and number of steps.
    pub(super) fn all() -> Vec<(String, ParamValue, usize)> {
        let params = Params::new(Shared::new().0);
        let float = |param: &FloatParam| (ParamValue::F32(param.default_plain_value()), 0);
        let int = |param: &IntParam| (ParamValue::I32(param.default_plain_value()), param.step_count().unwrap_or(0));
        let bool = |param: &BoolParam| (ParamValue::Bool(param.default_plain_value()), 1);
        let settings = TABLE.iter().map(|spec| match params.setting(spec.key) {
            Setting::Number(param) => (spec.id, float(param)),
            Setting::Choice(param) => (spec.id, int(param)),
        });
        let others = [
            ("adapt", bool(&params.adapt)),
            ("amount", float(&params.amount)),
            ("style", int(&params.style)),
            ("hold", bool(&params.hold)),
            ("rendering", bool(&params.rendering)),
            ("latency", int(&params.latency)),
            ("delta", bool(&params.delta)),
            ("bypass", bool(&params.bypass)),
        ];
        settings.chain(others).map(|(id, (default, steps))| (id.to_owned(), default, steps)).collect()
    }

    /// Pages of knobs for controllers: a page a group.
    pub(super) fn remote_controls(&self, context: &mut impl RemoteControlsContext) {
        context.add_section("Learning", |section| {
            section.add_page("Learning", |page| {
                [&self.adapt, &self.hold, &self.delta].into_iter().for_each(|param| page.add_param(param));
                page.add_param(&self.amount);
                page.add_param(&self.style);
            });
        });
        for group in TABLE.chunk_by(|a, b| a.group == b.group) {
            context.add_section(group[0].group, |section| {
                section.add_page(group[0].group, |page| {
                    for spec in group {
                        match self.setting(spec.key) {
                            Setting::Number(param) => page.add_param(param),
                            Setting::Choice(param) => page.add_param(param),
                        }
                    }
                });
            });
        }
    }

    fn others(&self) -> [(&'static str, ParamPtr, &'static str); 8] {
        [
            ("adapt", self.adapt.as_ptr(), "Learning"),
            ("amount", self.amount.as_ptr(), "Learning"),
            ("style", self.style.as_ptr(), "Learning"),
            ("hold", self.hold.as_ptr(), "Learning"),
            ("rendering", self.rendering.as_ptr(), "Learning"),
            ("latency", self.latency.as_ptr(), ""),
            ("delta", self.delta.as_ptr(), ""),
            ("bypass", self.bypass.as_ptr(), ""),
        ]
    }
}

// SAFETY: every pointer is to a field, or to an element of a vector that never changes; the host's wrapper keeps the
// `Arc` in which they live for as long as it uses them.
unsafe impl nice_plug::prelude::Params for Params {
    fn param_map(&self) -> Vec<(String, ParamPtr, String)> {
        let settings = TABLE.iter().zip(&self.settings).map(|(spec, setting)| (spec.id, setting.as_ptr(), spec.group));
        settings.chain(self.others()).map(|(id, param, group)| (id.into(), param, group.into())).collect()
    }

    fn serialize_fields(&self) -> BTreeMap<String, String> {
        state::save(&self.unmodulated(), &self.shared)
    }

    fn deserialize_fields(&self, fields: &BTreeMap<String, String>) {
        state::load(fields, &self.shared);
    }
}

impl Setting {
    fn new(spec: &'static Spec) -> Setting {
        match spec.kind {
            Kind::Choice(names) => Setting::Choice(choice(spec.name, spec.default as usize, names.to_vec())),
            Kind::Number => {
                let travel = FloatRange::Linear { min: 0.0, max: 1.0 };
                Setting::Number(
                    FloatParam::new(spec.name, spec.normalise(spec.default), travel)
                        .with_value_to_string(Arc::new(move |travel| spec.format(value(spec, travel))))
                        .with_string_to_value(Arc::new(move |text| Some(spec.normalise(spec.parse(text).ok()?)))),
                )
            }
        }
    }

    fn as_ptr(&self) -> ParamPtr {
        match self {
            Setting::Number(param) => param.as_ptr(),
            Setting::Choice(param) => param.as_ptr(),
        }
    }
}

/// The latency mode of an index.
pub(super) fn latency(index: i32) -> Latency {
    if index == 0 { Latency::Live } else { Latency::Studio }
}

/// From a control's travel to the value; the default is met to the bit.
fn value(spec: &Spec, travel: f32) -> f32 {
    if travel == spec.normalise(spec.default) { spec.default } else { spec.denormalise(travel) }
}

fn switch(name: &str, on: bool) -> BoolParam {
    BoolParam::new(name, on)
}

fn percent(name: &str, default: f32) -> FloatParam {
    FloatParam::new(name, default, FloatRange::Linear { min: 0.0, max: 1.0 })
        .with_value_to_string(Arc::new(|share| format!("{} %", (share * 1000.0).round() / 10.0)))
        .with_string_to_value(Arc::new(|text| {
            let percent: f32 = text.trim().trim_end_matches('%').trim_end().parse().ok()?;
            (0.0..=100.0).contains(&percent).then_some(percent / 100.0)
        }))
}

fn choice(name: &str, default: usize, names: Vec<&'static str>) -> IntParam {
    let (written, last) = (names.clone(), names.len() - 1);
    IntParam::new(name, default as i32, IntRange::Linear { min: 0, max: last as i32 })
        .with_value_to_string(Arc::new(move |index| written[(index.max(0) as usize).min(last)].to_owned()))
        .with_string_to_value(Arc::new(move |text| {
            let found = names.iter().position(|name| name.eq_ignore_ascii_case(text.trim()))?;
            Some(found as i32)
        }))
}
