/*
 * Reads the information of both Multiboot formats. What the loader says is checked before it is
 * used: every structure must lie below 4 GiB and outside the image, and be of a length that can be
 * read through in no time, every tag inside the information. A string that does not end in time is
 * cut; information that contradicts itself is a panic, since nothing good can come of booting on.
 */
#include "base/direct_map.h"
#include "base/string.h"
#include "boot/image.h"
#include "boot/multiboot.h"
#include "cpu/features.h"
#include "cpu/panic.h"
#include "memmap/boot_info.h"
#include "memmap/multiboot_map.h"

#define FIRST_MIB     MIB(1)
#define STRING_MAX    KIB(4) /* what is believed to be a string at most */
#define STRUCTURE_MAX MIB(1) /* and any other structure */

struct boot_info boot_info;

/* The loader's memory, through the boot-time direct map. In the image it would change while it is
 * read: boot_info is there too. */
static const void *loader_memory(paddr_t base, uint64_t length, const char *what) {
    if (base > GIB(4) || length > GIB(4) - base) {
        panic("boot information: %s at 0x%lx, 0x%lx bytes, passes 4 GiB", what, base, length);
    }
    if (length > STRUCTURE_MAX) {
        panic("boot information: %s at 0x%lx, 0x%lx bytes, is too long", what, base, length);
    }
    if (length > 0 && base < (paddr_t)image_physical_end &&
        base + length > (paddr_t)image_physical_start) {
        panic("boot information: %s at 0x%lx, 0x%lx bytes, is in the image", what, base, length);
    }
    return direct_map(base);
}

static void claim(paddr_t base, uint64_t length, enum memory_kind kind) {
    if (memory_map_claim(&boot_info.map, base, length, kind) < 0) {
        panic("boot information: more than %d ranges of memory", MEMORY_RANGES_MAX);
    }
}

static void check_memory_map(int status) {
    if (status == STATUS_NO_SPACE) {
        panic("boot information: more than %d ranges of memory", MEMORY_RANGES_MAX);
    }
    if (status < 0) {
        panic("boot information: the memory map is malformed");
    }
}

static size_t string_length(const char *text, uint64_t limit) {
    size_t length = 0;
    while (length < limit && text[length]) {
        length++;
    }
    return length;
}

/* Copies what is before NUL or `limit`, and fits, and ends it with NUL. */
static void copy_string(char *to, size_t room, const char *from, uint64_t limit) {
    size_t length = string_length(from, min_u64(limit, room - 1));
    memcpy(to, from, length);
    to[length] = '\0';
}

static void add_module(uint32_t start, uint32_t end, const char *name, uint64_t name_limit) {
    uint64_t length = end > start ? end - start : 0;
    claim(start, length, MEMORY_MODULE);
    if (boot_info.module_count < BOOT_MODULES_MAX) {
        struct boot_module *module = &boot_info.modules[boot_info.module_count++];
        module->base = start;
        module->length = length;
        copy_string(module->name, sizeof(module->name), name, name_limit);
    }
}

/* --- Multiboot 1 (3.3) --------------------------------------------------------------------- */

/* A string in loader memory: its frames are claimed, and its length limited. */
static const char *claim_string(paddr_t address, uint64_t *limit) {
    paddr_t stop = address < (paddr_t)image_physical_start ? (paddr_t)image_physical_start : GIB(4);
    uint64_t room = min_u64(STRING_MAX, stop - address);
    const char *text = loader_memory(address, room, "a string");
    *limit = string_length(text, room);
    claim(address, min_u64(*limit + 1, room), MEMORY_BOOT_INFO);
    return text;
}

static void read_modules1(const struct mb1_information *information) {
    uint64_t length = information->modules_count * sizeof(struct mb1_module);
    const char *list = loader_memory(information->modules, length, "the module list");
    claim(information->modules, length, MEMORY_BOOT_INFO);
    for (uint64_t at = 0; at < length; at += sizeof(struct mb1_module)) {
        struct mb1_module module;
        memcpy(&module, list + at, sizeof(module));
        uint64_t limit = 0;
        const char *name = module.string ? claim_string(module.string, &limit) : "";
        add_module(module.start, module.end, name, limit);
    }
}

static void read_multiboot1(paddr_t address) {
    struct mb1_information information;
    memcpy(&information, loader_memory(address, sizeof(information), "the structure"),
           sizeof(information));
    claim(address, sizeof(information), MEMORY_BOOT_INFO);
    if (!(information.flags & MB1_HAS_MEMORY_MAP) || information.memory_map_length == 0) {
        panic("boot information: the loader passed no memory map");
    }
    const void *map =
        loader_memory(information.memory_map, information.memory_map_length, "the memory map");
    claim(information.memory_map, information.memory_map_length, MEMORY_BOOT_INFO);
    check_memory_map(memory_map_multiboot1(&boot_info.map, map, information.memory_map_length));
    if (information.flags & MB1_HAS_COMMAND_LINE) {
        uint64_t limit;
        const char *text = claim_string(information.command_line, &limit);
        copy_string(boot_info.command_line, sizeof(boot_info.command_line), text, limit);
    }
    if (information.flags & MB1_HAS_MODULES) {
        read_modules1(&information);
    }
}

/* --- Multiboot 2 (3.6) --------------------------------------------------------------------- */

/* A tag's fixed part, `size` bytes of it; what is behind that goes to *rest and *rest_length. */
static const char *tag_rest(const char *at, void *fixed, uint32_t size, uint64_t *rest_length) {
    struct mb2_tag tag;
    memcpy(&tag, at, sizeof(tag));
    if (tag.size < size) {
        panic("boot information: tag %u has only %u bytes", tag.type, tag.size);
    }
    memcpy(fixed, at, size);
    *rest_length = tag.size - size;
    return at + size;
}

static bool read_memory_map2(const char *at) {
    struct mb2_memory_map tag;
    uint64_t length;
    const char *entries = tag_rest(at, &tag, sizeof(tag), &length);
    check_memory_map(memory_map_multiboot2(&boot_info.map, entries, length, tag.entry_size));
    return length > 0;
}

static void read_module2(const char *at) {
    struct mb2_module tag;
    uint64_t length;
    const char *name = tag_rest(at, &tag, sizeof(tag), &length);
    add_module(tag.start, tag.end, name, length);
}

static void read_command_line2(const char *at) {
    struct mb2_tag tag;
    uint64_t length;
    const char *text = tag_rest(at, &tag, sizeof(tag), &length);
    copy_string(boot_info.command_line, sizeof(boot_info.command_line), text, length);
}

static void read_multiboot2(paddr_t address) {
    struct mb2_information information;
    memcpy(&information, loader_memory(address, sizeof(information), "the structure"),
           sizeof(information));
    const char *bytes = loader_memory(address, information.total_size, "the structure");
    claim(address, information.total_size, MEMORY_BOOT_INFO);
    uint64_t total = information.total_size, at = sizeof(information);
    struct mb2_tag tag = {.type = ~0U};
    bool has_map = false;
    while (tag.type != MB2_TAG_END) {
        if (at > total || total - at < sizeof(tag)) {
            panic("boot information: no end tag in 0x%lx bytes", total);
        }
        memcpy(&tag, bytes + at, sizeof(tag));
        if (tag.size < sizeof(tag) || tag.size > total - at) {
            panic("boot information: tag %u has %u bytes", tag.type, tag.size);
        }
        if (tag.type == MB2_TAG_MEMORY_MAP) {
            has_map |= read_memory_map2(bytes + at);
        } else if (tag.type == MB2_TAG_MODULE) {
            read_module2(bytes + at);
        } else if (tag.type == MB2_TAG_COMMAND_LINE) {
            read_command_line2(bytes + at);
        }
        at += align_up(tag.size, MB2_TAG_ALIGN);
    }
    if (!has_map) {
        panic("boot information: the loader passed no memory map");
    }
}

void boot_info_init(uint32_t magic, paddr_t information) {
    boot_info.information = information;
    memory_map_init(&boot_info.map, cpu_features.physical_bits);
    claim(0, FIRST_MIB, MEMORY_LOW);
    claim((paddr_t)image_physical_start,
          (paddr_t)image_physical_end - (paddr_t)image_physical_start, MEMORY_KERNEL);
    if (magic == MB1_LOADER_MAGIC) {
        boot_info.loader = LOADER_MULTIBOOT1;
        read_multiboot1(information);
    } else if (magic == MB2_LOADER_MAGIC) {
        boot_info.loader = LOADER_MULTIBOOT2;
        read_multiboot2(information);
    } else {
        panic("boot information: unknown loader, magic number 0x%x", magic);
    }
}
