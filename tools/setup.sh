#!/bin/sh
# Makes this machine able to build, boot and test: distribution packages, then .venv.
#
#   tools/setup.sh packages       the commands that building the kernel and the bench use
#   tools/setup.sh packages iso   also what the ISO and the tests that boot it use
#   tools/setup.sh packages coverage  also what makes pages of the kernel's coverage
#   tools/setup.sh venv           .venv as requirements.txt and pyproject.toml want it
#
# Each looks first and does nothing when all is there, so every make target can afford to call it
# (some milliseconds). What counts is the command or file itself, not what a package database says:
# a gdb built by hand is as good as the distribution's. Whatever is installed is named first, and
# a step that fails ends the whole make with the reason.
#
# PYTHON names the interpreter to make .venv with (default: python3).

set -eu

cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
LOG=build/setup.log

# Two makes at once (an editor's and a person's) must not install the same things.
lock() {
    mkdir -p build
    exec 9>build/setup.lock
    flock 9
}

say() { printf 'setup: %s\n' "$*"; }

fail() {
    printf 'setup: error: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '       %s\n' "$line" >&2; done
    exit 1
}

# --- distribution packages ---------------------------------------------------------------------

missing=''  # packages to install, with a leading space each
reasons=''  # what was looked for and not found

lacks() { # lacks PACKAGE WHAT
    case "$missing " in
    *" $1 "*) ;;
    *) missing="$missing $1" ;;
    esac
    reasons="$reasons $2"
}

want_command() { command -v "$1" >/dev/null 2>&1 || lacks "$2" "$1"; }

want_path() { # want_path PACKAGE PATH...: any one of the paths will do
    package=$1
    shift
    for path in "$@"; do [ ! -e "$path" ] || return 0; done
    lacks "$package" "$1"
}

look_for_packages() { # look_for_packages [iso | coverage]
    missing=''
    reasons=''
    want_command gcc gcc
    want_command ld binutils
    want_command qemu-system-x86_64 qemu-system-x86
    want_command gdb gdb
    [ "$PYTHON" != python3 ] || want_command python3 python3
    # Debian splits venv and pip off the interpreter; a Python from elsewhere has both.
    if [ ! -x .venv/bin/python ] && command -v "$PYTHON" >/dev/null 2>&1; then
        "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || lacks python3-venv "python's ensurepip"
    fi
    case "${1:-}" in
    iso) look_for_iso_packages ;;
    coverage) want_command genhtml lcov ;;
    esac
}

look_for_iso_packages() {
    want_command grub-mkrescue grub-common
    want_command xorriso xorriso
    want_command mformat mtools
    want_path grub-pc-bin /usr/lib/grub/i386-pc
    want_path grub-efi-amd64-bin /usr/lib/grub/x86_64-efi
    # The bench looks in the same places (bench/ringbench/machine/firmware.py).
    want_path ovmf /usr/share/OVMF/OVMF_CODE_4M.fd /usr/share/OVMF/OVMF_CODE.fd \
        /usr/share/edk2/ovmf/OVMF_CODE.fd /usr/share/edk2/x64/OVMF_CODE.4m.fd \
        /usr/share/qemu/ovmf-x86_64-code.bin
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@" # nobody is there to type a password: fail, do not wait
    fi
}

run_apt() { # run_apt ARGUMENTS...: quiet unless it fails
    if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 \
        "$@" </dev/null >>"$LOG" 2>&1; then
        tail -n 15 "$LOG" >&2
        fail "apt-get $1 failed (all of its output: $LOG)" \
            "Packages still to install:$missing"
    fi
}

install_packages() { # install_packages [iso | coverage]
    look_for_packages "$@"
    [ -n "$missing" ] || return 0

    if ! command -v apt-get >/dev/null 2>&1; then
        fail "missing on this machine:$reasons" \
            "There is no apt-get here to install them with. Please install what your distribution" \
            "calls these Debian packages, and run make again:" \
            " $missing"
    fi
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null 2>&1; then
        fail "missing on this machine:$reasons" \
            "Installing needs root, and there is no sudo. As root, run:" \
            "  apt-get install$missing"
    fi

    lock
    look_for_packages "$@"
    [ -n "$missing" ] || return 0
    : >"$LOG"
    say "installing distribution packages:$missing"
    run_apt update
    # shellcheck disable=SC2086  # one word a package
    run_apt install --yes --no-install-recommends $missing

    look_for_packages "$@"
    [ -z "$missing" ] || fail "apt-get succeeded, but these are still not there:$reasons"
}

# --- .venv -------------------------------------------------------------------------------------

STAMP=.venv/ringbench.stamp

# What .venv is made from; the stamp in it is a copy. The first line is what no upgrade in place
# can change: its scripts hold the tree's absolute path, and its packages fit one Python only. So a
# tree that was moved or copied, or a distribution's new Python, gets a new one.
venv_foundation() { printf '%s %s\n' "$PWD" "$(readlink -f .venv/bin/python)"; }

venv_recipe() {
    venv_foundation
    cat requirements.txt pyproject.toml
}

venv_is_ready() { [ -x .venv/bin/python ] && venv_recipe | cmp -s - "$STAMP"; }

pip_install() {
    .venv/bin/python -m pip install -qq --disable-pip-version-check --no-input "$@" </dev/null
}

check_python() {
    command -v "$PYTHON" >/dev/null 2>&1 || fail "no '$PYTHON' on the PATH"
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$PYTHON is $("$PYTHON" --version 2>&1); ringbench needs Python 3.11 or newer" \
            "Install one, or name one: make PYTHON=/path/to/python3.11"
}

install_venv() {
    ! venv_is_ready || return 0

    lock
    ! venv_is_ready || return 0

    check_python
    if [ ! -x .venv/bin/python ] || [ "$(head -n 1 "$STAMP" 2>/dev/null)" != "$(venv_foundation)" ]
    then
        say "making .venv with $("$PYTHON" --version)"
        rm -rf .venv
        "$PYTHON" -m venv .venv || fail "$PYTHON -m venv .venv failed"
        venv_foundation >"$STAMP"
    fi
    say "installing $(grep -c '==' requirements.txt) pinned Python packages into .venv"
    pip_install --requirement requirements.txt ||
        fail "pip could not install requirements.txt (is a package index reachable?)"
    pip_install --no-deps --no-build-isolation --editable . ||
        fail "pip could not install ringbench itself into .venv"
    venv_recipe >"$STAMP"
}

case "${1:-}" in
packages) install_packages "${2:-}" ;;
venv) install_venv ;;
*) fail "usage: tools/setup.sh packages [iso | coverage] | venv" ;;
esac
