/*
 * Files: members of the USTAR archive on the disk whose serial string is `data`, through a page
 * cache. They are read and written in place, and never grow.
 *
 * An open file has an index, one frame with an entry for each of its pages: the frame that holds
 * the page, if it is in memory, and whether that is dirty. A page is read when it is first needed;
 * however often a file is opened, there is one frame for a page of it. Dirty pages are written by
 * file_sync, by file_evict and by the last file_close; adjacent ones go in one request. What is
 * clean is on the disk byte for byte; past the end of the file a page is zeros.
 *
 * Shortcoming: one index frame serves FILE_PAGES_MAX pages, so a longer member cannot be opened;
 * opening walks all of the archive's headers.
 *
 * archive.c finds members, cache.c has the pages, file.c what is done with them.
 */
#pragma once

#include "file/cache.h"

#define FILES_MAX 16

extern struct file files[FILES_MAX];

/*
 * Open the member with that name; a file that is open already is open once more. Its index is one
 * frame, taken first. Errors, nothing changed, in this order:
 *   NOT_FOUND     there is no disk `data`
 *   NO_SPACE      FILES_MAX others are open
 *   NO_MEMORY
 *   IO            the disk failed
 *   CORRUPT       it holds no archive, or one that is cut off; two members have that name
 *   NOT_FOUND     there is no such member, or it is no regular file
 *   OUT_OF_RANGE  it is longer than FILE_PAGES_MAX pages
 */
int file_open(const char *name, struct file **file);

/* Whether a file on a disk is open, so that nobody else may write to that. */
bool file_on_disk(const struct disk *disk);

/*
 * Close a file once; with the last time, what is dirty is written, and its frames are given back.
 * Errors: IO (it is still open; what was written until then is clean).
 */
int file_close(struct file *file);

/*
 * Read and write bytes of a file. Pages that are missing are read first, ascending, a request for
 * as many adjacent ones as it takes. Errors, nothing changed, in this order: INVALID (length 0);
 * OUT_OF_RANGE (past the end, or it wraps); DENIED (writing to a disk that is read-only); NO_MEMORY
 * (fewer free frames than missing pages); IO.
 */
int file_read(struct file *file, uint64_t offset, void *buffer, uint64_t length);
int file_write(struct file *file, uint64_t offset, const void *buffer, uint64_t length);

/*
 * Write all dirty pages, ascending, then flush the disk. Errors: IO (what was written until then is
 * clean, the rest is dirty still).
 */
int file_sync(struct file *file);

/*
 * Put up to `count` pages out of memory: those of the first file first, the lowest first. Each file
 * is synced before its first dirty page goes. How many went is in *gone. Errors: IO (those that
 * went are gone, all others are there).
 */
int file_evict(uint64_t count, uint64_t *gone);
