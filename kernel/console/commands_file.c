#include "cpu/print.h"
#include "file/file.h"
#include "console/commands.h"
#include "console/reply.h"

/* The file that the word FILE names. Errors: NOT_FOUND. */
static int file_named(const struct argument *argument, struct file **file) {
    if (argument->number >= FILES_MAX || files[argument->number].references == 0) {
        return STATUS_NOT_FOUND;
    }
    *file = &files[argument->number];
    return STATUS_OK;
}

int command_file_list(const struct arguments *arguments, struct reply *reply) {
    (void)arguments;
    uint64_t count = 0;
    for (unsigned i = 0; i < FILES_MAX; i++) {
        if (files[i].references > 0) {
            print("  f%u %s size=%lu sector=%lu references=%lu\n", i, files[i].name, files[i].size,
                  files[i].sector, files[i].references);
            count++;
        }
    }
    reply_add(reply, VALUE_DECIMAL, "", count);
    return STATUS_OK;
}

int command_file_open(const struct arguments *arguments, struct reply *reply) {
    struct file *file;
    int status = file_open((const char *)arguments->at[0].bytes, &file);
    if (status < 0) {
        return status;
    }
    reply_add(reply, VALUE_DECIMAL, "f", file - files);
    reply_address(reply, file->size);
    return STATUS_OK;
}

int command_file_close(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    struct file *file;
    int status = file_named(&arguments->at[0], &file);
    return status < 0 ? status : file_close(file);
}

int command_file_read(const struct arguments *arguments, struct reply *reply) {
    struct file *file;
    uint64_t length = arguments->at[2].number;
    int status = file_named(&arguments->at[0], &file);
    if (status < 0) {
        return status;
    }
    if (length > sizeof reply->bytes) {
        return STATUS_INVALID;
    }
    status = file_read(file, arguments->at[1].number, reply->bytes, length);
    if (status < 0) {
        return status;
    }
    reply_add(reply, VALUE_BYTES, "", length);
    return STATUS_OK;
}

int command_file_write(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    const struct argument *data = &arguments->at[2];
    struct file *file;
    int status = file_named(&arguments->at[0], &file);
    if (status < 0) {
        return status;
    }
    return file_write(file, arguments->at[1].number, data->bytes, data->number);
}

int command_file_sync(const struct arguments *arguments, struct reply *reply) {
    (void)reply;
    struct file *file;
    int status = file_named(&arguments->at[0], &file);
    return status < 0 ? status : file_sync(file);
}

int command_file_evict(const struct arguments *arguments, struct reply *reply) {
    uint64_t gone;
    int status = file_evict(arguments->at[0].number, &gone);
    if (status == STATUS_OK) {
        reply_add(reply, VALUE_DECIMAL, "", gone);
    }
    return status;
}
