# ringbench: the kernel, and the bench that checks it. `make help` lists what there is to make.
#
# Everything that needs a tool first runs tools/setup.sh, which looks whether it is there, installs
# what is not, and otherwise takes some milliseconds. Output goes to build/ and .venv/ only;
# the cache, ~/.cache/ringbench, has the newer QEMU of the tests and the plugin that was compiled.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := help

# --- what can be set on the command line ---------------------------------------------------------

# make bench BENCH_ARGS='--ops 20000', make test TEST_ARGS='-k heap', make qemu MEMORY=6G ...
BENCH_ARGS ?=
BENCH_DISKS ?= --disk 'build/data.tar virtio serial=data' --disk '4M virtio serial=swap'
TEST_ARGS ?=
# one more than there are processors: for a third of the time a test waits, for a guest or a deadline
TEST_JOBS ?= $(shell echo $$(($$(nproc) + 1)))
PERF_ARGS ?=
MUTANT_ARGS ?=
SEEDS ?= 1 2 3
MEMORY ?= 64M
CPU ?= max
APPEND ?=
# the Python that .venv is made with; the prefix of a cross compiler's tools; V=1 shows commands
PYTHON ?= python3
CROSS ?=
V ?=

CC := $(CROSS)gcc
NM := $(CROSS)nm
OBJCOPY := $(CROSS)objcopy
HOST_CC := gcc
# another QEMU for all of it: make test QEMU=/path/to/qemu-system-x86_64
QEMU := qemu-system-x86_64
ifneq ($(origin QEMU),file)
export RINGBENCH_QEMU := $(QEMU)
endif
BIN := .venv/bin

Q := $(if $(V),,@)
step = $(if $(V),,@printf '  %-8s %s\n' $(1) $(2))

# --- the kernel's sources, in reading order: boot order, and nothing includes what comes later ----

KERNEL_SOURCES := \
    kernel/base/string.c \
    kernel/base/option.c \
    kernel/boot/entry.S \
    kernel/cpu/pic.c \
    kernel/cpu/serial.c \
    kernel/cpu/print.c \
    kernel/cpu/symbols.c \
    kernel/cpu/panic.c \
    kernel/cpu/features.c \
    kernel/cpu/descriptors.c \
    kernel/cpu/exception.c \
    kernel/cpu/access_probe.S \
    kernel/cpu/access.c \
    kernel/cpu/trap_entry.S \
    kernel/cpu/traps.c \
    kernel/memmap/memory_map.c \
    kernel/memmap/multiboot_map.c \
    kernel/memmap/boot_info.c \
    kernel/pmm/zero.S \
    kernel/pmm/init.c \
    kernel/pmm/frames.c \
    kernel/pmm/runs.c \
    kernel/slab/slab.c \
    kernel/paging/tables.c \
    kernel/paging/map.c \
    kernel/paging/change.c \
    kernel/paging/query.c \
    kernel/paging/root.c \
    kernel/paging/clone.c \
    kernel/paging/init.c \
    kernel/object/object.c \
    kernel/object/pages.c \
    kernel/vmm/regions.c \
    kernel/vmm/space.c \
    kernel/vmm/alloc.c \
    kernel/vmm/shared.c \
    kernel/vmm/private.c \
    kernel/vmm/clone.c \
    kernel/vmm/copy.c \
    kernel/vmm/fault.c \
    kernel/heap/heap.c \
    kernel/heap/check.c \
    kernel/buddy/grow.c \
    kernel/buddy/buddy.c \
    kernel/kmalloc/kmalloc.c \
    kernel/task/task.c \
    kernel/disk/pci.c \
    kernel/disk/virtio_blk.c \
    kernel/disk/disk.c \
    kernel/file/ustar.c \
    kernel/file/archive.c \
    kernel/file/cache.c \
    kernel/file/file.c \
    kernel/program/elf.c \
    kernel/program/load.c \
    kernel/program/user_mode.S \
    kernel/program/syscall.c \
    kernel/program/run.c \
    kernel/console/line.c \
    kernel/console/reply.c \
    kernel/console/parse.c \
    kernel/console/handles.c \
    kernel/console/commands.c \
    kernel/console/commands_pmm.c \
    kernel/console/commands_page.c \
    kernel/console/commands_vm.c \
    kernel/console/commands_heap.c \
    kernel/console/commands_task.c \
    kernel/console/commands_disk.c \
    kernel/console/commands_file.c \
    kernel/console/commands_program.c \
    kernel/console/commands_slab.c \
    kernel/console/commands_buddy.c \
    kernel/console/commands_object.c \
    kernel/console/commands_kmalloc.c \
    kernel/console/ring.c \
    kernel/console/crash.c \
    kernel/console/console.c \
    kernel/perf/call.S \
    kernel/perf/measure.c \
    kernel/perf/frames.c \
    kernel/perf/slabs.c \
    kernel/perf/pages.c \
    kernel/perf/spaces.c \
    kernel/perf/clones.c \
    kernel/perf/heap.c \
    kernel/perf/allocators.c \
    kernel/perf/disks.c \
    kernel/perf/perf.c \
    kernel/main.c

# The layers that manage memory, and what of base was made for them, whose lines `make test` must run.
COVERED := $(addprefix --kernel-cov=kernel/,memmap pmm slab paging object vmm heap buddy kmalloc task disk file program base/bits.h base/direct_map.h)

# What is a pure function over bytes is also built for this machine, for the unit tests to call.
HOST_SOURCES := \
    kernel/base/string.c \
    kernel/memmap/memory_map.c \
    kernel/memmap/multiboot_map.c \
    kernel/program/elf.c

# Programs for user mode: one a file, each linked with start.S into build/user/NAME.elf.
USER_PROGRAMS := turns forbidden pointers random calls
USER_FILES := $(USER_PROGRAMS:%=build/user/%.elf)

# --- how they are compiled -----------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Werror
# No build path gets into the output: debuggers find the sources from the top of the tree.
CPPFLAGS := -Ikernel -MMD -MP -ffile-prefix-map=$(CURDIR)=.
CODEGEN := \
    -std=gnu17 -O2 -g -ffreestanding -fno-pic -mcmodel=kernel -mgeneral-regs-only -mno-red-zone \
    -fno-omit-frame-pointer -fno-stack-protector -fno-asynchronous-unwind-tables \
    -fcf-protection=none
KERNEL_CFLAGS = $(CODEGEN) $(WARNINGS) $(CPPFLAGS)
KERNEL_LDFLAGS := \
    -nostdlib -static -no-pie -Wl,-T,build/linker.ld -Wl,-z,max-page-size=0x1000 \
    -Wl,-z,noexecstack -Wl,--build-id=none -Wl,--fatal-warnings
# Undefined behaviour traps, so that no generated input of the tests can hide behind it.
HOST_CFLAGS := \
    -std=gnu17 -O1 -g -DHOST_BUILD -ffreestanding -fPIC -shared -nostdlib -Wl,-z,defs \
    -fno-stack-protector -fsanitize=undefined -fsanitize-undefined-trap-on-error

object = $(addsuffix .o,$(basename $(patsubst kernel/%,build/$(1)/%,$(2))))
KERNEL_OBJECTS := $(call object,kernel,$(KERNEL_SOURCES))
ANALYZED := $(call object,analyze,$(filter %.c,$(KERNEL_SOURCES)))

# The loop that is memset must not be compiled into a call of memset.
build/kernel/base/string.o build/analyze/base/string.o: \
    private CODEGEN += -fno-tree-loop-distribute-patterns

# --- the main things to make ---------------------------------------------------------------------

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s%s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: all
all: build/kernel.elf build/kernel32.elf $(USER_FILES) build/data.tar ## build the kernel and its programs

.PHONY: bench
bench: all venv ## boot the kernel, drive it, compare it with the model (BENCH_ARGS=...)
	$(Q)$(BIN)/ringbench run $(BENCH_DISKS) $(BENCH_ARGS)

# All tests together must run nearly all of the memory layers; a part of them, chosen, need not.
.PHONY: test
test: packages-iso newer-qemu all iso host-library venv ## run all tests (TEST_ARGS=..., TEST_JOBS=3)
	$(Q)$(BIN)/pytest -n $(TEST_JOBS) $(if $(TEST_ARGS),$(TEST_ARGS),--sample $(COVERED) --kernel-cov-fail-under=97)

.PHONY: coverage
coverage: packages-iso packages-coverage newer-qemu all iso host-library venv ## all tests, and which lines of the kernel they run, as HTML (TEST_ARGS)
	$(Q)$(BIN)/pytest -n $(TEST_JOBS) $(TEST_ARGS) --kernel-cov=kernel --kernel-cov-branches \
	    --kernel-cov-lcov=build/coverage/kernel.info --kernel-cov-html=build/coverage/html
	@echo 'Pages: build/coverage/html/index.html; lcov tracefile: build/coverage/kernel.info'

.PHONY: test-exhaustive
test-exhaustive: packages-iso newer-qemu all iso host-library venv ## the tests that take minutes each, for an hour
	$(Q)$(BIN)/pytest -n $(TEST_JOBS) --exhaustive -m 'exhaustive or sampled' $(TEST_ARGS)

.PHONY: shuffle
shuffle: packages-iso all iso host-library venv ## the tests of the kernel in random orders (SEEDS='1 2 3')
	$(Q)for seed in $(SEEDS); do \
	    $(BIN)/pytest tests/system -n $(TEST_JOBS) --shuffle=$$seed $(TEST_ARGS) || exit; done

.PHONY: unit
unit: all host-library venv ## run the tests that need no QEMU
	$(Q)$(BIN)/pytest tests/unit $(TEST_ARGS)

.PHONY: perf
perf: all venv ## measure: instructions of every operation, exact; ratios of times (PERF_ARGS=...)
	$(Q)$(BIN)/python -m benchmarks $(PERF_ARGS)

.PHONY: perf-baseline
perf-baseline: all venv ## make the instruction counts of now what `make test` holds them against
	$(Q)$(BIN)/python -m benchmarks --update

.PHONY: mutants
mutants: packages-iso all iso host-library venv ## wrong kernels: is each of them caught? (MUTANT_ARGS='--match flush')
	$(Q)$(BIN)/python -m tests.mutants $(MUTANT_ARGS)

# Only the tool's rules and what applies them are used, which need none of its dependencies.
.PHONY: mutants-anew
mutants-anew: all venv ## choose the generated mutants anew (after large changes of the kernel)
	$(Q)$(BIN)/python -m pip install -qq --no-deps universalmutator==1.14.1
	$(Q)$(BIN)/python -m tests.mutants.generate

.PHONY: qemu
qemu: all ## the kernel with its console on this terminal (MEMORY=64M CPU=max APPEND=...)
	@echo 'The console is this terminal; Ctrl-A X ends QEMU, Ctrl-A C opens the monitor of QEMU.'
	$(Q)$(QEMU) $(QEMU_ARGS) -serial mon:stdio || { status=$$?; [ $$status -eq $(FINISHED) ] || \
	    { echo "QEMU's exit status is $$status (35 panic, 37 exception, 1 QEMU's own)" >&2; exit 1; }; }

.PHONY: debug
debug: all ## GDB at the kernel's entry, before paging is on (MEMORY, CPU, APPEND as above)
	$(Q)tools/debug.sh build/kernel.elf $(QEMU) $(QEMU_ARGS)

.PHONY: iso
iso: build/ringbench.iso ## a GRUB ISO that boots on BIOS and on UEFI

# How QEMU exits when the kernel leaves by `poweroff`; see kernel/console/README.md.
FINISHED := 33

QEMU_ARGS = \
    -nodefaults -no-user-config -display none -no-reboot \
    -device isa-debug-exit,iobase=0xf4,iosize=4 \
    -cpu $(CPU) -m $(MEMORY) -kernel build/kernel32.elf -append "$(APPEND)"

# --- set-up --------------------------------------------------------------------------------------

.PHONY: packages
packages:
	@PYTHON=$(PYTHON) tools/setup.sh packages

.PHONY: packages-iso
packages-iso:
	@PYTHON=$(PYTHON) tools/setup.sh packages iso

.PHONY: packages-coverage
packages-coverage:
	@PYTHON=$(PYTHON) tools/setup.sh packages coverage

.PHONY: newer-qemu
newer-qemu: packages
	@tools/newer_qemu.sh $(QEMU)

.PHONY: venv
venv: packages ## only the set-up: distribution packages and .venv
	@PYTHON=$(PYTHON) tools/setup.sh venv

# --- the kernel ----------------------------------------------------------------------------------

build/kernel/%.o: kernel/%.c Makefile | packages
	$(call step,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CFLAGS) -c -o $@ $<

build/kernel/%.o: kernel/%.S Makefile | packages
	$(call step,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CFLAGS) -c -o $@ $<

# The linker script takes the address space's constants from the header that C takes them from.
build/linker.ld: linker.ld Makefile | packages
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -E -P -undef -x assembler-with-cpp -Ikernel -MMD -MP -MT $@ -MF build/linker.d -o $@ $<

# The kernel holds the table of its own symbols, so it is linked twice: with an empty table, which
# settles every address, then with the table of those. The table lies behind everything that it
# describes; that the second link moved nothing is checked, not assumed.
build/symbols-empty.S: tools/symbols.py
	$(Q)mkdir -p $(@D)
	$(Q)$(PYTHON) tools/symbols.py </dev/null >$@

build/kernel-pass1.elf: $(KERNEL_OBJECTS) build/symbols-empty.o build/linker.ld
	$(call step,LD,$@)
	$(Q)$(CC) $(KERNEL_LDFLAGS) -o $@ $(filter %.o,$^)

build/symbols.S: build/kernel-pass1.elf tools/symbols.py
	$(Q)$(NM) --print-size $< | $(PYTHON) tools/symbols.py >$@

build/symbols.o build/symbols-empty.o: build/%.o: build/%.S
	$(Q)$(CC) -c -o $@ $<

build/kernel.elf: $(KERNEL_OBJECTS) build/symbols.o build/linker.ld
	$(call step,LD,$@)
	$(Q)$(CC) $(KERNEL_LDFLAGS) -o $@ $(filter %.o,$^)
	$(Q)$(NM) --print-size $@ | $(PYTHON) tools/symbols.py | cmp - build/symbols.S || \
	    { echo 'error: linking the symbol table in moved the symbols' >&2; exit 1; }

# QEMU's -kernel takes a Multiboot kernel only from a 32-bit container. Symbols do not fit in it.
build/kernel32.elf: build/kernel.elf
	$(call step,OBJCOPY,$@)
	$(Q)$(OBJCOPY) --strip-all -O elf32-i386 $< $@

# --- programs ------------------------------------------------------------------------------------

USER_CFLAGS := $(filter-out -mcmodel=kernel -mno-red-zone,$(CODEGEN)) $(WARNINGS) $(CPPFLAGS)
# each right in pages of its own, at the address where the kernel puts programs by custom
USER_LDFLAGS := \
    -nostdlib -static -no-pie -Wl,-Ttext-segment=0x400000 -Wl,-z,max-page-size=0x1000 \
    -Wl,-z,separate-code -Wl,-z,noexecstack -Wl,--build-id=none -Wl,--fatal-warnings

build/user/%.o: kernel/user/%.c Makefile | packages
	$(call step,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) -c -o $@ $<

build/user/start.o: kernel/user/start.S Makefile | packages
	$(call step,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) -c -o $@ $<

# make would take the objects for its own means to the end, and remove them
.SECONDARY: $(USER_FILES:.elf=.o)

build/user/%.elf: build/user/start.o build/user/%.o
	$(call step,LD,$@)
	$(Q)$(CC) $(USER_LDFLAGS) -o $@ $^

.PHONY: host-library
host-library: build/host/libmemmap.so

build/host/libmemmap.so: $(HOST_SOURCES) Makefile | packages
	$(call step,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST_CC) $(HOST_CFLAGS) $(WARNINGS) -Ikernel -MMD -MP -MF build/host/libmemmap.d -o $@ $(HOST_SOURCES)

# An archive for the kernel's files: of some pages, of one, of nothing but a name.
build/data.tar: build/kernel32.elf Makefile
	$(Q)touch build/empty
	$(Q)tar --format=ustar -cf $@ kernel/pmm kernel/heap/heap.c $< build/empty

# --- the ISO -------------------------------------------------------------------------------------

ISO_FILES := tools/iso/grub.cfg tools/iso/module.txt
# What the menu entry uses, and no more: GRUB's full set of modules is ten times the kernel.
GRUB_MODULES := normal multiboot2 serial

build/ringbench.iso: build/kernel.elf $(ISO_FILES) Makefile | packages-iso
	$(call step,ISO,$@)
	$(Q)rm -rf build/iso && mkdir -p build/iso/boot/grub
	$(Q)$(OBJCOPY) --strip-debug build/kernel.elf build/iso/boot/kernel.elf
	$(Q)cp tools/iso/module.txt build/iso/boot/
	$(Q)cp tools/iso/grub.cfg build/iso/boot/grub/
	$(Q)grub-mkrescue -o $@ --install-modules='$(GRUB_MODULES)' --locales= --fonts= --themes= \
	    build/iso >build/iso.log 2>&1 || { cat build/iso.log >&2; exit 1; }

# --- keeping the sources in order ----------------------------------------------------------------

PYTHON_TREES = $(wildcard bench tests benchmarks tools)
C_FILES = $(shell find bench kernel tests benchmarks examples -name '*.[ch]')

.PHONY: lint
lint: venv $(ANALYZED) ## every check of the sources: ruff, mypy, clang-format, gcc -fanalyzer
	$(call step,RUFF,'$(PYTHON_TREES)')
	$(Q)$(BIN)/ruff check --quiet $(PYTHON_TREES)
	$(Q)$(BIN)/ruff format --quiet --check $(PYTHON_TREES)
	$(call step,MYPY,'$(PYTHON_TREES)')
	$(Q)$(BIN)/mypy --no-error-summary $(PYTHON_TREES)
	$(call step,FORMAT,'bench kernel tests benchmarks examples')
	$(Q)$(BIN)/clang-format --dry-run -Werror $(C_FILES)

build/analyze/%.o: kernel/%.c Makefile | packages
	$(call step,ANALYZE,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CFLAGS) -fanalyzer -c -o $@ $<

.PHONY: format
format: venv ## format Python and C in place
	$(Q)$(BIN)/ruff check --quiet --fix-only $(PYTHON_TREES)
	$(Q)$(BIN)/ruff format --quiet $(PYTHON_TREES)
	$(Q)$(BIN)/clang-format -i $(C_FILES)

.PHONY: sources
sources: ## the kernel's sources in reading order
	@printf '%s\n' $(KERNEL_SOURCES)

.PHONY: clean
clean: ## remove what was built
	$(Q)rm -rf build

.PHONY: distclean
distclean: clean ## remove .venv and caches as well
	$(Q)rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis bench/ringbench.egg-info

-include build/linker.d $(USER_FILES:.elf=.d) $(KERNEL_OBJECTS:.o=.d) $(ANALYZED:.o=.d) build/host/libmemmap.d
