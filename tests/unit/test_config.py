"""The configuration file: what is accepted, and what each mistake is answered with."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbench.config import Disk, Module, Outcome, Ready, Step, load, override, parse_size
from ringbench.errors import ConfigError

MINIMAL = '[kernel]\nelf = "k.elf"\nprompt = "> "\n'
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(text: str, name: str = "ringbench.toml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write_file


def test_minimal_file_gets_defaults(write: Write, tmp_path: Path) -> None:
    config = load(write(MINIMAL))
    assert config.kernel.elf == tmp_path / "k.elf"
    assert config.kernel.image == tmp_path / "k.elf"
    assert config.kernel.subject is None
    assert config.machine.memory == 64 << 20
    assert config.machine.qemu == "qemu-system-x86_64"
    assert config.deadlines.boot > 0
    assert config.source == tmp_path / "ringbench.toml"


def test_every_key_arrives(write: Write, tmp_path: Path) -> None:
    config = load(
        write(
            '[kernel]\nelf="a/k.elf"\nimage="/abs/k32.elf"\nprompt="$ "\ncommand_line="x=1 y"\n'
            'modules=["a/m1 one two", "/m2"]\nline_end="\\r"\npanic="^P"\nexception="^E"\n'
            'end="^X"\nsubject="reference"\n'
            '[machine]\nqemu="q"\ngdb="g"\nmemory="6G"\ncpu="qemu64,-nx"\naccelerator="kvm"\n'
            'firmware="bios"\narguments=["-smp", "2"]\nguest_calls=true\n'
            "[deadlines]\nboot=1\nreply=2.5\ngdb=3\nstop=4\n"
        )
    )
    kernel, machine, deadlines = config.kernel, config.machine, config.deadlines
    assert kernel.elf == tmp_path / "a/k.elf"
    assert kernel.image == Path("/abs/k32.elf")
    assert kernel.modules == (Module(tmp_path / "a/m1", "one two"), Module(Path("/m2")))
    assert (kernel.prompt, kernel.command_line, kernel.line_end) == ("$ ", "x=1 y", "\r")
    assert (kernel.panic, kernel.exception, kernel.end) == ("^P", "^E", "^X")
    assert kernel.subject == "reference"
    assert (machine.qemu, machine.gdb, machine.memory) == ("q", "g", 6 << 30)
    assert (machine.cpu, machine.accelerator) == ("qemu64,-nx", "kvm")
    assert machine.arguments == ("-smp", "2")
    assert machine.guest_calls
    assert (deadlines.boot, deadlines.reply, deadlines.gdb, deadlines.stop) == (1, 2.5, 3, 4)


def test_pyproject_table(write: Write) -> None:
    text = MINIMAL.replace("[kernel]", "[tool.ringbench.kernel]")
    assert load(write(text, "pyproject.toml")).kernel.prompt == "> "


def test_pyproject_without_our_table_is_refused_by_name(write: Write) -> None:
    path = write("[tool.other]\n", "pyproject.toml")
    with pytest.raises(ConfigError, match=r"pyproject\.toml: expected a table \[tool\.ringbench\]"):
        load(path)


def test_nearest_file_upwards_is_found(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(MINIMAL)
    write("[tool.other]\nx=1\n", "inner/pyproject.toml")
    (tmp_path / "inner/deep").mkdir()
    monkeypatch.chdir(tmp_path / "inner/deep")
    assert load().source == tmp_path / "ringbench.toml"


def test_no_file_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")  # nothing is above it where somebody may have left one
    with pytest.raises(
        ConfigError, match=r"no ringbench\.toml and no pyproject\.toml.*`ringbench init"
    ):
        load()
    config = load(None, {"kernel.elf": "k.elf", "kernel.prompt": "> "})
    assert config.kernel.elf == Path("/k.elf")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[kernel]\nprompt='x'\n", ["kernel.elf", "missing"]),
        (MINIMAL + "promt='x'\n", ["kernel.promt", "did you mean 'prompt'"]),
        (MINIMAL + "[machin]\n", ["[machin]", "did you mean 'machine'"]),
        (MINIMAL + "[machine]\nmemroy='1G'\n", ["machine.memroy", "did you mean 'memory'"]),
        (MINIMAL + "zzz=1\n", ["kernel.zzz", "expected one of elf, image"]),
        ("machine=3\n" + MINIMAL, ["machine", "expected a table [machine]"]),
        (MINIMAL + "[machine]\nmemory=64\n", ["machine.memory", "in quotes", "64"]),
        (MINIMAL + "[machine]\nmemory='64X'\n", ["machine.memory", "a size", "'64X'"]),
        (MINIMAL + "[machine]\nmemory='-1M'\n", ["machine.memory", "a size"]),
        (MINIMAL + "[machine]\nmemory='0'\n", ["machine.memory", "from 1M"]),
        (MINIMAL + "[machine]\nmemory='512k'\n", ["machine.memory", "from 1M"]),
        (MINIMAL + "[machine]\nmemory='9999T'\n", ["machine.memory", "to 64T"]),
        (MINIMAL + "[machine]\nmemory='1025k'\n", ["machine.memory", "multiple of 4 KiB"]),
        (MINIMAL + "[machine]\ncpu=1\n", ["machine.cpu", "expected text"]),
        (MINIMAL + "[machine]\nqemu=''\n", ["machine.qemu", "not empty"]),
        (MINIMAL + "[machine]\naccelerator='tcg,x=y'\n", ["machine.accelerator", "one name"]),
        (MINIMAL + "[machine]\nguest_calls = 1\n", ["machine.guest_calls", "true or false"]),
        (MINIMAL + "[machine]\narguments='-smp 2'\n", ["machine.arguments", "a list of texts"]),
        (MINIMAL + "[machine]\narguments=[1]\n", ["machine.arguments", "expected text"]),
        (MINIMAL + "[machine]\narguments=['-daemonize']\n", ["machine.arguments", "-daemonize"]),
        (
            MINIMAL + "[machine]\narguments=['-S', '--daemonize']\n",
            ["machine.arguments", "outlive"],
        ),
        (MINIMAL + "prompt_rest=-1\n", ["kernel.prompt_rest", "0 or a number of seconds above 0"]),
        (MINIMAL + "modules='m'\n", ["kernel.modules", "a list"]),
        (MINIMAL + "modules=['']\n", ["kernel.modules", "not empty"]),
        (MINIMAL + "panic='('\n", ["kernel.panic", "a regular expression"]),
        (MINIMAL + "panic='x*'\n", ["kernel.panic", "does not match an empty line"]),
        (MINIMAL + "line_end='x'\n", ["kernel.line_end", "one of"]),
        (MINIMAL + "subject=''\n", ["kernel.subject", "not empty"]),
        ("[kernel]\nelf='x'\nprompt=''\n", ["kernel.prompt", "exact text"]),
        ('[kernel]\nelf="x"\nprompt="a\\nb"\n', ["kernel.prompt", "on one line"]),
        (MINIMAL + "[deadlines]\nboot=0\n", ["deadlines.boot", "seconds"]),
        (MINIMAL + "[deadlines]\nboot=nan\n", ["deadlines.boot", "seconds"]),
        (MINIMAL + "[deadlines]\nboot=inf\n", ["deadlines.boot", "seconds"]),
        (MINIMAL + "[deadlines]\nboot=true\n", ["deadlines.boot", "a number of seconds"]),
        (MINIMAL + "[deadlines]\nboot='1'\n", ["deadlines.boot", "a number of seconds"]),
        (MINIMAL + "prompt_pattern='x'\n", ["kernel.prompt_pattern", "kernel.prompt too"]),
        (MINIMAL + "prompt_rest=-1\n", ["kernel.prompt_rest", "seconds"]),
        (MINIMAL + "console='com5'\n", ["kernel.console", "one of com1"]),
        (MINIMAL + "outputs='com1'\n", ["kernel.outputs", "a list of com1"]),
        (MINIMAL + "input='mouse'\n", ["kernel.input", "serial, keyboard"]),
        (MINIMAL + "ready='soon'\n", ["kernel.ready", "'quiet'", "function"]),
        (MINIMAL + "ready={log='('}\n", ["kernel.ready", "a regular expression"]),
        ("[kernel]\nelf='x'\nready='prompt'\n", ["kernel.ready", "needs kernel.prompt"]),
        (MINIMAL + "login=[{expect='x'}]\n", ["kernel.login", "send"]),
        (MINIMAL + "passed={exit=16}\n", ["kernel.passed", "odd", "exit = 33"]),
        (MINIMAL + "passed={exit=300}\n", ["kernel.passed", "1 to 255"]),
        (MINIMAL + "failed={what=1}\n", ["kernel.failed", "{exit = 33}"]),
        (MINIMAL + "tests='x'\n", ["kernel.tests", "(?P<name>"]),
        (MINIMAL + "[machine]\nsmp=0\n", ["machine.smp", "1 to 255"]),
        (MINIMAL + "[machine]\ndebugcon=70000\n", ["machine.debugcon", "0xffff"]),
        (MINIMAL + "[machine]\ndisks='x'\n", ["machine.disks", "a list of disks"]),
        (MINIMAL + "console='vga'\n[machine]\ndisplay='none'\n", ["kernel.console", "card"]),
        (MINIMAL + "image='k.iso'\ncommand_line='x'\n", ["kernel.image", "its own loader"]),
        (MINIMAL + "[machine]\nfirmware='uefi'\n", ["machine.firmware", ".iso"]),
        ("[kernel\n", ["not TOML"]),
    ],
)
def test_each_mistake_names_file_key_and_expectation(
    write: Write, text: str, words: list[str]
) -> None:
    path = write(text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message.partition("not TOML")[0]
    for word in words:
        assert word in message
    assert caught.value.exit_code == 2


def test_what_a_boot_waits_for_follows_from_the_rest(write: Write) -> None:
    def awaited(keys: str) -> Ready:
        return load(write("[kernel]\nelf='k'\n" + keys)).kernel.awaited

    assert awaited("") == Ready("quiet")
    assert awaited("prompt='> '\n") == Ready("prompt")
    assert awaited("prompt_pattern='x'\n") == Ready("prompt")
    assert awaited("passed={exit=33}\n") == Ready("end")
    assert awaited("prompt='> '\nready={function='idle'}\n") == Ready("function", "idle")
    assert awaited("ready={log='^up'}\n") == Ready("log", "^up")


def test_how_a_kernel_talks(write: Write) -> None:
    text = (
        MINIMAL + "console='com2'\noutputs=['vga','vga']\nlogin=[{expect='name:', send='me'}]\n"
        "passed='^all good'\nfailed='shutdown'\n[machine]\nsmp=2\n"
        "accelerator='kvm:tcg'\ndisks=['a b.img', 'c.img virtio', "
        "'d.img virtio serial=data', '4M virtio serial=swap']\n"
    )
    config = load(write(text))
    kernel, machine = config.kernel, config.machine
    assert (kernel.console, kernel.outputs) == ("com2", ("vga",))
    assert kernel.login == (Step("name:", "me"),)
    assert (kernel.passed, kernel.failed) == (Outcome(log="^all good"), Outcome(shutdown=True))
    assert (machine.smp, machine.accelerator) == ("2", "kvm:tcg")
    folder = config.source.parent
    assert machine.disks == (
        Disk(folder / "a b.img"),
        Disk(folder / "c.img", "virtio"),
        Disk(folder / "d.img", "virtio", "data"),
        Disk(None, "virtio", "swap", 4 << 20),
    )


@pytest.mark.parametrize(
    "text", ["d.img serial=data", "d.img ide serial=x", "4M virtio serial=a,b"]
)
def test_a_serial_string_is_a_virtio_disks(write: Write, text: str) -> None:
    with pytest.raises(ConfigError, match="only virtio disks have a serial string"):
        load(write(MINIMAL + f"[machine]\ndisks=['{text}']\n"))


def test_an_efi_application_has_uefi_firmware(write: Write) -> None:
    config = load(write("[kernel]\nimage='k.efi'\n"))
    assert config.machine.firmware == "uefi"
    assert config.kernel.elf == config.kernel.image


def test_unreadable_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "absent.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe\0")
    with pytest.raises(ConfigError, match="not TOML"):
        load(tmp_path / "b.toml")


def test_override_passes_the_same_rules(write: Write) -> None:
    config = load(write(MINIMAL))
    bigger = override(config, {"machine.memory": "1G", "deadlines.reply": 3})
    assert (bigger.machine.memory, bigger.deadlines.reply) == (1 << 30, 3.0)
    assert bigger.kernel == config.kernel
    assert config.machine.memory == 64 << 20
    for change, words in [
        ({"machine.memory": "17"}, None),
        ({"machine.memory": "17X"}, "command line: machine.memory: expected a size"),
        ({"machine.memroy": "1G"}, "did you mean 'memory'"),
        ({"memory": "1G"}, "unknown table"),
    ]:
        if words is None:
            override(config, change)
            continue
        with pytest.raises(ConfigError, match=words):
            override(config, change)


def test_overriding_the_elf_also_changes_what_is_booted(write: Write, tmp_path: Path) -> None:
    config = load(write(MINIMAL + "image='k32.elf'\nmodules=['m a b']\n"))
    other = override(config, {"kernel.elf": Path("/other.elf")})
    assert other.kernel.image == Path("/other.elf")
    assert other.kernel.modules == config.kernel.modules
    both = override(config, {"kernel.elf": "/other.elf", "kernel.image": "/other32.elf"})
    assert both.kernel.image == Path("/other32.elf")


@given(st.integers(1, 1 << 20), st.sampled_from("MGT"), st.booleans())
def test_sizes_mean_what_qemu_means(count: int, suffix: str, lower: bool) -> None:
    shift = {"M": 20, "G": 30, "T": 40}[suffix]
    text = f"{count}{suffix.lower() if lower else suffix}"
    if count << shift <= 1 << 46:
        assert parse_size(text) == count << shift
    else:
        with pytest.raises(ValueError, match="from 1M to 64T"):
            parse_size(text)


@given(st.text(max_size=8))
def test_any_text_is_a_size_or_a_value_error(text: str) -> None:
    try:
        size = parse_size(text)
    except ValueError:
        return
    assert size % 4096 == 0
    assert 1 << 20 <= size <= 1 << 46
