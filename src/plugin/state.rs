//! What a project saves: the base, what was learned on top of it, what the loop knows, the editor's size.
//!
//! The host's wrapper saves parameters as travels; beside them stands one field of JSON with a version, which also
//! has the base in its own units. So a table whose ranges changed still gives the same sound.

use super::params::Params;
use super::shared::{Known, Shared};
use crate::settings::{Id, Offsets, Settings, Spec, TABLE};
use crate::tuner::Memory;
use nice_plug::nice_warn;
use nice_plug::plugin::ParamValue;
use nice_plug::prelude::PluginState;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version that is written. A change of what fields mean raises it, and [`check`] learns to convert.
const VERSION: u32 = 1;
/// Where it stands among the fields of the host's wrapper.
const FIELD: &str = "attune";
/// What became of a state that was refused: for [`load`], which can't know otherwise.
const REFUSED: &str = "refused";

/// All that is saved beside the parameters.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Saved {
    version: u32,
    /// The base by the table's ids, in its units.
    base: BTreeMap<String, f32>,
    locked: Vec<String>,
    offsets: Offsets,
    /// As [`Memory`] writes itself: it has a version of its own.
    memory: Option<serde_json::Value>,
    editor: Option<(u32, u32)>,
}

/// Why a state can't be used.
#[derive(Debug, PartialEq, thiserror::Error)]
enum StateError {
    #[error(
        "this project was saved by a newer Attune (version {0} of its state, {VERSION} is known here); the defaults are used: please update Attune"
    )]
    Newer(u32),
    #[error("what this project saved of Attune is damaged ({0}); the defaults are used")]
    Damaged(String),
}

impl Saved {
    fn read(text: &str) -> Result<Saved, StateError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let damaged = |error: serde_json::Error| StateError::Damaged(error.to_string());
        // A newer one may have another form.
        let Version { version } = serde_json::from_str(text).map_err(damaged)?;
        if version > VERSION {
            return Err(StateError::Newer(version));
        }
        serde_json::from_str(text).map_err(damaged)
    }
}

/// What is to be saved now.
pub(super) fn save(base: &Settings, shared: &Shared) -> BTreeMap<String, String> {
    shared.listen();
    let Known { offsets, memory, .. } = shared.known();
    let saved = Saved {
        version: VERSION,
        base: TABLE.iter().map(|spec| (spec.id.to_owned(), base[spec.key])).collect(),
        locked: shared.locked().map(|id| id.spec().id.to_owned()).collect(),
        offsets,
        memory: memory.and_then(|memory| serde_json::to_value(memory).ok()),
        editor: shared.editor_size(),
    };
    let text = serde_json::to_string(&saved).unwrap_or_default();
    BTreeMap::from([(FIELD.to_owned(), text)])
}

/// Makes a state that was read fit for use: complete, of this version, and in its ranges. What can't be used
/// becomes the defaults, and a message to the user.
pub(super) fn check(state: &mut PluginState) {
    // Without the field there are parameters alone, of who knows which program.
    let saved = state.fields.get(FIELD).map_or_else(|| Ok(Saved::default()), |text| Saved::read(text));
    let mut given = std::mem::take(&mut state.params);
    let mut base = BTreeMap::new();
    match saved {
        Ok(saved) => base = saved.base,
        Err(error) => {
            given.clear();
            state.fields = BTreeMap::from([(REFUSED.to_owned(), error.to_string())]);
        }
    }
    let all = Params::all().into_iter().map(|(id, default, steps)| {
        let mut value = usable(given.remove(&id), default, steps);
        if let (Some(spec), Some(saved)) = (Id::from_name(&id).map(Id::spec), base.get(&id)) {
            agree(&mut value, *saved, spec);
        }
        (id, value)
    });
    state.params = all.collect();
}

/// What was given, if it is of the right kind, within its range.
fn usable(given: Option<ParamValue>, default: ParamValue, steps: usize) -> ParamValue {
    match (given, default) {
        (Some(ParamValue::F32(travel)), ParamValue::F32(_)) if travel.is_finite() => {
            ParamValue::F32(travel.clamp(0.0, 1.0))
        }
        (Some(ParamValue::I32(index)), ParamValue::I32(_)) => ParamValue::I32(index.clamp(0, steps as i32)),
        (Some(ParamValue::Bool(on)), ParamValue::Bool(_)) => ParamValue::Bool(on),
        (_, default) => default,
    }
}

/// The saved value in its own unit counts where the travel means another one by now. Otherwise the travel stays as
/// it is, to the bit.
fn agree(value: &mut ParamValue, saved: f32, spec: &Spec) {
    match value {
        ParamValue::F32(travel) => {
            let same = (spec.denormalise(*travel) - saved).abs() <= 1e-3 * (spec.max - spec.min);
            if !same {
                *travel = spec.normalise(saved);
            }
        }
        ParamValue::I32(index) => *index = spec.clamp(saved) as i32,
        _ => {}
    }
}

/// Takes over what stands beside the parameters.
pub(super) fn load(fields: &BTreeMap<String, String>, shared: &Shared) {
    let mut message = fields.get(REFUSED).cloned();
    let saved = match fields.get(FIELD).map(|text| Saved::read(text)) {
        Some(Ok(saved)) => saved,
        Some(Err(error)) => {
            message = Some(error.to_string());
            Saved::default()
        }
        None => Saved::default(),
    };
    let memory = match saved.memory.map(|memory| Memory::from_json(&memory.to_string())) {
        Some(Ok(memory)) => Some(memory),
        Some(Err(error)) => {
            message = Some(error.to_string());
            None
        }
        None => None,
    };
    if let Some(message) = &message {
        nice_warn!("{message}");
    }
    if let Some(size) = saved.editor {
        shared.set_editor_size(size);
    }
    let locked = saved.locked.iter().filter_map(|name| Id::from_name(name));
    shared.restore(Known { offsets: saved.offsets, memory, message }, locked);
}

#[cfg(test)]
mod tests {
    use super::*;
    use nice_plug::prelude::Params as _;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn plugin() -> (Params, Arc<Shared>) {
        let shared = Shared::new().0;
        (Params::new(shared.clone()), shared)
    }

    /// As the host's wrapper makes it.
    fn state(fields: BTreeMap<String, String>) -> PluginState {
        let params = Params::all().into_iter().map(|(id, default, _)| (id, default)).collect();
        PluginState { version: String::new(), params, fields }
    }

    fn field(text: &str) -> PluginState {
        state(BTreeMap::from([(FIELD.to_owned(), text.to_owned())]))
    }

    fn travel(state: &PluginState, id: &str) -> f32 {
        match state.params[id] {
            ParamValue::F32(travel) => travel,
            ref other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_learned_locked_and_arranged_comes_back() {
        let (params, shared) = plugin();
        let base = params.base();
        let offsets = Offsets::between(&base, &base.with(Id::EqLow, -4.0));
        shared.recall(&base, &offsets, "a test");
        shared.set_locked(Id::Ceiling, true);
        shared.set_editor_size((1000, 700));
        let mut saved = state(params.serialize_fields());
        check(&mut saved);
        let (other, restored) = plugin();
        other.deserialize_fields(&saved.fields);
        assert_eq!(restored.offsets(), offsets);
        assert!(restored.locked().eq([Id::Ceiling]));
        assert_eq!(restored.editor_size(), Some((1000, 700)));
        assert_eq!((restored.take_message(), other.serialize_fields()), (None, params.serialize_fields()));
    }

    #[test]
    fn where_a_travel_means_another_value_by_now_the_value_counts() {
        let spec = Id::Reduction.spec();
        let mut moved = field(r#"{"version":1,"base":{"reduction":10.0,"method":1.0,"unheard_of":3.0}}"#);
        moved.params.insert("reduction".into(), ParamValue::F32(0.9));
        check(&mut moved);
        assert_eq!(travel(&moved, "reduction"), spec.normalise(10.0));
        assert!(matches!(moved.params["method"], ParamValue::I32(1)));
        // Where it means the same, not a bit of it is touched.
        let exact = spec.normalise(10.0) + 1e-7;
        moved.params.insert("reduction".into(), ParamValue::F32(exact));
        check(&mut moved);
        assert_eq!(travel(&moved, "reduction"), exact);
    }

    #[test]
    fn newer_and_damaged_ones_are_refused_with_the_defaults_and_words() {
        for (text, words) in [
            (r#"{"version":2,"base":[]}"#, "newer Attune (version 2"),
            (r#"{"version":1,"base":7}"#, "damaged"),
            (r#"{"version":-1}"#, "damaged"),
            ("", "damaged"),
        ] {
            let mut refused = field(text);
            refused.params.insert("reduction".into(), ParamValue::F32(0.9));
            check(&mut refused);
            assert_eq!(travel(&refused, "reduction"), Id::Reduction.spec().normalise(20.0));
            let (params, shared) = plugin();
            params.deserialize_fields(&refused.fields);
            assert!(shared.take_message().is_some_and(|message| message.contains(words)), "{text}");
        }
    }

    #[test]
    fn a_memory_that_is_damaged_costs_only_itself() {
        let mut saved = field(r#"{"version":1,"locked":["mix"],"offsets":{"eq_low":-0.1},"memory":{"version":9}}"#);
        check(&mut saved);
        let (params, shared) = plugin();
        params.deserialize_fields(&saved.fields);
        assert!(shared.take_message().is_some_and(|message| message.contains("newer")));
        assert!(shared.is_locked(Id::Mix) && shared.offsets().get(Id::EqLow) == -0.1);
    }

    /// JSON in the form of a state, with anything in it.
    fn anything() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<f64>().prop_map(|x| serde_json::to_string(&x).unwrap_or_default()),
            any::<i64>().prop_map(|x| x.to_string()),
            "[a-z_]{0,12}".prop_map(|word| format!("{word:?}")),
        ];
        let keys =
            prop::sample::select(vec!["version", "base", "locked", "offsets", "memory", "editor", "reduction", "mix"]);
        leaf.prop_recursive(3, 24, 6, move |inner| {
            let list = prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(",")));
            let pairs = prop::collection::vec((keys.clone(), inner), 0..6);
            let object = pairs.prop_map(|pairs| {
                let pairs: Vec<String> = pairs.into_iter().map(|(key, value)| format!("{key:?}:{value}")).collect();
                format!("{{{}}}", pairs.join(","))
            });
            prop_oneof![list, object]
        })
    }

    fn value() -> impl Strategy<Value = ParamValue> {
        prop_oneof![
            any::<f32>().prop_map(ParamValue::F32),
            any::<i32>().prop_map(ParamValue::I32),
            any::<bool>().prop_map(ParamValue::Bool),
            ".*".prop_map(ParamValue::String),
        ]
    }

    proptest! {
        #[test]
        fn no_state_does_harm(
            text in prop_oneof![".*", anything(), anything().prop_map(|text| format!("{{\"version\":1,\"base\":{text}}}"))],
            id in prop::sample::select(Params::all().into_iter().map(|(id, ..)| id).collect::<Vec<_>>()),
            value in value(),
        ) {
            let mut state = field(&text);
            state.params.insert(id, value);
            check(&mut state);
            prop_assert_eq!(state.params.len(), Params::all().len());
            for value in state.params.values() {
                match value {
                    ParamValue::F32(travel) => prop_assert!((0.0..=1.0).contains(travel)),
                    ParamValue::I32(index) => prop_assert!((0..=2).contains(index)),
                    _ => {}
                }
            }
            let (params, shared) = plugin();
            params.deserialize_fields(&state.fields);
            prop_assert!(shared.offsets().as_array().iter().all(|offset| offset.is_finite()));
        }
    }
}
