#include "base/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL_BYTES = 1024 };

bool error_set(struct error *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return false;
}

void *must_alloc(size_t bytes)
{
    /* glibc's calloc passes its cache of freed blocks by; large ones come zeroed from the kernel */
    bool small = bytes <= SMALL_BYTES;
    void *memory = small ? malloc(bytes ? bytes : 1) : calloc(1, bytes);
    if (!memory) {
        fputs("hubgate: out of memory\n", stderr);
        abort();
    }
    return small ? memset(memory, 0, bytes) : memory;
}

char *must_copy_span(struct span text)
{
    char *copy = must_alloc(text.n + 1);
    if (text.n)
        memcpy(copy, text.p, text.n);
    return copy;
}

char *must_copy(const char *text)
{
    return must_copy_span((struct span){text, strlen(text)});
}
