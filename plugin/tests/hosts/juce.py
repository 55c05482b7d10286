"""Plays sounds through a VST3 in pedalboard, a host made with JUCE: juce.py PLUGIN < jobs, a JSON list of objects

rate, block     Hz, samples
channels        of the sound
input, output   files of 32-bit floats, one channel after the other
parameters      values from 0 to 1 by the names of parameters
load, save      a file with a state to begin with, and one to keep the state in; optional
"""

import json
import sys

import numpy
import pedalboard

for job in json.load(sys.stdin):
    plugin = pedalboard.load_plugin(sys.argv[1])
    if "load" in job:
        with open(job["load"], "rb") as state:
            plugin.raw_state = state.read()
    parameters = {parameter.name: parameter for parameter in plugin.parameters.values()}
    for name, value in job["parameters"].items():
        parameters[name].raw_value = value
    sound = numpy.fromfile(job["input"], numpy.float32).reshape(job["channels"], -1)
    # The host tells parameters with the first block; then it starts anew.
    for heard in (numpy.zeros_like(sound[:, : job["rate"] // 10]), sound):
        output = plugin.process(heard, job["rate"], buffer_size=job["block"], reset=True)
    output.astype(numpy.float32).tofile(job["output"])
    if "save" in job:
        with open(job["save"], "wb") as state:
            state.write(plugin.raw_state)
