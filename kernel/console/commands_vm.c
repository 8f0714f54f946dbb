#include "cpu/print.h"
#include "disk/disk.h"
#include "console/commands.h"
#include "console/handles.h"
#include "console/reply.h"

/* The backing that the words KIND FLAGS [PLACE [OFFSET]], from word `at`, ask for: a physical
 * address belongs to PHYSICAL, an object and an offset in it to SHARED and PRIVATE. Errors: SYNTAX.
 */
static int read_backing(const struct arguments *arguments, unsigned at,
                        struct vm_backing *backing) {
    const struct argument *words = &arguments->at[at];
    unsigned places = arguments->count - (at + 2);
    *backing = (struct vm_backing){.kind = words[0].number, .physical = PADDR_NONE};
    bool shows = backing->kind == VM_SHARED || backing->kind == VM_PRIVATE;
    unsigned wanted = shows ? 2 : backing->kind == VM_PHYSICAL ? 1 : 0;
    if (places != wanted || (wanted == 1 && words[2].handle == HANDLE_OBJECT)) {
        return STATUS_SYNTAX;
    }
    if (wanted > 0) {
        backing->physical = words[1 + wanted].number;
    }
    return STATUS_OK;
}

/* The space that word 0 names, and the object of a backing. Errors: those of find_space; NOT_FOUND
 * (no such object). */
static int find_both(const struct arguments *arguments, unsigned at, struct vm_backing *backing,
                     struct vm_space **space) {
    int status = find_space(&arguments->at[0], space);
    if (status == STATUS_OK && (backing->kind == VM_SHARED || backing->kind == VM_PRIVATE)) {
        backing->object = object_find(arguments->at[at + 2].number);
        status = backing->object ? STATUS_OK : STATUS_NOT_FOUND;
    }
    return status;
}

int command_vm_alloc(const struct arguments *arguments, struct reply *reply) {
    struct vm_backing backing;
    int status = read_backing(arguments, 2, &backing);
    if (status < 0) {
        return status;
    }
    struct vm_space *space;
    vaddr_t base = 0;
    status = find_both(arguments, 2, &backing, &space);
    if (status < 0) {
        return status;
    }
    status = vm_alloc(space, arguments->at[1].number, arguments->at[3].number, backing, &base);
    if (status < 0) {
        return status;
    }
    reply_address(reply, base);
    return STATUS_OK;
}

int command_vm_at(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    struct vm_backing backing;
    int status = read_backing(arguments, 3, &backing);
    if (status < 0) {
        return status;
    }
    struct vm_space *space;
    status = find_both(arguments, 3, &backing, &space);
    if (status < 0) {
        return status;
    }
    return vm_alloc_at(space, arguments->at[1].number, arguments->at[2].number,
                       arguments->at[4].number, backing);
}

/* The space that the words SPACE VA are about, for a change of the region there. Errors: those of
 * find_space; DENIED (it has a disk's registers). */
static int find_changeable(const struct arguments *arguments, struct vm_space **space) {
    int status = find_space(&arguments->at[0], space);
    if (status < 0) {
        return status;
    }
    bool registers = *space == &kernel_space && disk_owns(arguments->at[1].number);
    return registers ? STATUS_DENIED : STATUS_OK;
}

int command_vm_free(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    struct vm_space *space;
    int status = find_changeable(arguments, &space);
    if (status < 0) {
        return status;
    }
    return vm_free(space, arguments->at[1].number);
}

int command_vm_protect(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    struct vm_space *space;
    int status = find_changeable(arguments, &space);
    if (status < 0) {
        return status;
    }
    return vm_protect(space, arguments->at[1].number, arguments->at[2].number);
}

int command_vm_resize(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    struct vm_space *space;
    int status = find_changeable(arguments, &space);
    if (status < 0) {
        return status;
    }
    return vm_resize(space, arguments->at[1].number, arguments->at[2].number);
}

int command_vm_query(const struct arguments *arguments, struct reply *reply) {
    struct vm_space *space;
    struct vm_region region;
    int status = find_space(&arguments->at[0], &space);
    if (status < 0) {
        return status;
    }
    status = vm_query(space, arguments->at[1].number, &region);
    if (status < 0) {
        return status;
    }
    reply_address(reply, region.base);
    reply_address(reply, region.length);
    reply_add(reply, VALUE_VM_KIND, "", region.kind);
    reply_add(reply, VALUE_FLAGS, "", region.flags);
    if (region.kind == VM_PHYSICAL) {
        reply_address(reply, region.physical);
    } else if (region.object) {
        reply_add(reply, VALUE_DECIMAL, "o", region.object->id);
        reply_address(reply, region.offset);
    }
    return STATUS_OK;
}

static void print_region(const struct vm_region *region) {
    print("  0x%lx 0x%lx %s ", region->base, region->length, vm_kind_names[region->kind]);
    print_flags(region->flags);
    if (region->kind == VM_PHYSICAL) {
        print(" 0x%lx", region->physical);
    } else if (region->object) {
        print(" o%lu 0x%lx", region->object->id, region->offset);
    }
    print("\n");
}

int command_vm_list(const struct arguments *arguments, struct reply *reply) {
    struct vm_space *space;
    int status = find_space(&arguments->at[0], &space);
    if (status < 0) {
        return status;
    }
    for (const struct vm_region *region = space->first; region != NULL; region = region->next) {
        print_region(region);
    }
    reply_add(reply, VALUE_DECIMAL, "", space->region_count);
    return STATUS_OK;
}

int command_vm_read(const struct arguments *arguments, struct reply *reply) {
    uint64_t length = arguments->at[2].number;
    struct vm_space *space;
    int status = find_space(&arguments->at[0], &space);
    if (status < 0) {
        return status;
    }
    if (length > sizeof reply->bytes) {
        return STATUS_INVALID;
    }
    status = vm_read(space, arguments->at[1].number, reply->bytes, length);
    if (status < 0) {
        return status;
    }
    reply_add(reply, VALUE_BYTES, "", length);
    return STATUS_OK;
}

int command_vm_write(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    const struct argument *data = &arguments->at[2];
    struct vm_space *space;
    int status = find_space(&arguments->at[0], &space);
    if (status < 0) {
        return status;
    }
    return vm_write(space, arguments->at[1].number, data->bytes, data->number);
}

int command_vm_copy(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    struct vm_space *to;
    struct vm_space *from;
    int status = find_space(&arguments->at[0], &to);
    if (status < 0) {
        return status;
    }
    status = find_space(&arguments->at[2], &from);
    if (status < 0) {
        return status;
    }
    return vm_copy(to, arguments->at[1].number, from, arguments->at[3].number,
                   arguments->at[4].number);
}

int command_space_clone(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    struct vm_space *to;
    struct vm_space *from;
    int status = find_space(&arguments->at[0], &to);
    if (status < 0) {
        return status;
    }
    status = find_space(&arguments->at[1], &from);
    return status < 0 ? status : vm_space_clone(to, from);
}
