#include "cpu/print.h"
#include "monitor/commands.h"
#include "monitor/handles.h"
#include "monitor/monitor.h"
#include "monitor/reply.h"

int command_page_new(const struct arguments *arguments) {
    (void)arguments;
    unsigned handle = 0;
    while (handle < MONITOR_ROOTS && monitor.roots[handle] != PADDR_NONE) {
        handle++;
    }
    if (handle == MONITOR_ROOTS) {
        return STATUS_NO_SPACE;
    }
    int status = paging_root_create(&monitor.roots[handle]);
    if (status != STATUS_OK) {
        monitor.roots[handle] = PADDR_NONE;
        return status;
    }
    print("ok r%u\n", handle);
    return STATUS_OK;
}

int command_page_delete(const struct arguments *arguments) {
    paddr_t root;
    int status = find_bare_root(&arguments->at[0], &root);
    if (status == STATUS_OK) {
        status = paging_root_destroy(root);
    }
    if (status == STATUS_OK) {
        monitor.roots[arguments->at[0].number] = PADDR_NONE;
    }
    return reply_ok(status);
}

/* The bare root of a command that changes its mappings at `va`: never those it shares. */
static int find_changeable(const struct arguments *arguments, vaddr_t va, paddr_t *root) {
    int status = find_bare_root(&arguments->at[0], root);
    if (status != STATUS_OK) {
        return status;
    }
    return va >> 63 ? STATUS_DENIED : STATUS_OK;
}

int command_page_map(const struct arguments *arguments) {
    vaddr_t va = arguments->at[1].number;
    paddr_t root;
    int status = find_changeable(arguments, va, &root);
    if (status == STATUS_OK) {
        status = paging_map(root, va, arguments->at[2].number, arguments->at[3].number,
                            arguments->at[4].number, arguments->at[5].number);
    }
    return reply_ok(status);
}

int command_page_unmap(const struct arguments *arguments) {
    vaddr_t va = arguments->at[1].number;
    paddr_t root;
    int status = find_changeable(arguments, va, &root);
    if (status == STATUS_OK) {
        status = paging_unmap(root, va, arguments->at[2].number);
    }
    return reply_ok(status);
}

int command_page_protect(const struct arguments *arguments) {
    vaddr_t va = arguments->at[1].number;
    paddr_t root;
    int status = find_changeable(arguments, va, &root);
    if (status == STATUS_OK) {
        status = paging_protect(root, va, arguments->at[2].number, arguments->at[3].number);
    }
    return reply_ok(status);
}

int command_page_query(const struct arguments *arguments) {
    paddr_t root;
    struct mapping mapping;
    int status = find_root(&arguments->at[0], &root);
    if (status == STATUS_OK) {
        status = paging_query(root, arguments->at[1].number, &mapping);
    }
    if (status != STATUS_OK) {
        return status;
    }
    print("ok 0x%lx 0x%lx 0x%lx ", mapping.virtual, mapping.physical, mapping.size);
    print_flags(mapping.flags);
    print("\n");
    return STATUS_OK;
}
