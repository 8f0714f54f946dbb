#include "console/reply.h"

#include "cpu/exception.h"
#include "cpu/panic.h"
#include "cpu/print.h"
#include "program/elf.h"

static const struct {
    const char *name;
    const char *meaning;
} statuses[STATUS_COUNT] = {
    [-STATUS_OK] = {"ok", "done"},
    [-STATUS_INVALID] = {"invalid", "an argument has no meaning here"},
    [-STATUS_MISALIGNED] = {"misaligned", "an address or length is not a multiple of its unit"},
    [-STATUS_NON_CANONICAL] = {"non_canonical", "the range is not canonical throughout"},
    [-STATUS_OUT_OF_RANGE] = {"out_of_range", "beyond the physical width or outside the window"},
    [-STATUS_NO_MEMORY] = {"no_memory", "not enough free frames"},
    [-STATUS_NO_SPACE] = {"no_space", "no gap is large enough, or no handle is left"},
    [-STATUS_NOT_ALLOCATED] = {"not_allocated", "a frame of the run is free already"},
    [-STATUS_FOREIGN] = {"foreign", "it does not belong to this allocator"},
    [-STATUS_MAPPED] = {"mapped", "something is there already"},
    [-STATUS_NOT_MAPPED] = {"not_mapped", "nothing is there"},
    [-STATUS_UNSUPPORTED] = {"unsupported", "this CPU cannot do that"},
    [-STATUS_DENIED] = {"denied", "known, but not permitted"},
    [-STATUS_GUARD] = {"guard", "a guard region was hit"},
    [-STATUS_DOUBLE_FREE] = {"double_free", "it is free already"},
    [-STATUS_INTERIOR] = {"interior", "inside an allocation, not at its start"},
    [-STATUS_CORRUPT] = {"corrupt", "a node's header was overwritten"},
    [-STATUS_NOT_FOUND] = {"not_found", "there is none of that name"},
    [-STATUS_BUSY] = {"busy", "it is in use"},
    [-STATUS_FAULT] = {"fault", "the access raised an exception"},
    [-STATUS_SYNTAX] = {"syntax", "unknown command; try help"},
    [-STATUS_TOO_LONG] = {"too_long", "the line has too many characters"},
    [-STATUS_IO] = {"io", "the disk could not do that"},
};

static bool is_status(int status) {
    return status <= 0 && status > -STATUS_COUNT;
}

const char *status_name(int status) {
    return is_status(status) ? statuses[-status].name : "?";
}

void reply_add(struct reply *reply, enum value_kind kind, const char *prefix, uint64_t number) {
    ASSERT(reply->count < REPLY_VALUES_MAX);
    reply->values[reply->count++] =
        (struct value){.number = number, .prefix = prefix, .kind = kind};
}

void reply_address(struct reply *reply, uint64_t address) {
    reply_add(reply, VALUE_HEXADECIMAL, "", address);
}

static void print_bytes(const uint8_t *bytes, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        print("%02x", bytes[i]);
    }
}

static void print_value(const struct value *value, const struct reply *reply) {
    uint64_t number = value->number;
    print(" %s", value->prefix);
    switch (value->kind) {
    case VALUE_HEXADECIMAL:
        print("0x%lx", number);
        break;
    case VALUE_DECIMAL:
        print("%lu", number);
        break;
    case VALUE_FLAGS:
        print_flags(number);
        break;
    case VALUE_VM_KIND:
        print("%s", vm_kind_names[number]);
        break;
    case VALUE_BYTES:
        print_bytes(reply->bytes, number);
        break;
    case VALUE_VECTOR:
        print("%s", vector_name(number));
        break;
    case VALUE_DEFECT:
        print("%s", elf_defect_name(number));
        break;
    case VALUE_STATUS:
        print("%s", status_name((int)number));
        break;
    }
}

void reply_print(int status, const struct reply *reply) {
    if (status < 0) {
        print("err %s", status_name(status));
    } else {
        print("ok");
    }
    for (unsigned i = 0; i < reply->count; i++) {
        print_value(&reply->values[i], reply);
    }
    if (status < 0 && reply->count == 0) {
        print(" %s", is_status(status) ? statuses[-status].meaning : "?");
    }
    print("\n");
}

void print_flags(uint32_t flags) {
    print("r%s%s%s%s", flags & PAGE_WRITE ? "w" : "", flags & PAGE_EXEC ? "x" : "",
          flags & PAGE_USER ? "u" : "", flags & PAGE_GLOBAL ? "g" : "");
    uint32_t mode = (flags & PAGE_CACHE_MASK) / PAGE_CACHE_WT;
    if (mode != PAGE_CACHE_WB) {
        print(":%s", mode < CACHE_MODES ? cache_mode_names[mode] : "?");
    }
}
