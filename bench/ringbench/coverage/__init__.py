"""Line coverage of a kernel that is not instrumented, from QEMU's log of what it translates.

`Lines` knows from DWARF which addresses belong to which line; `TranslationLog` and
`TranslationLogs` read, while the machines run or afterwards, which addresses ran; `Data` keeps
that, to be merged over processes and runs; `Coverage` puts them together for the reports.
"""
