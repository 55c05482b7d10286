"""Opens the editor of a VST3 in pedalboard, a host made with JUCE, again and again, while sound is played and a
parameter is moved: juce_editor.py PLUGIN ROUNDS SEEN. The last one is open until there is a file SEEN."""

import ctypes
import os
import sys
import threading
import time

import numpy
import pedalboard

bundle, rounds, seen = sys.argv[1], int(sys.argv[2]), sys.argv[3]

# JUCE asks for the window with the focus; without a window manager there is none, and X says so by ending the program.
handler = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(lambda display, event: 0)
ctypes.CDLL("libX11.so.6").XSetErrorHandler(handler)

plugin = pedalboard.load_plugin(bundle)
noise = (0.05 * numpy.random.default_rng(1).standard_normal((2, 480))).astype(numpy.float32)
played = 0


def play(close):
    global played
    while not close.is_set():
        plugin.process(noise, 48000, buffer_size=480, reset=False)
        plugin.reduction = 10.0 + played % 10
        played += 1
        time.sleep(0.003)


def end(close, last):
    time.sleep(0.1)
    while last and not os.path.exists(seen):
        time.sleep(0.05)
    close.set()


for i in range(rounds):
    close = threading.Event()
    threads = [threading.Thread(target=play, args=[close]), threading.Thread(target=end, args=[close, i + 1 == rounds])]
    for thread in threads:
        thread.start()
    plugin.show_editor(close)
    for thread in threads:
        thread.join()
assert played > 10 * rounds, played
