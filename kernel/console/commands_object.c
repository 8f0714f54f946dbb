#include "object/object.h"
#include "cpu/print.h"
#include "console/commands.h"
#include "console/reply.h"

int command_object_new(const struct arguments *arguments, struct reply *reply) {
    uint64_t id;
    int status = object_create(arguments->at[0].number, &id);
    if (status < 0) {
        return status;
    }
    reply_add(reply, VALUE_DECIMAL, "o", id);
    return STATUS_OK;
}

int command_object_drop(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    return object_drop(arguments->at[0].number);
}

int command_object_list(const struct arguments *arguments, struct reply *reply) {
    (void)arguments;
    uint64_t count = 0;
    for (const struct vm_object *object = objects; object; object = object->next) {
        print("  o%lu 0x%lx %lu references%s\n", object->id, object->pages * FRAME_SIZE,
              object->references, object->has_handle ? "" : ", no handle");
        count++;
    }
    reply_add(reply, VALUE_DECIMAL, "", count);
    return STATUS_OK;
}
