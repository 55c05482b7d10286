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
    #[error("this project was saved by a newer Attune (version {0} of its state, {VERSION} is known here); the defaults are used: please update Attune")]
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
