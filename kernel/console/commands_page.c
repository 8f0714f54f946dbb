#include "console/commands.h"
#include "console/handles.h"
#include "console/console.h"
#include "console/reply.h"

int command_page_new(const struct arguments *arguments, struct reply *reply) {
    (void)arguments;
    unsigned handle = 0;
    while (handle < CONSOLE_ROOTS && console.roots[handle] != PADDR_NONE) {
        handle++;
    }
    if (handle == CONSOLE_ROOTS) {
        return STATUS_NO_SPACE;
    }
    int status = paging_root_create(&console.roots[handle]);
    if (status < 0) {
        console.roots[handle] = PADDR_NONE;
        return status;
    }
    reply_add(reply, VALUE_DECIMAL, "r", handle);
    return STATUS_OK;
}

int command_page_delete(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    paddr_t root;
    int status = find_bare_root(&arguments->at[0], &root);
    if (status < 0) {
        return status;
    }
    status = paging_root_destroy(root);
    if (status < 0) {
        return status;
    }
    console.roots[arguments->at[0].number] = PADDR_NONE;
    return STATUS_OK;
}

/* The bare root of a command that changes its mappings at `va`: never those it shares. */
static int find_changeable(const struct arguments *arguments, vaddr_t va, paddr_t *root) {
    int status = find_bare_root(&arguments->at[0], root);
    if (status < 0) {
        return status;
    }
    return va >> 63 ? STATUS_DENIED : STATUS_OK;
}

int command_page_map(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    vaddr_t va = arguments->at[1].number;
    paddr_t root;
    int status = find_changeable(arguments, va, &root);
    if (status < 0) {
        return status;
    }
    return paging_map(root, va, arguments->at[2].number, arguments->at[3].number,
                      arguments->at[4].number, arguments->at[5].number);
}

int command_page_unmap(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    vaddr_t va = arguments->at[1].number;
    paddr_t root;
    int status = find_changeable(arguments, va, &root);
    if (status < 0) {
        return status;
    }
    return paging_unmap(root, va, arguments->at[2].number);
}

int command_page_protect(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    vaddr_t va = arguments->at[1].number;
    paddr_t root;
    int status = find_changeable(arguments, va, &root);
    if (status < 0) {
        return status;
    }
    return paging_protect(root, va, arguments->at[2].number, arguments->at[3].number);
}

int command_page_query(const struct arguments *arguments, struct reply *reply) {
    paddr_t root;
    struct mapping mapping;
    int status = find_root(&arguments->at[0], &root);
    if (status < 0) {
        return status;
    }
    status = paging_query(root, arguments->at[1].number, &mapping);
    if (status < 0) {
        return status;
    }
    reply_address(reply, mapping.virtual);
    reply_address(reply, mapping.physical);
    reply_address(reply, mapping.size);
    reply_add(reply, VALUE_FLAGS, "", mapping.flags);
    return STATUS_OK;
}
