#!/bin/bash
# GDB at the entry of a kernel in QEMU:  tools/debug.sh KERNEL.elf QEMU [ARGUMENTS...]
#
# QEMU waits at its reset vector; GDB attaches over a Unix socket in a private folder, sets a
# hardware breakpoint on the ELF's entry point (there are no page tables yet, and the loader writes
# the kernel's bytes over a software one), and runs to it. When GDB ends, for whatever reason, QEMU
# and the folder go too.

set -euo pipefail

elf=$1
shift
here=$(dirname "$0")
folder=$(mktemp -d "${TMPDIR:-/tmp}/ringbench-debug.XXXXXX")
qemu_pid=''

clean_up() {
    if [ -n "$qemu_pid" ]; then
        kill "$qemu_pid" 2>/dev/null || true
        wait "$qemu_pid" 2>/dev/null || true
    fi
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 143' TERM
trap : INT # Ctrl-C in GDB stops the guest, not this script

# In a session of its own, so that Ctrl-C does not reach QEMU; not outliving this script even if
# that is killed.
setsid setpriv --pdeathsig KILL "$@" -S \
    -chardev "socket,id=gdb,path=$folder/gdb,server=on,wait=off" -gdb chardev:gdb \
    -chardev "socket,id=console,path=$folder/console,server=on,wait=off,logfile=$folder/console.log" \
    -serial chardev:console </dev/null >"$folder/qemu.log" 2>&1 &
qemu_pid=$!

for _ in {1..100}; do
    [ ! -S "$folder/gdb" ] || break
    kill -0 "$qemu_pid" 2>/dev/null || break
    sleep 0.05
done
if [ ! -S "$folder/gdb" ]; then
    echo 'error: QEMU did not start:' >&2
    cat "$folder/qemu.log" >&2
    exit 3
fi

echo "The kernel's console: tail -f $folder/console.log"
echo "           to type on: socat -,rawer UNIX-CONNECT:$folder/console"

entry=$(LC_ALL=C readelf -h "$elf" | awk '/Entry point address:/ { print $NF }')
gdb -q "$elf" \
    -ex 'set confirm off' \
    -ex 'set pagination off' \
    -ex "source $here/../bench/ringbench/gdb_commands.py" \
    -ex "target remote $folder/gdb" \
    -ex "hbreak *$entry" \
    -ex 'continue'
