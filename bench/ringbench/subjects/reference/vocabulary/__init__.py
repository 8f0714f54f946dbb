"""The words of the reference kernel: operations, flags, replies, statuses, constants, each once.

The model and the channels' codecs both speak them, and import them from here. Most readers want
`operations`, which lists everything that the kernel can be asked to do.
"""
