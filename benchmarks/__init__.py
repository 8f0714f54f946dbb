"""What is measured, one file per question; README.md says what each figure means.

`instructions` counts instructions inside the booted kernel: the figures repeat exactly and gate a
change, through `baseline`. `wallclock` lists what is measured with a clock: reported, never gated.
"""
