/* argon2id against hashes that the reference's own command made. */
#include "base/str.h"
#include "login/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SALT  "c2FsdHNhbHQxMjM0NTY3OA"
#define BYTES "naGmQp5d9NsqOOSDi3rbZB+b+l9/x1dbCrZgZ7hR6Oo"
#define GOOD  "$argon2id$v=19$m=16384,t=2,p=1$" SALT "$" BYTES

static bool matches(const char *text, const char *password)
{
    struct hash hash;
    struct error error;
    if (!hash_parse(&hash, span_of(text), &error))
        fail_msg("%s: %s", text, error.text);
    bool good = hash_is_of(&hash, span_of(password), &error);
    assert_string_equal(error.text, "");
    return good;
}

static void hashes_of_the_reference_match(void **state)
{
    static const struct {
        const char *password, *hash;
    } rows[] = {
        {"ada-secret", GOOD},
        {"x y", "$argon2id$v=19$m=1024,t=3,p=4$" SALT "$"
                "TPel0rYB4AruFjqX+wTfS14VO6Xq0c0JuLQ625lenkk"},
        {"\xd0\xba\xd0\xbb\xd1\x8e\xd1\x87",
         "$argon2id$v=19$m=4096,t=1,p=2$MDEyMzQ1Njc4OWFiY2RlZg$sQ0uxupFV6AyMO9DNxDyE7O8gllbHv3v"},
        {"password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$"
                     "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_true(matches(rows[i].hash, rows[i].password));
        assert_false(matches(rows[i].hash, "passwore"));
        assert_false(matches(rows[i].hash, ""));
    }
}

static void what_is_printed_is_read(void **state)
{
    struct text first = {0}, second = {0};
    struct error error;
    (void)state;
    assert_true(hash_print(&first, SPAN("secret"), &error));
    assert_true(hash_print(&second, SPAN("secret"), &error));
    char *a = text_take(&first), *b = text_take(&second);
    assert_int_equal(strncmp(a, "$argon2id$v=19$m=19456,t=2,p=1$", 31), 0);
    assert_string_not_equal(a, b); /* each has a salt of its own */
    assert_true(matches(a, "secret"));
    assert_true(matches(b, "secret"));
    assert_false(matches(a, "secre"));
    free(a);
    free(b);
}

static void a_decoy_is_nobodys(void **state)
{
    struct hash hash;
    struct error error;
    (void)state;
    hash_decoy(&hash);
    assert_int_equal(hash.memory_kib, 19456);
    assert_int_equal(hash.passes, 2);
    assert_false(hash_is_of(&hash, SPAN(""), &error));
    assert_false(hash_is_of(&hash, SPAN("secret"), &error));
}

static void a_password_has_an_end(void **state)
{
    struct hash hash;
    struct error error;
    size_t n = (size_t)PASSWORD_BYTES_MAX + 1;
    char *password = must_alloc(n);
    (void)state;
    hash_decoy(&hash);
    memset(password, 'a', n);
    assert_false(hash_is_of(&hash, (struct span){password, n}, &error));
    assert_string_equal(error.text, "");
    free(password);
}

/* A line in a file must not take the machine, nor a malformed one the hub. */
static void other_hashes_are_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "$",
        "!",
        "secret",
        "$argon2id$v=19$",
        "$argon2id$v=19$m=16384,t=2,p=1",
        "$argon2id$v=19$m=16384,t=2,p=1$",
        "$argon2id$v=19$m=16384,t=2,p=1$" SALT,
        "$argon2id$v=19$m=16384,t=2,p=1$" SALT "$",
        "$argon2id$v=19$m=16384,t=2,p=1$$" BYTES,
        "$argon2id$v=19$m=16384,t=2,p=1$c2FsdA$" BYTES, /* a salt of 4 bytes */
        "$argon2id$v=19$m=16384,t=2,p=1$" SALT "$" SALT "$" SALT,
        "$argon2id$v=19$m=16384,t=2,p=1$" SALT "$naGmQp5d9NsqOOSDi3rbZB-b-l9_x1dbCrZgZ7hR6Oo",
        "$argon2id$v=19$m=16384,t=2,p=1$" SALT "$" BYTES "=",
        "$argon2id$v=19$m=16384,t=2,p=1$" SALT "$" BYTES " ",
        "$argon2id$v=19$m=16384,t=2,p=1$" SALT "$" BYTES BYTES BYTES, /* 96 bytes */
        "$argon2id$v=19$t=2,m=16384,p=1$" SALT "$" BYTES,
        "$argon2id$v=19$m=1000000000,t=2,p=1$" SALT "$" BYTES, /* a terabyte */
        "$argon2id$v=19$m=18446744073709551616,t=2,p=1$" SALT "$" BYTES,
        "$argon2id$v=19$m=262145,t=1,p=1$" SALT "$" BYTES,
        "$argon2id$v=19$m=262144,t=5,p=1$" SALT "$" BYTES, /* each in bounds, not the product */
        "$argon2id$v=19$m=16384,t=17,p=1$" SALT "$" BYTES,
        "$argon2id$v=19$m=16384,t=2,p=9$" SALT "$" BYTES,
        "$argon2id$v=19$m=16384,t=0,p=1$" SALT "$" BYTES,
        "$argon2id$v=19$m=16384,t=2,p=0$" SALT "$" BYTES,
        "$argon2id$v=19$m=7,t=2,p=1$" SALT "$" BYTES,
        "$argon2id$v=19$m=-1,t=2,p=1$" SALT "$" BYTES,
        "$argon2id$v=19$m=,t=2,p=1$" SALT "$" BYTES,
        "$argon2id$v=16$m=16384,t=2,p=1$" SALT "$" BYTES,
        "$argon2id$m=16384,t=2,p=1$" SALT "$" BYTES,
        "$argon2i$v=19$m=16384,t=2,p=1$" SALT "$" BYTES,
        "$2b$12$abcdefghijklmnopqrstuuN0p0eoWCXxTDzTSrVWpd9VXGoJDBf1a",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct hash hash;
        struct error error;
        if (hash_parse(&hash, span_of(texts[i]), &error))
            fail_msg("taken: %s", texts[i]);
        assert_null(strstr(error.text, "naGmQp5d"));
    }
}

/* Every text one byte away from a good one is refused or harmless; the sanitizers look. */
static void a_hash_with_a_byte_changed_is_harmless(void **state)
{
    char text[] = GOOD;
    (void)state;
    for (size_t i = 0; i < sizeof text - 1; i++) {
        char was = text[i];
        for (unsigned byte = 0; byte < 256; byte += 1) {
            struct hash hash;
            struct error error;
            text[i] = (char)byte;
            if (hash_parse(&hash, (struct span){text, sizeof text - 1}, &error)) {
                assert_in_range(hash.memory_kib, 8, HASH_MEMORY_MAX_KIB);
                assert_in_range(hash.salt_n, 8, HASH_BYTES_MAX);
                assert_in_range(hash.bytes_n, 16, HASH_BYTES_MAX);
            }
        }
        text[i] = was;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_of_the_reference_match),
        cmocka_unit_test(what_is_printed_is_read),
        cmocka_unit_test(a_decoy_is_nobodys),
        cmocka_unit_test(a_password_has_an_end),
        cmocka_unit_test(other_hashes_are_refused),
        cmocka_unit_test(a_hash_with_a_byte_changed_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
