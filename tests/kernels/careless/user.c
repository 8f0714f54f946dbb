/*
 * What a kernel does with its allocators: names in a list, a queue that grows, a table, messages in
 * frames, a window that frames are mapped at. All of it is right; the mutants here are not.
 */
#include "kernel.h"

#pragma GCC optimize("no-optimize-sibling-calls") /* who calls must be seen */

#define WINDOW 0x8000000000ull
#define APART  __attribute__((noinline)) /* so that findings are told by function */

struct name {
    struct name *next;
    size_t length;
    char text[]; /* with a NUL */
};

struct queue {
    size_t count, capacity;
    uint64_t *items;
};

struct message {
    uint32_t kind, sender;
    uint64_t words[4];
    const char *text;
};

static struct name *names;
static struct queue queue;
static volatile uint64_t sum; /* what is read must not be left out */

static size_t length_of(const char *text) {
    size_t length = 0;
    while (text[length]) {
        length++;
    }
    return length;
}

/* --- names ------------------------------------------------------------------------------------ */

APART static struct name *add_name(const char *text) {
    size_t length = length_of(text);
    struct name *name = kmalloc(sizeof(struct name) + length + 1);
    name->length = length;
    for (size_t i = 0; i <= length; i++) {
        name->text[i] = text[i];
    }
    name->next = names;
    names = name;
    return name;
}

APART static size_t count_letters(void) {
    size_t letters = 0;
    for (struct name *name = names; name; name = name->next) {
        letters += length_of(name->text);
    }
    return letters;
}

APART static void remove_name(struct name *gone) {
    struct name **link = &names;
    while (*link != gone) {
        link = &(*link)->next;
    }
    *link = gone->next;
    kfree(gone);
}

APART static void remove_all_names(void) {
    struct name *name = names;
    while (name) {
        struct name *next = name->next;
        kfree(name);
        name = next;
    }
    names = NULL;
}

static void use_names(void) {
    add_name("vmm");
    struct name *middle = add_name("frame allocator");
    add_name("sixteen letters!");
    sum += count_letters();
    remove_name(middle);
    sum += count_letters();
    remove_all_names();
}

/* --- a queue ---------------------------------------------------------------------------------- */

APART static void put(uint64_t item) {
    if (queue.count == queue.capacity) {
        queue.capacity = queue.capacity ? 2 * queue.capacity : 4;
        queue.items = krealloc(queue.items, queue.capacity * sizeof(uint64_t));
    }
    queue.items[queue.count++] = item;
}

APART static uint64_t last_of_queue(void) {
    return queue.items[queue.count - 1];
}

APART static void drop_queue(void) {
    kfree(queue.items);
    queue = (struct queue){};
}

static void use_queue(void) {
    for (uint64_t i = 0; i < 40; i++) {
        put(i);
        uint64_t *blocker = kmalloc(24); /* so that the queue has to move */
        blocker[0] = i;
        sum += last_of_queue() + blocker[0];
        kfree(blocker);
    }
    void *blocker = kmalloc(8);
    for (uint64_t i = 0; i < 40; i++) {
        put(i);
    }
    kfree(blocker);
    sum += last_of_queue();
    drop_queue();
}

/* --- a table ---------------------------------------------------------------------------------- */

APART static uint64_t *new_table(size_t entries) {
    return kzalloc(entries * sizeof(uint64_t));
}

APART static void fill_table(uint64_t *table, size_t entries) {
    for (size_t i = 0; i < entries; i += 2) {
        table[i] = i;
    }
}

APART static uint64_t sum_of_table(const uint64_t *table, size_t entries) {
    uint64_t result = 0;
    for (size_t i = 0; i < entries; i++) {
        result += table[i];
    }
    return result;
}

APART static void shift_table(uint64_t *table, size_t entries) {
    for (size_t i = entries - 1; i > 0; i--) {
        table[i] = table[i - 1];
    }
}

static void use_table(void) {
    void *before = kmalloc(48);
    uint64_t *table = new_table(21);
    void *behind = kmalloc(48);
    fill_table(table, 21);
    shift_table(table, 21);
    sum += sum_of_table(table, 21);
    kfree(before);
    kfree(behind);
    kfree(table);
}

/* --- messages --------------------------------------------------------------------------------- */

APART static struct message *new_message(uint32_t kind, const char *text) {
    struct message *message = kmalloc(sizeof(struct message));
    message->kind = kind;
    message->sender = 1;
    for (size_t i = 0; i < 4; i++) {
        message->words[i] = i;
    }
    message->text = text;
    return message;
}

APART static uint64_t read_message(const struct message *message) {
    return message->kind + message->sender + message->words[3] + length_of(message->text);
}

APART static struct message *copy_message(const struct message *message) {
    struct message *copy = kmalloc(sizeof(struct message));
    memcpy(copy, message, sizeof(struct message));
    return copy;
}

static void use_messages(void) {
    struct message *message = new_message(3, "hello");
    struct message *copy = copy_message(message);
    sum += read_message(copy);
    kfree(message);
    sum += read_message(copy);
    kfree(copy);
}

/* --- blocks side by side ---------------------------------------------------------------------- */

APART static void use_neighbours(void) {
    uint64_t *blocks[8];
    for (size_t i = 0; i < 8; i++) {
        blocks[i] = kzalloc(64);
    }
    kfree(blocks[2]);
    blocks[2] = kzalloc(64); /* the same place, between two others */
    uint64_t *small = kzalloc(16), *fence = kzalloc(16);
    kfree(blocks[4]);
    uint64_t *moved = krealloc(small, 64); /* into the gap */
    moved[7] = 1;
    fence[1] = 1;
    moved = krealloc(moved, 80); /* out of it again */
    moved[9] = 1;
    kfree(fence);
    for (size_t i = 0; i < 8; i++) {
        if (i != 4) {
            sum += blocks[i][7];
            kfree(blocks[i]);
        }
    }
    kfree(moved);
}

/* --- an aligned buffer ------------------------------------------------------------------------ */

APART static void use_buffer(void) {
    uint8_t *buffer = kmemalign(256, 200);
    memset(buffer, 7, 200);
    sum += buffer[199];
    kfree(buffer);
}

/* --- frames ----------------------------------------------------------------------------------- */

APART static void fill_frame(uint64_t frame, uint64_t value) {
    uint64_t *words = at_physical(frame);
    for (size_t i = 0; i < PAGE_SIZE / sizeof(uint64_t); i++) {
        words[i] = value;
    }
}

APART static uint64_t first_word(uint64_t frame) {
    return *(volatile uint64_t *)at_physical(frame);
}

APART static void use_frames(void) {
    uint64_t frames[20];
    for (size_t i = 0; i < 20; i++) { /* so that it is seen how the direct map lies */
        frames[i] = frame_alloc();
        fill_frame(frames[i], i);
    }
    for (size_t i = 0; i < 20; i++) {
        sum += first_word(frames[i]);
        frame_free(frames[i]);
    }
}

APART static void use_run(void) {
    uint64_t first = frames_alloc(4, PAGE_SIZE);
    uint64_t other = frame_alloc();
    for (size_t i = 0; i < 4; i++) {
        fill_frame(first + i * PAGE_SIZE, i);
    }
    fill_frame(other, 9);
    frames_free(first, 4);
    sum += first_word(other);
    frame_free(other);
}

APART static void write_window(uint64_t value) {
    *(volatile uint64_t *)WINDOW = value;
}

APART static void use_window(void) {
    for (uint64_t i = 0; i < 3; i++) {
        uint64_t frame = frame_alloc();
        map_page(kernel_root(), WINDOW, frame, PAGE_WRITE | PAGE_NO_EXECUTE);
        write_window(i);
        unmap_page(kernel_root(), WINDOW);
        frame_free(frame);
    }
}

/* --- a large block where small ones were ------------------------------------------------------ */

#define LARGE 100003

APART static void use_large(void) {
    uint8_t *small[300];
    for (size_t i = 0; i < 300; i++) {
        small[i] = kzalloc(400);
    }
    for (size_t i = 0; i < 300; i++) {
        kfree(small[i]);
    }
    uint8_t *large = kmalloc(LARGE);
    memset(large, 7, LARGE);
    sum += large[LARGE - 1];
    kfree(large);
}

/* --- all -------------------------------------------------------------------------------------- */

void use_all(void) {
    for (int round = 0; round < 2; round++) {
        use_neighbours();
        use_names();
        use_queue();
        use_table();
        use_messages();
        use_buffer();
        use_frames();
        use_run();
        use_window();
        use_large();
    }
}
