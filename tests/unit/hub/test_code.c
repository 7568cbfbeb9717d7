#include "hub/code.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const unsigned char session[DIGEST_BYTES] = "session";

static struct code_grant grant_of(uint64_t user_id)
{
    return (struct code_grant){.client_id = "jupyterhub-user-ada",
                               .user_id = user_id,
                               .session = session,
                               .redirect_uri = "/user/ada/oauth_callback"};
}

static void give(struct codes *codes, int64_t now_ms, uint64_t user_id,
                 char text[static CODE_TEXT_ROOM])
{
    struct code_grant grant = grant_of(user_id);
    codes_give(codes, now_ms, &grant, text);
}

static void a_code_is_good_once(void **state)
{
    struct codes *codes = codes_new();
    struct code *code;
    char text[CODE_TEXT_ROOM];
    (void)state;
    give(codes, 1000, 7, text);
    assert_true(strlen(text) >= 43);
    assert_int_equal(codes_take(codes, 1001, span_of("other"), &code), CODE_UNKNOWN);
    assert_null(code);
    assert_int_equal(codes_take(codes, 1001, span_of(text), &code), CODE_GOOD);
    assert_string_equal(code->client_id, "jupyterhub-user-ada");
    assert_string_equal(code->redirect_uri, "/user/ada/oauth_callback");
    assert_memory_equal(code->session, session, DIGEST_BYTES);
    assert_int_equal(code->user_id, 7);
    assert_null(code->challenge);
    code->token_id = 42;
    assert_int_equal(codes_take(codes, 1002, span_of(text), &code), CODE_AGAIN);
    assert_int_equal(code->token_id, 42);
    codes_free(codes);
}

static void a_code_ends_after_its_time(void **state)
{
    struct codes *codes = codes_new();
    struct code *code;
    char first[CODE_TEXT_ROOM], second[CODE_TEXT_ROOM];
    (void)state;
    give(codes, 0, 1, first);
    give(codes, 1000, 1, second);
    assert_int_equal(codes_take(codes, CODE_LIFE_MS, span_of(first), &code), CODE_UNKNOWN);
    assert_int_equal(codes_count(codes), 1);
    assert_int_equal(codes_take(codes, CODE_LIFE_MS + 999, span_of(second), &code), CODE_GOOD);
    assert_int_equal(codes_take(codes, CODE_LIFE_MS + 1000, span_of(second), &code), CODE_UNKNOWN);
    assert_int_equal(codes_count(codes), 0);
    codes_free(codes);
}

static void a_user_has_so_many(void **state)
{
    struct codes *codes = codes_new();
    struct code *code;
    char other[CODE_TEXT_ROOM], first[CODE_TEXT_ROOM], second[CODE_TEXT_ROOM], more[CODE_TEXT_ROOM];
    (void)state;
    give(codes, 0, 1, other);
    give(codes, 0, 2, first);
    give(codes, 0, 2, second);
    for (size_t i = 2; i <= CODES_PER_USER_MAX; i++)
        give(codes, 0, 2, more);
    assert_int_equal(codes_count(codes), CODES_PER_USER_MAX + 1);
    assert_int_equal(codes_take(codes, 1, span_of(first), &code), CODE_UNKNOWN);
    assert_int_equal(codes_take(codes, 1, span_of(second), &code), CODE_GOOD);
    assert_int_equal(codes_take(codes, 1, span_of(other), &code), CODE_GOOD);
    codes_free(codes);
}

static void all_together_are_bounded(void **state)
{
    struct codes *codes = codes_new();
    struct code *code;
    char first[CODE_TEXT_ROOM], last[CODE_TEXT_ROOM];
    (void)state;
    give(codes, 0, 1, first);
    for (uint64_t i = 0; i < CODES_MAX; i++)
        give(codes, 0, 2 + i / CODES_PER_USER_MAX, last);
    assert_int_equal(codes_count(codes), CODES_MAX);
    assert_int_equal(codes_take(codes, 1, span_of(first), &code), CODE_UNKNOWN);
    assert_int_equal(codes_take(codes, 1, span_of(last), &code), CODE_GOOD);
    codes_free(codes);
}

/* The example of RFC 7636, appendix B. */
static void verifiers_meet_their_challenge(void **state)
{
    static const char verifier[] = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    static const char challenge[] = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    char wrong[sizeof verifier], longer[130];
    (void)state;
    memcpy(wrong, verifier, sizeof wrong);
    wrong[0] = 'e';
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_true(code_verifier_is_good(challenge, verifier));
    assert_true(code_verifier_is_good(NULL, NULL));
    assert_false(code_verifier_is_good(challenge, NULL));
    assert_false(code_verifier_is_good(NULL, verifier));
    assert_false(code_verifier_is_good(challenge, wrong));
    assert_false(code_verifier_is_good(challenge, challenge));
    assert_false(code_verifier_is_good(challenge, longer));
    assert_false(code_verifier_is_good(challenge, ""));
    assert_false(code_verifier_is_good(challenge, "dBjftJeZ4CVP mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
}

static void challenges_are_hashes(void **state)
{
    (void)state;
    assert_true(code_challenge_is_sound("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
    assert_false(code_challenge_is_sound(""));
    assert_false(code_challenge_is_sound("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c"));
    assert_false(code_challenge_is_sound("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM="));
    assert_false(code_challenge_is_sound("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_is_good_once),
        cmocka_unit_test(a_code_ends_after_its_time),
        cmocka_unit_test(a_user_has_so_many),
        cmocka_unit_test(all_together_are_bounded),
        cmocka_unit_test(verifiers_meet_their_challenge),
        cmocka_unit_test(challenges_are_hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
