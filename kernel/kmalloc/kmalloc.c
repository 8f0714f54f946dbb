#include "kmalloc/kmalloc.h"

#include "base/layout.h"
#include "base/option.h"
#include "buddy/buddy.h"
#include "cpu/panic.h"
#include "heap/heap.h"

struct chain chain;

static bool word_is(const char *word, size_t length, const char *name) {
    size_t i = 0;
    while (i < length && name[i] == word[i]) { /* name's NUL is never in the word */
        i++;
    }
    return i == length && name[i] == '\0';
}

/* "kmalloc-" and a size of at most three digits. */
static void name_cache(char name[SLAB_NAME_MAX], uint64_t size) {
    static const char prefix[] = "kmalloc-";
    unsigned at = 0;
    for (; prefix[at] != '\0'; at++) {
        name[at] = prefix[at];
    }
    for (uint64_t unit = size >= 100 ? 100 : size >= 10 ? 10 : 1; unit > 0; unit /= 10) {
        name[at++] = (char)('0' + size / unit % 10);
    }
    name[at] = '\0';
}

static void front_init(void) {
    static const uint16_t sizes[KMALLOC_CLASSES] = KMALLOC_SIZES;
    uint64_t units = 0;
    chain.small = KMALLOC_SMALL;
    for (uint8_t class = 0; class < KMALLOC_CLASSES; class++) {
        char name[SLAB_NAME_MAX];
        name_cache(name, sizes[class]);
        uint64_t alignment = sizes[class] < 16 ? SLAB_ALIGN_MIN : 16;
        int status = slab_cache_create(&chain.caches[class], name, sizes[class], alignment);
        ASSERT(status == STATUS_OK);
        for (; units <= sizes[class] / KMALLOC_UNIT; units++) {
            chain.class_of[units] = class;
        }
    }
}

void kmalloc_init(const char *command_line) {
    const char *word = option_find(command_line, "heap=");
    size_t length = word ? option_length(word) : 0;
    bool list = word && word_is(word, length, "list");
    bool buddy_alone = word && word_is(word, length, "buddy");
    chain.buddy = buddy_alone || (word && word_is(word, length, "slab+buddy"));
    if (!list && !buddy_alone) {
        front_init();
    }
}

/* Out of the way, as what follows: the front is what is quick. */
__attribute__((noinline)) static void *back_alloc(size_t size) {
    if (!chain.buddy) {
        return heap_alloc(size);
    }
    void *block;
    return buddy_alloc(size, &block) == STATUS_OK ? block : NULL;
}

void *kmalloc(size_t size) {
    if (size - 1 >= chain.small) {
        return back_alloc(size);
    }
    void *object;
    uint64_t class = chain.class_of[(size + KMALLOC_UNIT - 1) / KMALLOC_UNIT];
    return slab_alloc(&chain.caches[class], &object) == STATUS_OK ? object : NULL;
}

int kfree(void *pointer) {
    if (chain.small && (vaddr_t)pointer - DIRECT_MAP_BASE < DIRECT_MAP_SIZE) {
        return slab_free_any(chain.caches, sizeof(chain.caches), pointer);
    }
    if (!pointer) {
        return STATUS_OK;
    }
    return chain.buddy ? buddy_free(pointer) : heap_free(pointer);
}
