#include "console/commands.h"

#include "cpu/features.h"
#include "cpu/panic.h"
#include "cpu/print.h"
#include "pmm/pmm.h"
#include "console/console.h"
#include "console/reply.h"

/* --- The console's own ---------------------------------------------------------------------- */

static int command_info(const struct arguments *arguments, struct reply *reply) {
    (void)arguments;
    uint64_t tasks = 0;
    for (const struct task *task = &boot_task; task != NULL; task = task->next) {
        tasks++;
    }
    reply_add(reply, VALUE_DECIMAL, "loader=multiboot",
              boot_info.loader == LOADER_MULTIBOOT1 ? 1 : 2);
    reply_add(reply, VALUE_DECIMAL, "physical_bits=", cpu_features.physical_bits);
    reply_add(reply, VALUE_DECIMAL, "gib_pages=", cpu_features.gib_pages ? 1 : 0);
    reply_add(reply, VALUE_DECIMAL, "managed=", pmm.managed_count);
    reply_add(reply, VALUE_DECIMAL, "free=", pmm_free_count());
    reply_add(reply, VALUE_DECIMAL, "tasks=", tasks);
    reply_add(reply, VALUE_DECIMAL, "current=t", current_task->id);
    return STATUS_OK;
}

static int command_echo_on(const struct arguments *arguments, struct reply *reply) {
    (void)arguments;
    (void)reply;
    console.echo = true;
    return STATUS_OK;
}

static int command_echo_off(const struct arguments *arguments, struct reply *reply) {
    (void)arguments;
    (void)reply;
    console.echo = false;
    return STATUS_OK;
}

static int command_poweroff(const struct arguments *arguments, struct reply *reply) {
    (void)arguments;
    reply_print(STATUS_OK, reply);
    machine_exit(EXIT_FINISHED);
}

/* --- All of them ---------------------------------------------------------------------------- */

struct command {
    const char *name;    /* one or two words */
    const char *pattern; /* the words that follow, see parse.h */
    int (*run)(const struct arguments *arguments, struct reply *reply);
    const char *help;
};

static int command_help(const struct arguments *arguments, struct reply *reply);

static const struct command commands[] = {
    {"help", "", command_help, "this list"},
    {"info", "", command_info, "loader, CPU, memory, tasks"},
    {"echo on", "", command_echo_on, "echo what is typed"},
    {"echo off", "", command_echo_off, "do not"},
    {"poweroff", "", command_poweroff, "leave QEMU, or halt"},
    {"ring", "", command_ring, "serve the ring in memory until told to stop"},

    {"pmm alloc", "[COUNT [ALIGN]]", command_pmm_alloc, "lowest free frame, or run of frames"},
    {"pmm alloc2m", "", command_pmm_alloc_2m, "lowest free 2 MiB block"},
    {"pmm free", "PA [COUNT]", command_pmm_free, "give back frames of the console's"},
    {"pmm info", "", command_pmm_info, "managed and free frames"},

    {"page new", "", command_page_new, "a bare root, without a task"},
    {"page delete", "ROOT", command_page_delete, "free it and its tables"},
    {"page map", "ROOT VA PA LENGTH SIZE FLAGS", command_page_map, "map with leaves of SIZE"},
    {"page unmap", "ROOT VA LENGTH", command_page_unmap, "unmap whole leaves"},
    {"page protect", "ROOT VA LENGTH FLAGS", command_page_protect, "new flags for whole leaves"},
    {"page query", "ROOT VA", command_page_query, "the leaf that maps VA"},

    {"vm alloc", "SPACE LENGTH KIND FLAGS [PLACE [OFFSET]]", command_vm_alloc,
     "a region in the lowest gap"},
    {"vm at", "SPACE VA LENGTH KIND FLAGS [PLACE [OFFSET]]", command_vm_at, "a region at VA"},
    {"vm free", "SPACE VA", command_vm_free, "free the region at VA"},
    {"vm protect", "SPACE VA FLAGS", command_vm_protect, "new flags for the region at VA"},
    {"vm resize", "SPACE VA LENGTH", command_vm_resize, "move the end of the region at VA"},
    {"vm query", "SPACE VA", command_vm_query, "the region that contains VA"},
    {"vm list", "SPACE", command_vm_list, "all regions"},
    {"vm read", "SPACE VA LENGTH", command_vm_read, "1 to 64 bytes"},
    {"vm write", "SPACE VA HEX", command_vm_write, "1 to 64 bytes"},
    {"vm copy", "SPACE VA SPACE VA LENGTH", command_vm_copy, "to the first from the second"},
    {"touch", "ROOT VA MODE", command_touch, "have the CPU read, write or execute a byte"},

    {"heap alloc", "BYTES", command_heap_alloc, "heap_alloc"},
    {"heap zalloc", "BYTES", command_heap_zalloc, "heap_zalloc"},
    {"heap align", "ALIGN BYTES", command_heap_align, "heap_align"},
    {"heap realloc", "VA BYTES", command_heap_realloc, "heap_realloc; VA 0 is none"},
    {"heap free", "VA", command_heap_free, "heap_free"},
    {"heap info", "", command_heap_info, "end, nodes and bytes used and free"},
    {"heap check", "", command_heap_check, "is every node as it must be?"},
    {"heap list", "", command_heap_list, "all nodes"},

    {"task new", "", command_task_new, "a task with an empty space"},
    {"task switch", "TASK", command_task_switch, "make it the current one"},
    {"task delete", "TASK", command_task_delete, "free it and its space"},
    {"task list", "", command_task_list, "all tasks"},

    {"disk list", "", command_disk_list, "all disks"},
    {"disk find", "NAME", command_disk_find, "the disk with that serial string"},
    {"disk info", "DISK", command_disk_info, "sectors"},
    {"disk read", "DISK SECTOR COUNT", command_disk_read, "the CRC-32 of some sectors"},
    {"disk write", "DISK SECTOR COUNT HEX", command_disk_write, "fill some sectors"},
    {"disk flush", "DISK", command_disk_flush, "have it keep what was written"},

    {"file list", "", command_file_list, "all open files"},
    {"file open", "NAME", command_file_open, "a member of the archive on the disk `data`"},
    {"file close", "FILE", command_file_close, "once; the last time, write what is dirty"},
    {"file read", "FILE OFFSET LENGTH", command_file_read, "1 to 64 bytes"},
    {"file write", "FILE OFFSET HEX", command_file_write, "1 to 64 bytes"},
    {"file sync", "FILE", command_file_sync, "write what is dirty"},
    {"file evict", "COUNT", command_file_evict, "put pages out of memory, the lowest first"},

    {"program load", "TASK MODULE [NUMBER]", command_program_load, "a module's program, to run"},
    {"program run", "TASK", command_program_run, "until it ends; others by turns"},

    {"slab new", "BYTES ALIGN", command_slab_new, "a cache of objects of one size"},
    {"slab delete", "CACHE", command_slab_delete, "a cache without objects"},
    {"slab alloc", "CACHE", command_slab_alloc, "an object of the cache"},
    {"slab free", "CACHE VA", command_slab_free, "free it"},
    {"slab list", "", command_slab_list, "all caches, and their slabs with live objects"},

    {"buddy alloc", "BYTES", command_buddy_alloc, "a block of a power of two"},
    {"buddy free", "VA", command_buddy_free, "free it"},
    {"buddy info", "", command_buddy_info, "bytes of the region; blocks in use, their bytes"},
    {"buddy list", "", command_buddy_list, "all free blocks, by order"},

    {"kmalloc alloc", "BYTES", command_kmalloc_alloc, "from the chain of heaps"},
    {"kmalloc free", "VA", command_kmalloc_free, "kfree"},

    {"object new", "LENGTH", command_object_new, "memory that regions can share"},
    {"object drop", "OBJECT", command_object_drop, "its handle; regions keep it"},
    {"object list", "", command_object_list, "all objects"},
    {"space clone", "SPACE SPACE", command_space_clone, "to the first, empty, from the second"},
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

/* Part of a line: what a person types for it. */
static void print_usage(const struct command *command) {
    print("%s%s%s", command->name, *command->pattern ? " " : "", command->pattern);
}

static int command_help(const struct arguments *arguments, struct reply *reply) {
    (void)arguments;
    (void)reply;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        print("  ");
        print_usage(&commands[i]);
        print(": %s\n", commands[i].help);
    }
    return STATUS_OK;
}

/* How many of `words` make up the name, or 0 if they begin with another one. */
static unsigned match_name(const char *name, const char *const *words, unsigned count) {
    for (unsigned used = 0; used < count; used++) {
        const char *word = words[used];
        while (*word != '\0' && *word == *name) {
            word++;
            name++;
        }
        if (*word != '\0' || (*name != '\0' && *name != ' ')) {
            return 0;
        }
        if (*name == '\0') {
            return used + 1;
        }
        name++;
    }
    return 0;
}

void command_perform(char *line) {
    struct reply reply = {0};
    const char *words[WORDS_MAX];
    unsigned count = parse_words(line, words);
    if (count == 0) {
        return;
    }
    const struct command *command = commands;
    unsigned named = 0;
    for (; command < commands + COMMAND_COUNT; command++) {
        named = match_name(command->name, words, count);
        if (named > 0) {
            break;
        }
    }
    if (named == 0) {
        reply_print(STATUS_SYNTAX, &reply);
        return;
    }
    struct arguments arguments;
    int status = parse_arguments(command->pattern, words + named, count - named, &arguments);
    if (status == STATUS_OK) {
        status = command->run(&arguments, &reply);
    }
    if (status == STATUS_SYNTAX) {
        print("err syntax usage: ");
        print_usage(command);
        print("\n");
    } else {
        reply_print(status, &reply);
    }
}

int command_perform_numbers(uint32_t number, const uint64_t *numbers,
                            const uint8_t bytes[BYTES_MAX], unsigned count, struct reply *reply) {
    if (number >= COMMAND_COUNT) {
        return STATUS_SYNTAX;
    }
    struct arguments arguments;
    int status = take_arguments(commands[number].pattern, numbers, bytes, count, &arguments);
    return status < 0 ? status : commands[number].run(&arguments, reply);
}
