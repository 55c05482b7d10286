-- Makes a session with the plugin on a stereo track.
AudioEngine:set_backend("None (Dummy)", "", "")
session = create_session("FOLDER", "NAME", 48000)
track = session:new_audio_track(2, 2, nil, 1, "voice", ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true):front()
processor = ARDOUR.LuaAPI.new_plugin(session, "Attune", ARDOUR.PluginType.VST3, "")
assert(not processor:isnil(), "the plugin was not found")
track:add_processor_by_index(processor, 0, nil, true)
plugin = processor:to_insert():plugin(0)

function index(name)
  for i = 0, plugin:parameter_count() - 1 do
    if plugin:parameter_label(i) == name then return i end
  end
  error("there is no " .. name)
end

function set(name, value)
  assert(ARDOUR.LuaAPI.set_processor_param(processor, index(name), value))
end

function automate(name, points)
  local parameter = Evoral.Parameter(ARDOUR.AutomationType.PluginAutomation, 0, index(name))
  local control = processor:to_automatable():automation_control(parameter, true)
  for _, point in ipairs(points) do
    control:alist():add(Temporal.timepos_t(point[1]), point[2], false, true)
  end
  control:set_automation_state(ARDOUR.AutoState.Play)
end

--SET
--AUTOMATE
-- The plugin hears of parameters when it processes.
ARDOUR.LuaAPI.usleep(2000000)
session:save_state("")
close_session()
quit()
