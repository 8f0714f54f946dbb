"""Searching for bugs: sequences of operations on kernel and model at once, made smaller when wrong.

`round_` is one round on one machine; a `Campaign` is many, over processes or machines, into a
`Corpus`; `replay` performs what they saved. See README.md beside this file.
"""
