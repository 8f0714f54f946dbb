#include "console/parse.h"

#include "base/string.h"
#include "cpu/access.h"

const char *const vm_kind_names[VM_KIND_COUNT] = {
    [VM_ANONYMOUS] = "anonymous", [VM_DEMAND] = "demand", [VM_PHYSICAL] = "physical",
    [VM_GUARD] = "guard",         [VM_SHARED] = "shared", [VM_PRIVATE] = "private",
};

const char *const cache_mode_names[CACHE_MODES] = {"wb", "wt", "uc-", "uc", "wc"};

unsigned parse_words(char *line, const char *words[WORDS_MAX]) {
    unsigned count = 0;
    char *at = line;
    while (count < WORDS_MAX) {
        while (*at == ' ') {
            *at++ = '\0';
        }
        if (*at == '\0') {
            break;
        }
        words[count++] = at;
        while (*at != ' ' && *at != '\0') {
            at++;
        }
    }
    return count;
}

/* The value of a digit in bases up to 16, or 16 if it is none. */
static unsigned digit_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return 16;
}

static bool parse_digits(const char *text, unsigned base, uint64_t *number) {
    if (*text == '\0') {
        return false;
    }
    uint64_t value = 0;
    for (; *text != '\0'; text++) {
        unsigned digit = digit_value(*text);
        if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit, &value)) {
            return false;
        }
    }
    *number = value;
    return true;
}

static bool parse_number(const char *text, struct argument *argument) {
    bool hexadecimal = text[0] == '0' && text[1] == 'x';
    return hexadecimal ? parse_digits(text + 2, 16, &argument->number)
                       : parse_digits(text, 10, &argument->number);
}

/* A letter and a decimal number: t1. */
static bool parse_numbered(char letter, const char *text, struct argument *argument) {
    return text[0] == letter && parse_digits(text + 1, 10, &argument->number);
}

static bool parse_task(const char *text, struct argument *argument) {
    argument->handle = HANDLE_TASK;
    return parse_numbered('t', text, argument);
}

static bool parse_space(const char *text, struct argument *argument) {
    if (strings_equal(text, "kernel")) {
        argument->handle = HANDLE_KERNEL;
        return true;
    }
    return parse_task(text, argument);
}

static bool parse_root(const char *text, struct argument *argument) {
    if (text[0] == 'r') {
        argument->handle = HANDLE_ROOT;
        return parse_numbered('r', text, argument);
    }
    return parse_space(text, argument);
}

/* Which of `names` the text is. */
static bool parse_name(const char *text, const char *const *names, unsigned count,
                       uint64_t *number) {
    for (unsigned i = 0; i < count; i++) {
        if (strings_equal(text, names[i])) {
            *number = i;
            return true;
        }
    }
    return false;
}

static bool parse_flags(const char *text, struct argument *argument) {
    static const struct {
        char letter;
        uint32_t flag;
    } letters[] = {
        {'r', 0}, {'w', PAGE_WRITE}, {'x', PAGE_EXEC}, {'u', PAGE_USER}, {'g', PAGE_GLOBAL},
    };
    if (*text != 'r') {
        return false;
    }
    argument->number = 0;
    for (unsigned i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        if (*text == letters[i].letter) {
            argument->number |= letters[i].flag;
            text++;
        }
    }
    if (*text == '\0') {
        return true;
    }
    uint64_t mode;
    if (*text != ':' || !parse_name(text + 1, cache_mode_names, CACHE_MODES, &mode)) {
        return false;
    }
    argument->number |= mode * PAGE_CACHE_WT;
    return true;
}

static bool parse_kind(const char *text, struct argument *argument) {
    return parse_name(text, vm_kind_names, VM_KIND_COUNT, &argument->number);
}

static bool parse_size(const char *text, struct argument *argument) {
    static const char *const names[] = {"4k", "2m", "1g"};
    static const uint64_t sizes[] = {PAGE_SIZE_4K, PAGE_SIZE_2M, PAGE_SIZE_1G};
    uint64_t which;
    if (!parse_name(text, names, 3, &which)) {
        return false;
    }
    argument->number = sizes[which];
    return true;
}

static bool parse_mode(const char *text, struct argument *argument) {
    static const char *const names[] = {
        [ACCESS_READ] = "r", [ACCESS_WRITE] = "w", [ACCESS_EXECUTE] = "x"};
    return parse_name(text, names, 3, &argument->number);
}

static bool parse_hex(const char *text, struct argument *argument) {
    size_t length = strlen(text);
    if (length == 0 || length % 2 != 0 || length > 2 * BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < length / 2; i++) {
        unsigned high = digit_value(text[2 * i]);
        unsigned low = digit_value(text[2 * i + 1]);
        if (high > 15 || low > 15) {
            return false;
        }
        argument->bytes[i] = high << 4 | low;
    }
    argument->number = length / 2;
    return true;
}

static bool parse_disk(const char *text, struct argument *argument) {
    return parse_numbered('d', text, argument);
}

static bool parse_file(const char *text, struct argument *argument) {
    return parse_numbered('f', text, argument);
}

static bool parse_object(const char *text, struct argument *argument) {
    return parse_numbered('o', text, argument);
}

/* Where a region's pages are: at a physical address, or in an object. */
static bool parse_place(const char *text, struct argument *argument) {
    argument->handle = text[0] == 'o' ? HANDLE_OBJECT : HANDLE_KERNEL;
    return parse_object(text, argument) || parse_number(text, argument);
}

static bool take_number(uint64_t number, const uint8_t *bytes, struct argument *argument) {
    (void)bytes;
    argument->number = number;
    return true;
}

static bool take_root(uint64_t number, const uint8_t *bytes, struct argument *argument) {
    (void)bytes;
    argument->handle = number & ((1 << HANDLE_BITS) - 1);
    argument->number = number >> HANDLE_BITS;
    return argument->handle <= HANDLE_ROOT;
}

static bool take_space(uint64_t number, const uint8_t *bytes, struct argument *argument) {
    return take_root(number, bytes, argument) && argument->handle != HANDLE_ROOT;
}

static bool take_task(uint64_t number, const uint8_t *bytes, struct argument *argument) {
    return take_root(number, bytes, argument) && argument->handle == HANDLE_TASK;
}

static bool take_place(uint64_t number, const uint8_t *bytes, struct argument *argument) {
    argument->handle = HANDLE_KERNEL;
    return take_number(number, bytes, argument);
}

static bool take_flags(uint64_t number, const uint8_t *bytes, struct argument *argument) {
    uint64_t mode = (number & PAGE_CACHE_MASK) / PAGE_CACHE_WT;
    return take_number(number, bytes, argument) && number <= PAGE_FLAGS_ALL && mode < CACHE_MODES;
}

static bool take_kind(uint64_t number, const uint8_t *bytes, struct argument *argument) {
    return take_number(number, bytes, argument) && number < VM_KIND_COUNT;
}

static bool take_size(uint64_t number, const uint8_t *bytes, struct argument *argument) {
    return take_number(number, bytes, argument) &&
           (number == PAGE_SIZE_4K || number == PAGE_SIZE_2M || number == PAGE_SIZE_1G);
}

static bool take_mode(uint64_t number, const uint8_t *bytes, struct argument *argument) {
    return take_number(number, bytes, argument) && number <= ACCESS_EXECUTE;
}

static bool take_hex(uint64_t number, const uint8_t *bytes, struct argument *argument) {
    if (number == 0 || number > BYTES_MAX) {
        return false;
    }
    memcpy(argument->bytes, bytes, number);
    return take_number(number, bytes, argument);
}

static bool take_name(uint64_t number, const uint8_t *bytes, struct argument *argument) {
    for (uint64_t i = 0; i < number && i < BYTES_MAX; i++) {
        if (bytes[i] <= ' ' || bytes[i] > '~') {
            return false;
        }
    }
    memset(argument->bytes, 0, sizeof argument->bytes);
    argument->end = '\0';
    return take_hex(number, bytes, argument);
}

static bool parse_name_word(const char *text, struct argument *argument) {
    return take_name(strlen(text), (const uint8_t *)text, argument);
}

/* What reads an argument: from a word, or from a number. False: it has no meaning there. */
struct reader {
    const char *name;
    bool (*parse)(const char *text, struct argument *argument);
    bool (*take)(uint64_t number, const uint8_t *bytes, struct argument *argument);
};

/* The reader of a word called `name`, which is `length` characters of a pattern. */
static const struct reader *reader_for(const char *name, size_t length) {
    static const struct reader any = {"", parse_number, take_number};
    static const struct reader readers[] = {
        {"SPACE", parse_space, take_space}, {"ROOT", parse_root, take_root},
        {"TASK", parse_task, take_task},    {"FLAGS", parse_flags, take_flags},
        {"KIND", parse_kind, take_kind},    {"SIZE", parse_size, take_size},
        {"MODE", parse_mode, take_mode},    {"HEX", parse_hex, take_hex},
        {"DISK", parse_disk, take_number},  {"NAME", parse_name_word, take_name},
        {"FILE", parse_file, take_number},  {"OBJECT", parse_object, take_number},
        {"PLACE", parse_place, take_place},
    };
    for (unsigned i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        if (strlen(readers[i].name) == length && memcmp(readers[i].name, name, length) == 0) {
            return &readers[i];
        }
    }
    return &any;
}

/* What a command is given: `count` words, or else as many numbers, and bytes for one of them. */
struct given {
    unsigned count;
    bool typed; /* words */
    const char *const *words;
    const uint64_t *numbers;
    const uint8_t *bytes;
};

static bool read_argument(const struct reader *reader, const struct given *given, unsigned at,
                          struct argument *argument) {
    return given->typed ? reader->parse(given->words[at], argument)
                        : reader->take(given->numbers[at], given->bytes, argument);
}

static int read_arguments(const char *pattern, const struct given *given,
                          struct arguments *arguments) {
    unsigned read = 0;
    bool optional = false;
    const char *at = pattern;
    for (;;) {
        while (*at == ' ' || *at == '[' || *at == ']') {
            optional = optional || *at == '[';
            at++;
        }
        if (*at == '\0' || read == given->count) {
            break;
        }
        const char *name = at;
        while (*at >= 'A' && *at <= 'Z') {
            at++;
        }
        const struct reader *reader = reader_for(name, at - name);
        if (read == ARGUMENTS_MAX || !read_argument(reader, given, read, &arguments->at[read])) {
            return STATUS_SYNTAX;
        }
        read++;
    }
    arguments->count = read;
    bool too_few = *at != '\0' && !optional;
    return too_few || read < given->count ? STATUS_SYNTAX : STATUS_OK;
}

int parse_arguments(const char *pattern, const char *const *words, unsigned count,
                    struct arguments *arguments) {
    const struct given given = {.count = count, .typed = true, .words = words};
    return read_arguments(pattern, &given, arguments);
}

int take_arguments(const char *pattern, const uint64_t *numbers, const uint8_t bytes[BYTES_MAX],
                   unsigned count, struct arguments *arguments) {
    const struct given given = {.count = count, .numbers = numbers, .bytes = bytes};
    return read_arguments(pattern, &given, arguments);
}
