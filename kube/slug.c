#include "kube/slug.h"

#include "base/str.h"
#include "tls/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HASH_BYTES = 4, HASH_CHARS = 2 * HASH_BYTES, MARK_CHARS = 3 /* "---" */ };

static bool is_small(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alphanumeric(char c)
{
    return is_small(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

static bool is_object_name(struct span name)
{
    if (name.n == 0 || name.n > SLUG_NAME_MAX || !is_small(name.p[0]) || name.p[name.n - 1] == '-')
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!is_small(name.p[i]) && !is_digit(name.p[i]) && name.p[i] != '-')
            return false;
    return true;
}

static bool is_label(struct span name)
{
    if (name.n == 0)
        return true;
    if (name.n > SLUG_NAME_MAX || !is_alphanumeric(name.p[0]) ||
        !is_alphanumeric(name.p[name.n - 1]))
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!is_alphanumeric(name.p[i]) && !strchr("-._", name.p[i]))
            return false;
    return true;
}

/* Could be taken for a slug of another name. */
static bool has_mark(struct span name)
{
    for (size_t i = 1; i < name.n; i++)
        if (name.p[i - 1] == '-' && name.p[i] == '-')
            return true;
    return false;
}

/* Takes one character off the name's front: its lower case if that is an ASCII letter or begins
 * with one (the Kelvin sign and the I with a dot do), a digit, or 0 for any other. */
static char take_character(struct span *name)
{
    static const struct {
        struct span upper;
        char lower;
    } odd[] = {{WORD("\xe2\x84\xaa"), 'k'}, {WORD("\xc4\xb0"), 'i'}};
    size_t n = utf8_sequence(*name);
    struct span one = {name->p, n ? n : 1};
    name->p += one.n;
    name->n -= one.n;
    for (size_t i = 0; i < COUNT(odd); i++)
        if (span_is(one, odd[i].upper))
            return odd[i].lower;
    if (one.n != 1 || !is_alphanumeric(*one.p))
        return 0;
    return *one.p >= 'A' && *one.p <= 'Z' ? (char)(*one.p | 0x20) : *one.p;
}

/* At most max characters of the name, fit for the start of an object's name: each run of others is
 * one '-', none at the ends. Returns how many. */
static size_t keep_safe(struct span name, size_t max, char *out)
{
    size_t n = 0;
    bool gap = false;
    while (name.n > 0 && n < max) {
        bool dot = name.n >= 2 && memcmp(name.p, "\xc4\xb0", 2) == 0;
        char c = take_character(&name);
        if (c && gap && n > 0)
            out[n++] = '-';
        gap = !c || dot; /* the dot of that I stays behind, as a mark of its own */
        if (c && n < max)
            out[n++] = c;
    }
    while (n > 0 && out[n - 1] == '-')
        n--;
    if (n > 0 && !is_small(out[0])) {
        n = n < max - 2 ? n : max - 2;
        memmove(out + 2, out, n);
        memcpy(out, "x-", 2);
        n += 2;
    }
    if (n == 0)
        out[n++] = 'x';
    return n;
}

static void keep_and_hash(struct span name, size_t max, char *out)
{
    char hash[HASH_CHARS + 1];
    size_t n = keep_safe(name, max - MARK_CHARS - HASH_CHARS, out);
    digest_hex(name, HASH_BYTES, hash);
    snprintf(out + n, SLUG_ROOM - n, "---%s", hash);
}

static void copy(struct span name, char *out)
{
    if (name.n > 0)
        memcpy(out, name.p, name.n);
    out[name.n] = 0;
}

void slug_of(struct span name, char out[static SLUG_ROOM])
{
    if (is_object_name(name) && name.n <= SLUG_MAX && !has_mark(name))
        copy(name, out);
    else
        keep_and_hash(name, SLUG_MAX, out);
}

void slug_label(struct span name, char out[static SLUG_ROOM])
{
    if (is_label(name) && !has_mark(name))
        copy(name, out);
    else
        keep_and_hash(name, SLUG_LABEL_MAX, out);
}

/* Both share what one hash leaves. 0xFF, no byte of UTF-8, keeps "a" "bc" from "ab" "c". */
static void pair_and_hash(struct span user, struct span server, char *out)
{
    enum { SHARE = (SLUG_MAX - HASH_CHARS - 1) / 2 - 2 };
    struct text both = {0};
    char hash[HASH_CHARS + 1];
    text_add(&both, user);
    text_add(&both, SPAN("\xff"));
    text_add(&both, server);
    digest_hex((struct span){both.p, both.n}, HASH_BYTES, hash);
    text_release(&both);
    size_t n = keep_safe(user, SHARE, out);
    memcpy(out + n, "--", 2);
    n += 2;
    n += keep_safe(server, SHARE, out + n);
    snprintf(out + n, SLUG_ROOM - n, "---%s", hash);
}

void slug_user_server(struct span user, struct span server, char out[static SLUG_ROOM])
{
    char first[SLUG_ROOM], second[SLUG_ROOM] = "";
    slug_of(user, first);
    if (server.n > 0)
        slug_of(server, second);
    /* The two characters between count without a server too: so do KubeSpawner's. */
    if (strlen(first) + strlen(second) + 2 > SLUG_MAX)
        pair_and_hash(user, server, out);
    else
        snprintf(out, SLUG_ROOM, server.n > 0 ? "%s--%s" : "%s", first, second);
}

void slug_escaped(struct span name, struct text *out)
{
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (is_small(name.p[i]) || is_digit(name.p[i]))
            text_add(out, (struct span){name.p + i, 1});
        else
            text_format(out, "-%02x", c);
    }
}
