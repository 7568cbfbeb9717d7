/* What every room may use: a span of bytes, an error text, a few macros. */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT(array)                 (sizeof(array) / sizeof((array)[0]))
#define CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define MUST_CHECK                   __attribute__((warn_unused_result))
#define PRINTF(fmt, args)            __attribute__((format(printf, fmt, args)))

/* Bytes that belong to somebody else. Not terminated. */
struct span {
    const char *p;
    size_t n;
};

/* Why something failed, as one line for a person: names the flag or file. */
struct error {
    char text[512];
};

/* Writes the text and returns false, so that a function can end with `return error_set(…)`. */
bool error_set(struct error *error, const char *format, ...) PRINTF(2, 3);

/* Memory for the process's own small things. Ends the process when there is none: never sized by
 * a peer. Zeroed. */
void *must_alloc(size_t bytes);
char *must_copy(const char *text);
char *must_copy_span(struct span text);

#endif
