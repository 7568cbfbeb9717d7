/* What a text that a user wrote has to look like: a regular expression as Python has them, which is
 * what KubeSpawner's validation_regex is, matched by the C library's. The library takes time and
 * memory by the lengths of both alone, unlike a backtracking one, so that no text holds the hub up;
 * what is repeated a number of times counts as often. */
#ifndef HUB_PATTERN_H
#define HUB_PATTERN_H

#include "base/text.h"

enum {
    PATTERN_BYTES_MAX = 1024,
    PATTERN_TEXT_MAX = 512,
    PATTERN_WEIGHT_MAX = 2048, /* characters, with what is repeated written out */
    PATTERN_DEPTH_MAX = 32
};

/* The same expression in the library's dialect (POSIX extended), behind what *posix has. What that
 * cannot say, looking around, back references, is refused, as is what is no expression: *why. */
bool pattern_read(struct text *posix, const char *python, struct error *why) MUST_CHECK;
/* Whether an expression of pattern_read matches the whole text, of PATTERN_TEXT_MAX bytes at most.
 */
bool pattern_matches(const char *posix, const char *text);

#endif
