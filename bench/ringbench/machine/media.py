"""What the guest boots from, made ready: a file for QEMU to load, a disc, and its disks.

A disk is never given to the guest itself. It gets an overlay in the private folder, which takes
what it writes and is put back with the rest of a frozen guest.
"""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from ringbench.config import Config
from ringbench.errors import ImageError
from ringbench.machine.elf32 import make_elf32
from ringbench.machine.image import EFI_PATH, Form
from ringbench.machine.qcow2 import LARGEST, disk_size, write_qcow2

SECTOR = 512
FLOPPY_SIZES = (368640, 737280, 1228800, 1474560, 2949120)  # 360K, 720K, 1.2M, 1.44M, 2.88M
FAT_SIZE = 1024 * 16 * 63 * SECTOR  # the disk that QEMU 7.2, block/vvfat.c, makes of a folder


@dataclass(frozen=True, slots=True)
class Drive:
    """A disk: an image, or a folder to be shown as one; `overlay` is what the guest writes to.

    One with a `serial` string is a device of its own, of virtio; one without a `source` is `size`
    bytes of zeros.
    """

    source: Path | None
    interface: str
    overlay: Path | None = None
    serial: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Media:
    """What QEMU is given to boot; `preparation` is what a shell must do before that.

    `kernel` is an ELF that QEMU loads, `disc` an ISO; a first drive is booted where there is
    neither.
    """

    kernel: Path | None = None
    disc: Path | None = None
    drives: tuple[Drive, ...] = ()
    preparation: str = ""


def prepare(config: Config, form: Form, folder: Path) -> Media:
    """Make in `folder` what QEMU is to be given.

    Raises:
        ImageError: a file cannot be what the configuration says it is.
    """
    image = config.kernel.image
    if form is Form.MULTIBOOT64:
        make_elf32(image, folder / "kernel32.elf")
        image = folder / "kernel32.elf"
    elif form is Form.EFI_APPLICATION:
        image = folder / "efi"
        (image / EFI_PATH).parent.mkdir(parents=True)
        shutil.copy(config.kernel.image, image / EFI_PATH)
    media = _media(config, form, image, "")
    drives = tuple(
        replace(drive, overlay=_overlay(drive, folder / overlay_file(n)))
        for n, drive in enumerate(media.drives)
    )
    return Media(media.kernel, media.disc, drives)


def overlay_file(number: int) -> str:
    """Return the name of the overlay of the disk with that number, in the private folder."""
    return f"disk{number}.qcow2"


def by_hand(config: Config, form: Form) -> Media:
    """Return the same for a person, whose shell makes what has to be made in /tmp."""
    image = config.kernel.image
    preparation = ""
    if form is Form.MULTIBOOT64:
        copy = Path("/tmp") / f"{image.stem}32.elf"
        preparation = shlex.join(("objcopy", "-O", "elf32-i386", str(image), str(copy)))
        image = copy
    elif form is Form.EFI_APPLICATION:
        copy = Path("/tmp") / f"{image.stem}.esp"
        preparation = shlex.join(("install", "-D", str(image), str(copy / EFI_PATH)))
        image = copy
    return _media(config, form, image, preparation)


def _media(config: Config, form: Form, image: Path, preparation: str) -> Media:
    disks = tuple(
        Drive(disk.path, disk.interface, serial=disk.serial, size=disk.size)
        for disk in config.machine.disks
    )
    if form.is_elf:
        return Media(kernel=image, drives=disks, preparation=preparation)
    if form is Form.ISO:
        return Media(disc=image, drives=disks)
    return Media(drives=(Drive(image, _interface(config, image)), *disks), preparation=preparation)


def _interface(config: Config, image: Path) -> str:
    """Return how the image is attached: one of a floppy's size as that, where there is a drive."""
    is_floppy = image.is_file() and image.stat().st_size in FLOPPY_SIZES
    return "floppy" if is_floppy and "q35" not in config.machine.type else "ide"


def _overlay(drive: Drive, overlay: Path) -> Path:
    source = drive.source
    if source is None:
        size = drive.size
    elif source.is_dir():
        size = FAT_SIZE
    else:
        size = disk_size(source) or -(-source.stat().st_size // SECTOR) * SECTOR
    if size > LARGEST:
        raise ImageError(
            f"{source or overlay.name}: larger than the 4 TiB that a disk of the guest can have"
        )
    write_qcow2(overlay, size)
    return overlay
