#include "base/direct_map.h"
#include "program/program.h"
#include "console/commands.h"

int command_program_load(const struct arguments *arguments, struct reply *reply) {
    uint64_t module = arguments->at[1].number;
    uint64_t number = arguments->count > 2 ? arguments->at[2].number : 0;
    if (module >= boot_info.module_count) {
        return STATUS_NOT_FOUND;
    }
    enum elf_defect defect;
    int status = program_load(arguments->at[0].number, direct_map(boot_info.modules[module].base),
                              boot_info.modules[module].length, number, &defect);
    if (defect != ELF_GOOD) {
        reply_add(reply, VALUE_DEFECT, "", defect);
    }
    return status;
}

int command_program_run(const struct arguments *arguments, struct reply *reply) {
    struct program_end end;
    int status = program_run(arguments->at[0].number, &end);
    if (status < 0) {
        return status;
    }
    if (end.ending == PROGRAM_EXITED) {
        reply_add(reply, VALUE_DECIMAL, "exit=", end.code);
        return STATUS_OK;
    }
    reply_add(reply, VALUE_VECTOR, "", end.vector);
    reply_add(reply, VALUE_HEXADECIMAL, "error=", end.error);
    reply_add(reply, VALUE_HEXADECIMAL, "rip=", end.rip);
    reply_add(reply, VALUE_HEXADECIMAL, "address=", end.address);
    reply_add(reply, VALUE_STATUS, "cause=", (int64_t)end.cause);
    return STATUS_OK;
}
