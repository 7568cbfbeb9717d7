#include "login/hash.h"

#include "base/encode.h"
#include "base/str.h"
#include "tls/digest.h"

#include <argon2.h>
#include <string.h>
#include <sys/mman.h>

enum { MEMORY_KIB = 19 * 1024, PASSES = 2, LANES = 1, SALT_BYTES = 16, HASH_BYTES = 32 };
enum { SALT_BYTES_MIN = 8, HASH_BYTES_MIN = 16 };

static int take_memory(uint8_t **memory, size_t bytes);
static void give_memory(uint8_t *memory, size_t bytes);

/* Base64 with the alphabet of RFC 4648 4, unpadded, by way of that of 5. */
static bool decode(struct span text, unsigned char out[static HASH_BYTES_MAX], uint32_t bytes_min,
                   uint32_t *n)
{
    char url[(HASH_BYTES_MAX + 2) / 3 * 4], bytes[HASH_BYTES_MAX + 2];
    if (text.n > sizeof url)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '-' || c == '_')
            return false;
        url[i] = (char)(c == '+' ? '-' : c == '/' ? '_' : c);
    }
    ptrdiff_t length = base64url_decode((struct span){url, text.n}, bytes);
    if (length < (ptrdiff_t)bytes_min || length > HASH_BYTES_MAX)
        return false;
    memcpy(out, bytes, (size_t)length);
    *n = (uint32_t)length;
    return true;
}

static void encode(struct text *text, const unsigned char *bytes, size_t n)
{
    size_t from = text->n;
    text_base64(text, (struct span){(const char *)bytes, n});
    while (text->n > from && text->p[text->n - 1] == '=') /* argon2's own form has no padding */
        text->n--;
}

/* "m=19456" and its like, with the comma or dollar after it cut off. */
static bool take_number(struct span *rest, char name, char mark, uint32_t max, uint32_t *value)
{
    uint64_t number = 0;
    struct span part = span_cut(*rest, mark, rest);
    if (part.n < 3 || part.p[0] != name || part.p[1] != '=' ||
        !span_number((struct span){part.p + 2, part.n - 2}, max, &number))
        return false;
    *value = (uint32_t)number;
    return true;
}

static bool is_within_bounds(const struct hash *hash)
{
    return hash->passes >= 1 && hash->lanes >= 1 && hash->memory_kib >= 8 * hash->lanes &&
           (uint64_t)hash->memory_kib * hash->passes <= HASH_WORK_MAX_KIB;
}

bool hash_parse(struct hash *hash, struct span text, struct error *error)
{
    struct span rest, start = SPAN("$argon2id$v=19$");
    if (text.n > HASH_TEXT_MAX || text.n < start.n || memcmp(text.p, start.p, start.n) != 0)
        return error_set(error, "no argon2id hash of version 19");
    rest = (struct span){text.p + start.n, text.n - start.n};
    if (!take_number(&rest, 'm', ',', HASH_MEMORY_MAX_KIB, &hash->memory_kib) ||
        !take_number(&rest, 't', ',', HASH_PASSES_MAX, &hash->passes) ||
        !take_number(&rest, 'p', '$', HASH_LANES_MAX, &hash->lanes) || !is_within_bounds(hash))
        return error_set(error, "an argon2id hash that asks for too much or too little: at most "
                                "m=262144, t=16, p=8, and m times t at most 1048576");
    struct span bytes, salt = span_cut(rest, '$', &bytes);
    if (!decode(salt, hash->salt, SALT_BYTES_MIN, &hash->salt_n) ||
        !decode(bytes, hash->bytes, HASH_BYTES_MIN, &hash->bytes_n))
        return error_set(error, "an argon2id hash whose salt or hash is malformed");
    return true;
}

static void set_out(struct hash *hash)
{
    *hash = (struct hash){.memory_kib = MEMORY_KIB,
                          .passes = PASSES,
                          .lanes = LANES,
                          .salt_n = SALT_BYTES,
                          .bytes_n = HASH_BYTES};
    random_fill(hash->salt, hash->salt_n);
}

void hash_decoy(struct hash *hash)
{
    set_out(hash);
    random_fill(hash->bytes, hash->bytes_n);
}

static bool work_out(const struct hash *hash, struct span password,
                     unsigned char out[static HASH_BYTES_MAX], struct error *error)
{
    struct hash copy = *hash; /* the library's pointers are not const */
    argon2_context run = {
        .out = out,
        .outlen = copy.bytes_n,
        .pwd = (uint8_t *)(uintptr_t)password.p,
        .pwdlen = (uint32_t)password.n,
        .salt = copy.salt,
        .saltlen = copy.salt_n,
        .t_cost = copy.passes,
        .m_cost = copy.memory_kib,
        .lanes = copy.lanes,
        .threads = 1,
        .version = ARGON2_VERSION_13,
        .allocate_cbk = take_memory,
        .free_cbk = give_memory,
        .flags = ARGON2_DEFAULT_FLAGS,
    };
    int code = argon2id_ctx(&run);
    return code == ARGON2_OK || error_set(error, "argon2: %s", argon2_error_message(code));
}

bool hash_is_of(const struct hash *hash, struct span password, struct error *error)
{
    unsigned char out[HASH_BYTES_MAX];
    error->text[0] = '\0';
    if (password.n > PASSWORD_BYTES_MAX || !work_out(hash, password, out, error))
        return false;
    return same_secret((struct span){(const char *)hash->bytes, hash->bytes_n},
                       (struct span){(const char *)out, hash->bytes_n});
}

bool hash_print(struct text *text, struct span password, struct error *error)
{
    struct hash hash;
    set_out(&hash);
    if (!work_out(&hash, password, hash.bytes, error))
        return false;
    text_format(text, "$argon2id$v=19$m=%u,t=%u,p=%u$", hash.memory_kib, hash.passes, hash.lanes);
    encode(text, hash.salt, hash.salt_n);
    text_put(text, "$");
    encode(text, hash.bytes, hash.bytes_n);
    return true;
}

/* From the kernel and back to it: malloc would keep the last one for itself. */
static int take_memory(uint8_t **memory, size_t bytes)
{
    void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *memory = pages == MAP_FAILED ? NULL : pages;
    return pages == MAP_FAILED ? ARGON2_MEMORY_ALLOCATION_ERROR : ARGON2_OK;
}

static void give_memory(uint8_t *memory, size_t bytes)
{
    munmap(memory, bytes);
}
