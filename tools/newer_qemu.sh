#!/bin/sh
# Unpacks a QEMU whose plugins can read registers (9.1 or later), for the tests that need one.
#
#   tools/newer_qemu.sh [QEMU]
#
# Nothing is installed: the packages of the distribution's backports, 13 MB, are unpacked into the
# folder qemu of the bench's cache, beside the QEMU that is there. What comes first of these is
# enough: QEMU itself (qemu-system-x86_64, or the one that is named) has registers; the folder is
# there; an attempt failed less than a day ago. Where there is no apt-get, no network, no backports
# or no such QEMU in them, it says so in one line and ends well: the tests that need it are skipped.

set -eu

QEMU=${1:-qemu-system-x86_64}
case "${XDG_CACHE_HOME:-}" in
/*) CACHE=$XDG_CACHE_HOME/ringbench ;;
*) CACHE=$HOME/.cache/ringbench ;;
esac
FAILED=$CACHE/no-newer-qemu
PACKAGES='qemu-system-x86 qemu-system-common qemu-system-data seabios'

leave() { # leave REASON: without a newer QEMU
    printf 'setup: no QEMU with registers for plugins (%s); tests that need one are skipped\n' "$1"
    mkdir -p "$CACHE" && touch "$FAILED"
    exit 0
}

# Whether a QEMU can have registers read by plugins.
has_registers() {
    number=$("$1" --version 2>/dev/null | sed -n 's/.*version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
    # shellcheck disable=SC2086  # two words, or none
    set -- $number
    [ $# -eq 2 ] && { [ "$1" -gt 9 ] || { [ "$1" -eq 9 ] && [ "$2" -ge 1 ]; }; }
}

# Print this machine's own sources of its distribution's release, with backports in its place.
sources() { # sources CODENAME FOLDER
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
        sed -n "s/^\(deb .*\) $1 /\1 $1-backports /p" >"$2/own.list"
    awk -v RS= -v release="$1" '
        /(^|\n)Types:[^\n]*deb/ && $0 ~ "(^|\n)Suites:[^\n]* " release "( |\n|$)" {
            gsub(/(^|\n)#[^\n]*/, "")
            sub(/Suites:[^\n]*/, "Suites: " release "-backports")
            sub(/Types:[^\n]*/, "Types: deb")
            print $0 "\n"
        }' /etc/apt/sources.list.d/*.sources >"$2/own.sources" 2>/dev/null || :
    cat "$2"/own.* | grep -q backports
}

[ ! -x "$CACHE/qemu/qemu-system-x86_64" ] || exit 0
[ -z "$(find "$FAILED" -mtime -1 2>/dev/null)" ] || exit 0
! has_registers "$QEMU" || exit 0
command -v apt-get >/dev/null 2>&1 || leave 'there is no apt-get here to ask'
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release 2>/dev/null)
[ -n "$release" ] || leave '/etc/os-release names no release'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # apt fetches as a user of its own
mkdir -p "$work/sources" "$work/lists/partial" "$work/cache/archives/partial" "$work/debs" \
    "$work/root"
sources "$release" "$work/sources" || leave "no source of packages for $release is configured"

apt() {
    (cd "$work/debs" && timeout 60 apt-get \
        -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$work/sources" \
        -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" \
        -o Acquire::Languages=none -o Acquire::Retries=0 -o Acquire::http::Timeout=5 \
        -o Acquire::https::Timeout=5 -o APT::Update::Error-Mode=any \
        "$@") </dev/null >>"$work/log" 2>&1
}

printf 'setup: unpacking a newer QEMU for the tests of plugins, from %s-backports\n' "$release"
apt update || leave "$release-backports cannot be reached"
# shellcheck disable=SC2086  # one word a package
apt -t "$release-backports" download $PACKAGES || leave "$release-backports has none"
for package in "$work"/debs/*.deb; do dpkg -x "$package" "$work/root"; done

made=$work/root
printf '%s\n' '#!/bin/sh' 'exec "${0%/*}/usr/bin/qemu-system-x86_64" -L "${0%/*}/usr/share/qemu" \' \
    '    -L "${0%/*}/usr/share/seabios" "$@"' >"$made/qemu-system-x86_64"
chmod 755 "$made/qemu-system-x86_64"
has_registers "$made/qemu-system-x86_64" || leave "that of $release-backports is too old, or does not run here"

# Only what a guest needs; whole, or not at all, whoever else is doing the same.
whole=$CACHE/qemu.$$
mkdir -p "$whole/usr/bin" "$whole/usr/share"
mv "$made/qemu-system-x86_64" "$whole"
mv "$made/usr/bin/qemu-system-x86_64" "$whole/usr/bin"
mv "$made/usr/share/qemu" "$made/usr/share/seabios" "$whole/usr/share"
mv -T "$whole" "$CACHE/qemu" 2>/dev/null || rm -rf "$whole"
