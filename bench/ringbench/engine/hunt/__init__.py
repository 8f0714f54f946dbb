"""Searching for bugs: sequences of operations on kernel and model at once, made smaller when wrong.

`search` performs sequences on one machine; a `Campaign` has many searches done, over processes or
machines, into a `Corpus`; `ringbench.engine.replay` performs what they saved. See README.md beside
this file.
"""
