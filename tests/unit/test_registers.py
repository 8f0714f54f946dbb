import pytest

from ringbench.errors import RingbenchError
from ringbench.observe.processor import parse_registers

# QEMU 7.2.22, -cpu max, a kernel in long mode.
LONG_MODE = """\

CPU#0
RAX=000000001234564f RBX=0000000000009500 RCX=00000000c0000080 RDX=00000000000003f8
RSI=0000000000000000 RDI=0000000000320000 RBP=0000000000000000 RSP=ffffffff80200000
R8 =0000000000000008 R9 =0000000000000000 R10=0000000000000000 R11=0000000000000000
R12=0000000000000000 R13=0000000000000000 R14=0000000000000000 R15=000000000000000f
RIP=0000000000100192 RFL=00000086 [--S--P-] CPL=0 II=0 A20=1 SMM=0 HLT=1
ES =0010 0000000000000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
CS =0008 0000000000000000 ffffffff 00af9a00 DPL=0 CS64 [-R-]
LDT=0000 0000000000000000 0000ffff 00008200 DPL=0 LDT
TR =0000 0000000000000000 0000ffff 00008b00 DPL=0 TSS64-busy
GDT=     0000000000100198 00000017
IDT=     0000000000000000 000003ff
CR0=80010011 CR2=00000000deadb000 CR3=0000000000300018 CR4=000000a0
DR0=0000000000000000 DR1=0000000000000000 DR2=0000000000000000 DR3=0000000000000000 
DR6=00000000ffff0ff0 DR7=0000000000000400
EFER=0000000000000d00
FCW=037f FSW=0000 [ST=0] FTW=00 MXCSR=00001f80
FPR0=0000000000000000 0000 FPR1=0000000000000000 0000
XMM00=0000000000000000 0000000000000000 XMM01=0000000000000000 0000000000000000
"""  # noqa: W291 - QEMU's own trailing blank

# The same QEMU at the first instruction of a Multiboot kernel: 32-bit names.
PROTECTED_MODE = """\

CPU#0
EAX=2badb002 EBX=00009500 ECX=00100000 EDX=00000511
ESI=00000000 EDI=00101000 EBP=00000000 ESP=00006f00
EIP=00100020 EFL=00000006 [-----P-] CPL=0 II=0 A20=1 SMM=0 HLT=0
CR0=00000011 CR2=00000000 CR3=00000000 CR4=00000000
EFER=0000000000000000
"""


def test_long_mode() -> None:
    registers = parse_registers(LONG_MODE)
    assert (registers.rip, registers.rsp) == (0x100192, 0xFFFF_FFFF_8020_0000)
    assert (registers.cr0, registers.cr2) == (0x8001_0011, 0xDEAD_B000)
    assert (registers.cr3, registers.cr4, registers.efer) == (0x30_0018, 0xA0, 0xD00)
    assert (registers.rflags, registers.cpl, registers.halted) == (0x86, 0, True)
    assert registers.general["rax"] == 0x1234_564F
    assert (registers.general["r8"], registers.general["r15"]) == (8, 15)
    assert len(registers.general) == 16


def test_32_bit_names_before_long_mode() -> None:
    registers = parse_registers(PROTECTED_MODE)
    assert (registers.rip, registers.rsp) == (0x10_0020, 0x6F00)
    assert (registers.general["rax"], registers.efer, registers.halted) == (0x2BAD_B002, 0, False)


def test_of_several_processors_the_first() -> None:
    assert parse_registers(LONG_MODE + PROTECTED_MODE.replace("#0", "#1")) == parse_registers(
        LONG_MODE
    )


def test_the_report_names_the_bits() -> None:
    text = str(parse_registers(LONG_MODE))
    assert "cr4 PAE|PGE  efer LME|LMA|NXE" in text
    assert "cr2 0x00000000deadb000" in text


@pytest.mark.parametrize("text", ["", "unknown command: 'info registers'"])
def test_text_of_something_else_is_refused(text: str) -> None:
    with pytest.raises(RingbenchError, match="has no rip"):
        parse_registers(text)


def test_a_missing_register_is_named() -> None:
    with pytest.raises(RingbenchError, match="has no cr3"):
        parse_registers(LONG_MODE.replace("CR3=", "CR9="))
