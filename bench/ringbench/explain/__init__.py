"""Why a guest ended as it did: from what QEMU logged, the registers, guest memory and the ELF file.

Nothing here waits or asks QEMU: the machine gathers the facts (`Evidence`), `explain` makes an
`Explanation` of them. Exceptions come from QEMU's log (`log`), those that one delivery caused
belong together (`chains`), why a delivery failed is read in the guest's own tables as the
processor would have read them (`delivery`, `space`), and who called whom from the stack
(`backtrace`) with the names of symbols and line tables (`names`).
"""
