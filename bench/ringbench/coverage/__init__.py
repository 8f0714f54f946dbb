"""Line coverage of a kernel that is not instrumented, from QEMU's log of what it translates.

`Lines` knows from DWARF which addresses belong to which line; `TranslationLogs` reads which
addresses ran, while the machines run or afterwards; `Data` keeps that, to be merged over processes
and runs; `measure` makes of both what the reports say of each file. `record` does all of it for
the machines that a program of yours starts.
"""
