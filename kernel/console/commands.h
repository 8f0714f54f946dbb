/*
 * The console's commands: one table (commands.c) of names, what words each takes, and what performs
 * it, and the commands that are the console's own; the rest is one function a command, in one file
 * a layer (commands_pmm.c and so on).
 *
 * A command function gets arguments that are all of their kinds, and an empty reply. It returns the
 * status and adds the values; who asked, a line or the ring, is not its business. SYNTAX means a
 * combination of words that the pattern could not forbid. Only lines for people are printed by the
 * commands themselves.
 */
#pragma once

#include "console/reply.h"

/* Perform one line, which is cut up, and print its reply; nothing if it has no words. */
void command_perform(char *line);

/*
 * Perform the command at that place in the table, with arguments as take_arguments reads them, into
 * an empty reply; lines for people go to the console. Errors: the command's; SYNTAX (no such
 * command, or arguments that no line could have).
 */
int command_perform_numbers(uint32_t number, const uint64_t *numbers,
                            const uint8_t bytes[BYTES_MAX], unsigned count, struct reply *reply);

int command_pmm_alloc(const struct arguments *arguments, struct reply *reply);
int command_pmm_alloc_2m(const struct arguments *arguments, struct reply *reply);
int command_pmm_free(const struct arguments *arguments, struct reply *reply);
int command_pmm_info(const struct arguments *arguments, struct reply *reply);

int command_page_new(const struct arguments *arguments, struct reply *reply);
int command_page_delete(const struct arguments *arguments, struct reply *reply);
int command_page_map(const struct arguments *arguments, struct reply *reply);
int command_page_unmap(const struct arguments *arguments, struct reply *reply);
int command_page_protect(const struct arguments *arguments, struct reply *reply);
int command_page_query(const struct arguments *arguments, struct reply *reply);

int command_vm_alloc(const struct arguments *arguments, struct reply *reply);
int command_vm_at(const struct arguments *arguments, struct reply *reply);
int command_vm_free(const struct arguments *arguments, struct reply *reply);
int command_vm_protect(const struct arguments *arguments, struct reply *reply);
int command_vm_resize(const struct arguments *arguments, struct reply *reply);
int command_vm_query(const struct arguments *arguments, struct reply *reply);
int command_vm_list(const struct arguments *arguments, struct reply *reply);
int command_vm_read(const struct arguments *arguments, struct reply *reply);
int command_vm_write(const struct arguments *arguments, struct reply *reply);
int command_vm_copy(const struct arguments *arguments, struct reply *reply);

int command_heap_alloc(const struct arguments *arguments, struct reply *reply);
int command_heap_zalloc(const struct arguments *arguments, struct reply *reply);
int command_heap_align(const struct arguments *arguments, struct reply *reply);
int command_heap_realloc(const struct arguments *arguments, struct reply *reply);
int command_heap_free(const struct arguments *arguments, struct reply *reply);
int command_heap_info(const struct arguments *arguments, struct reply *reply);
int command_heap_check(const struct arguments *arguments, struct reply *reply);
int command_heap_list(const struct arguments *arguments, struct reply *reply);

int command_touch(const struct arguments *arguments, struct reply *reply);
int command_task_new(const struct arguments *arguments, struct reply *reply);
int command_task_switch(const struct arguments *arguments, struct reply *reply);
int command_task_delete(const struct arguments *arguments, struct reply *reply);
int command_task_list(const struct arguments *arguments, struct reply *reply);

int command_disk_list(const struct arguments *arguments, struct reply *reply);
int command_disk_find(const struct arguments *arguments, struct reply *reply);
int command_disk_info(const struct arguments *arguments, struct reply *reply);
int command_disk_read(const struct arguments *arguments, struct reply *reply);
int command_disk_write(const struct arguments *arguments, struct reply *reply);
int command_disk_flush(const struct arguments *arguments, struct reply *reply);

int command_file_list(const struct arguments *arguments, struct reply *reply);
int command_file_open(const struct arguments *arguments, struct reply *reply);
int command_file_close(const struct arguments *arguments, struct reply *reply);
int command_file_read(const struct arguments *arguments, struct reply *reply);
int command_file_write(const struct arguments *arguments, struct reply *reply);
int command_file_sync(const struct arguments *arguments, struct reply *reply);
int command_file_evict(const struct arguments *arguments, struct reply *reply);
int command_program_load(const struct arguments *arguments, struct reply *reply);
int command_program_run(const struct arguments *arguments, struct reply *reply);
int command_slab_new(const struct arguments *arguments, struct reply *reply);
int command_slab_delete(const struct arguments *arguments, struct reply *reply);
int command_slab_alloc(const struct arguments *arguments, struct reply *reply);
int command_slab_free(const struct arguments *arguments, struct reply *reply);
int command_slab_list(const struct arguments *arguments, struct reply *reply);
int command_object_new(const struct arguments *arguments, struct reply *reply);
int command_object_drop(const struct arguments *arguments, struct reply *reply);
int command_object_list(const struct arguments *arguments, struct reply *reply);
int command_space_clone(const struct arguments *arguments, struct reply *reply);

int command_buddy_alloc(const struct arguments *arguments, struct reply *reply);
int command_buddy_free(const struct arguments *arguments, struct reply *reply);
int command_buddy_info(const struct arguments *arguments, struct reply *reply);
int command_buddy_list(const struct arguments *arguments, struct reply *reply);

int command_kmalloc_alloc(const struct arguments *arguments, struct reply *reply);
int command_kmalloc_free(const struct arguments *arguments, struct reply *reply);

int command_ring(const struct arguments *arguments, struct reply *reply); /* ring.c */
