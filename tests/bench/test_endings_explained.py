"""Why a kernel ended, said of each kind of end, of a kernel with no patterns configured."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ringbench.config import Config
from ringbench.debuginfo.frames import Frame
from ringbench.ending import EndKind
from ringbench.errors import BootTimeout, Ended, ImageError
from ringbench.explain.names import Names
from ringbench.explain.stack import overran
from ringbench.explanation import Explanation
from ringbench.machine import Machine
from ringbench.observe.processor import read_registers
from tests.bench import command

pytestmark = pytest.mark.sampled

pytest_plugins = ["pytester"]

KernelConfigs = Callable[..., Config]
PATIENT = 1000.0  # a deadline that must not be waited for
WITHOUT_PATTERNS = {"kernel.panic": "^never$", "kernel.exception": "^never$", "kernel.end": "^no$"}


def configured(
    kernels: KernelConfigs, end: str, seconds: float = PATIENT, **more: object
) -> Config:
    changes = WITHOUT_PATTERNS | {"kernel.command_line": end, "deadlines.boot": seconds}
    return kernels("ended", changes | {name.replace("_", ".", 1): more[name] for name in more})


def explained(config: Config) -> tuple[Ended, Explanation]:
    with pytest.raises(Ended) as caught:
        Machine.start(config)
    assert caught.value.explanation is not None
    assert str(caught.value.explanation) in caught.value.details()
    return caught.value, caught.value.explanation


UNDELIVERED = {
    "no_idt": (
        "#PF page fault: write by supervisor, not present, at touch+0x",
        "0xffffffff90000008 is not mapped: PD 0x",
        "#PF page fault could not be delivered: no IDT is loaded: IDTR still has base 0",
        "no_idt+0x",
        "first_up+0x",
    ),
    "empty_gate": (
        "#UD invalid opcode, at empty_gate+0x",
        "#UD invalid opcode could not be delivered: gate 6 of the IDT at 0xffffffff80",
        "is empty",
        "#DF double fault could not be delivered: gate 8",
    ),
    "no_tss": ("its stack is IST1 of the TSS, and no TSS is loaded: TR is 0",),
    "short_idt": (
        "the IDT ends before gate 14: its limit is 0xdf",
        "0x10 is not mapped",
        "a null pointer, most likely",
    ),
    "recursion": (
        "#PF page fault: write by supervisor, not present, at deep+0x",
        "it is in guard",
        "the stack ran past its end",
        "begins at 0xffffffff80",
        "(stack); it is ",
        "there is no room for its frame on the stack",
        " times]",
        "recursion+0x",
    ),
    "null_call": (
        "execute by supervisor, not present, at 0x0",
        "a null function pointer was followed, called by null_call+0x",
    ),
    "nowhere": (
        "sent to what is no code of the kernel, called by nowhere+0x",
        "0x123456789000 is not mapped: PML4 0x",
    ),
    "no_ram": ("the processor was sent to where there is no RAM, called by no_ram+0x",),
    "non_canonical": (
        "#GP general protection: error code 0; not canonical: rdi 0x8000000000000000",
    ),
    "timer": (
        "hardware interrupt 0x8 could not be delivered: gate 8 of the IDT",
        "vector 8 is the processor's own #DF double fault",
    ),
}


@pytest.mark.parametrize("end", UNDELIVERED)
def test_an_exception_that_could_not_be_delivered(kernels: KernelConfigs, end: str) -> None:
    error, explanation = explained(configured(kernels, end))
    assert error.ending is not None
    assert error.ending.kind is EndKind.TRIPLE_FAULT
    text = str(explanation)
    for words in (*UNDELIVERED[end], "ended.c:"):
        assert words in text
    assert "why is not known" not in text


@pytest.mark.parametrize("logged", [["-d", "int"], ["-d", "guest_errors"], ["-d", "nochain"]])
def test_what_the_user_has_logged_goes_beside(kernels: KernelConfigs, logged: list[str]) -> None:
    error, explanation = explained(configured(kernels, "no_idt", machine_arguments=logged))
    assert "triple fault" in str(error)
    assert explanation.fault is not None


def test_a_log_of_the_users_own_is_read(kernels: KernelConfigs, tmp_path: Path) -> None:
    log = tmp_path / "mine.log"
    arguments = ["-d", "int", "-D", str(log)]
    _, explanation = explained(configured(kernels, "no_idt", machine_arguments=arguments))
    assert explanation.fault is not None
    assert "v=0e" in log.read_text()


def test_without_a_log_nothing_is_said_of_exceptions(kernels: KernelConfigs) -> None:
    _, explanation = explained(configured(kernels, "no_idt", machine_log_exceptions=False))
    assert explanation.fault is None
    assert "which exception led to it, if any, is not known" in explanation.summary
    assert explanation.processors[0].place.symbol.startswith("touch+")


def test_a_kernel_that_reports_its_exception_and_halts(kernels: KernelConfigs) -> None:
    error, explanation = explained(configured(kernels, "handled"))
    assert error.ending is not None
    assert error.ending.kind is EndKind.HALTED
    assert explanation.fault is not None
    assert explanation.fault.address == 0xFFFF_FFFF_9000_0008
    assert explanation.fault.place.symbol.startswith("touch+")
    assert explanation.undelivered == ()
    [processor] = explanation.processors
    assert processor.callers[0].symbol.startswith("handle_and_stop+")


@pytest.mark.parametrize("end", ["reported", "fault_loop"])
def test_a_kernel_that_falls_quiet_after_an_exception_is_not_ready(
    kernels: KernelConfigs, end: str
) -> None:
    with pytest.raises(BootTimeout, match="it fell quiet, but after #PF page fault") as caught:
        Machine.start(configured(kernels, end, kernel_ready="quiet"))
    explanation = caught.value.explanation
    assert explanation is not None
    assert explanation.fault is not None
    assert explanation.fault.place.symbol.startswith("touch+")


def test_faults_of_handlers_are_told_from_the_first(kernels: KernelConfigs) -> None:
    _, explanation = explained(configured(kernels, "gone_handlers"))
    assert explanation.fault is not None
    assert explanation.fault.vector == 6
    assert explanation.callers[0].symbol.startswith("ended_main+")
    text = str(explanation)
    assert "in its handler came #PF page fault: execute by supervisor, not present, at 0x" in text
    assert "and in the handler of that the same again, " in text
    assert "not in the log any more" not in text


def test_why_says_what_a_kernel_without_a_prompt_does(
    kernels: KernelConfigs, tmp_path: Path
) -> None:
    file = toml(configured(kernels, "idle"), tmp_path)
    file.write_text(file.read_text().replace('prompt = "ring> "', ""))
    told = command.run("why", "--config", file)
    assert told.returncode == 0
    assert "processor 0: halted, interrupts on, at idle+0x" in told.stdout


def test_a_kernel_that_halts_without_an_exception(kernels: KernelConfigs) -> None:
    error, explanation = explained(configured(kernels, "halt"))
    assert error.ending is not None
    assert error.ending.kind is EndKind.HALTED
    assert explanation.fault is None
    assert "tests: 3 passed" in error.serial_tail
    assert "at stop+0x" in str(explanation)


def test_a_stack_that_ran_into_what_lies_below_it(kernels: KernelConfigs) -> None:
    _, explanation = explained(configured(kernels, "overrun"))
    [note] = explanation.notes
    assert note.startswith("the stack ran past its end: small_stack begins at 0x")
    assert ", in victim; it is 14 frames" in note


def test_a_stack_without_a_name_that_ran_out_of_its_segment(kernels: KernelConfigs) -> None:
    names = Names(kernels("ended").kernel.elf)
    begin = next(each.begin for each in names._segments if each.loaded and not each.is_code)
    outermost = Frame(0, begin + 0x40, 0)
    assert overran((Frame(0, begin, 0), outermost), names) == ""
    note = overran((Frame(0, begin - 16, 0), outermost), names)
    assert f"begin at {begin:#x}, and the stack pointer, {begin - 16:#x}, is 16 bytes below" in note


def test_a_kernel_that_waits_for_interrupts_is_not_halted(kernels: KernelConfigs) -> None:
    with pytest.raises(BootTimeout) as caught:
        Machine.start(configured(kernels, "idle", 1.0))
    assert "halted, interrupts on, at idle+0x" in str(caught.value.explanation)


def test_an_exception_without_end(kernels: KernelConfigs, tmp_path: Path) -> None:
    with pytest.raises(BootTimeout) as caught:
        Machine.start(configured(kernels, "fault_loop", 4.0), tmp_path / "kept")
    explanation = caught.value.explanation
    assert explanation is not None
    assert explanation.fault is not None
    assert explanation.fault.place.symbol.startswith("touch+")
    assert "the same exception came again and again" in str(explanation)
    # It logs tens of megabytes a second, of which only the last are kept.
    assert len(list((tmp_path / "kept").glob("qemu.log*"))) <= 2


def test_a_deadlock_of_two_processors(kernels: KernelConfigs) -> None:
    config = configured(kernels, "deadlock", 2.0, machine_arguments=["-smp", "2"])
    _, explanation = explained(config)
    first, second = explanation.processors
    names = [[place.symbol.partition("+")[0] for place in each.callers] for each in (first, second)]
    assert names == [["deadlock", "ended_main", "first_up"], ["second_main", "second_up"]]
    for each in (first, second):
        assert each.place.symbol.startswith("acquire+")
        assert each.place.file.endswith("ended.c")


def test_a_guest_that_ended_can_still_be_read(kernels: KernelConfigs) -> None:
    with Machine.launch(configured(kernels, "no_idt")) as machine:
        with pytest.raises(Ended):
            machine.boot()
        registers = read_registers(machine)
        assert registers.cr2 == 16 * 8  # of the double fault's gate, which was wanted last
        assert machine.memory.read(0x10_0000, 4) == bytes.fromhex("02b0ad1b")
        assert machine.gdb.evaluate_int("$rip") == registers.rip


def toml(config: Config, folder: Path) -> Path:
    path = folder / "ringbench.toml"
    kernel = config.kernel
    path.write_text(
        f'[kernel]\nelf = "{kernel.elf}"\nimage = "{kernel.image}"\nprompt = "ring> "\n'
        f'command_line = "{kernel.command_line}"\n[deadlines]\nboot = {config.deadlines.boot}\n'
    )
    return path


def test_pages_and_translate_of_a_kernel_that_ended(kernels: KernelConfigs, tmp_path: Path) -> None:
    file, dump = toml(configured(kernels, "no_idt"), tmp_path), tmp_path / "dump"
    pages = command.run("pages", "--config", file, "--json", "--save-dump", dump)
    assert pages.returncode == 3
    ranges = json.loads(pages.stdout)["ranges"]
    assert ranges[0]["virtual"] == 0xFFFF_FFFF_8000_0000
    assert "triple fault" in pages.stderr
    assert "first exception: #PF page fault" in pages.stderr
    walk = command.run("translate", "0xffffffff90000008", "--config", file)
    assert walk.returncode == 3
    assert "not present at level 2 (PD)" in walk.stdout
    root = json.loads(pages.stdout)["root"]
    again = command.run("pages", "--dump", dump, "--root", root, "--json")
    assert again.returncode == 0
    assert json.loads(again.stdout)["ranges"] == ranges


def test_why_explains_in_one_page(kernels: KernelConfigs, tmp_path: Path) -> None:
    file = toml(configured(kernels, "recursion"), tmp_path)
    told = command.run("why", "--config", file)
    assert told.returncode == 3
    assert told.stderr == ""
    assert "the stack ran past its end" in told.stdout
    data = json.loads(command.run("why", "--config", file, "--json").stdout)
    assert data["ending"] == "triple fault"
    fault = data["explanation"]["fault"]
    assert (fault["vector"], fault["code"]) == (14, 2)
    assert fault["place"]["file"].endswith("ended.c")


def test_why_says_of_a_sound_kernel_that_it_came_up(kernels: KernelConfigs, tmp_path: Path) -> None:
    file = toml(kernels("echo"), tmp_path)
    told = command.run("why", "--config", file)
    assert (told.returncode, told.stdout) == (
        0,
        "the kernel came up, and waits for what it is told\n",
    )
    assert json.loads(command.run("why", "--config", file, "--json").stdout) == {"ending": None}
    after = command.run("why", "--config", file, "--command", "triple")
    assert after.returncode == 3
    assert "first exception: #BP breakpoint, at " in after.stdout


def test_a_kernel_larger_than_the_guests_memory_is_refused(kernels: KernelConfigs) -> None:
    with pytest.raises(ImageError, match=r"memory ends at 0x100000: set machine\.memory to 2M"):
        Machine.start(configured(kernels, "halt", machine_memory="1M"))


def test_a_tests_report_has_the_explanation(
    kernels: KernelConfigs, pytester: pytest.Pytester, tmp_path: Path
) -> None:
    file = toml(kernels("echo"), tmp_path)
    pytester.makepyfile("def test_it(machine):\n    machine.command('triple')\n")
    done = pytester.runpytest_subprocess(f"--ringbench-config={file}")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*ringbench explanation*", "first exception: #BP breakpoint, at *"])
