/* Contexts from files and flags: what is taken, and the one line that says why not. */
#include "tests/unit/tls_material.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static struct tls_secret secret;

static struct tls_files server_files(void)
{
    return (struct tls_files){
        .key_file = material("server.key"), .cert_file = material("server.pem"), .flag = "--ssl"};
}

static void serves(struct tls_files files)
{
    struct error error = {{0}};
    struct tls_context *context = tls_server_new(&files, &secret, &error);
    if (!context)
        fail_msg("refused: %s", error.text);
    tls_context_free(context);
}

/* Refused with one line that holds each of the texts. */
static void refuses(struct tls_files files, const char *first, const char *second)
{
    struct error error = {{0}};
    struct tls_context *context = tls_server_new(&files, &secret, &error);
    assert_null(context);
    if (!strstr(error.text, first) || !strstr(error.text, second) || strchr(error.text, '\n'))
        fail_msg("expected \"%s\" and \"%s\" in: %s", first, second, error.text);
}

static void test_key_and_certificate_serve(void **state)
{
    (void)state;
    serves(server_files());
}

static void test_one_file_may_hold_key_and_certificate(void **state)
{
    (void)state;
    serves((struct tls_files){.cert_file = material("both.pem"), .flag = "--ssl"});
    serves((struct tls_files){.key_file = material("both.pem"), .flag = "--ssl"});
}

/* What a file of the material holds; kept until the next call of that place. */
static struct span inline_of(const char *file, char text[static 8192])
{
    FILE *from = fopen(material(file), "r");
    assert_non_null(from);
    size_t n = fread(text, 1, 8191, from);
    fclose(from);
    text[n] = '\0';
    return (struct span){text, n};
}

static void test_inline_pem_counts_before_its_file(void **state)
{
    (void)state;
    static char key[8192], cert[8192], ca[8192];
    struct error error;
    struct tls_files files = {.cert_file = "/nonexistent",
                              .key_file = "/nonexistent",
                              .ca_file = "/nonexistent",
                              .key_pem = inline_of("deep.key", key),
                              .cert_pem = inline_of("chain.pem", cert),
                              .ca_pem = inline_of("bundle.pem", ca),
                              .flag = "--ssl"};
    serves(files);
    struct tls_context *context = tls_client_new(&files, &error);
    assert_non_null(context);
    assert_non_null(tls_native_client(context, "hub.test"));
    assert_null(tls_native_client(context, ""));
    tls_context_free(context);
    files.key_pem = inline_of("server.key", key);
    refuses(files, "--ssl-key: what is given inline is not the key", "inline");
    files.ca_pem = inline_of("cut.pem", ca);
    refuses(files, "--ssl-ca: certificate 1 in what is given inline does not parse", "");
    files.ca_pem = inline_of("empty.pem", ca);
    refuses(files, "--ssl-ca: what is given inline holds no PEM certificate", "");
}

static void test_nothing_given_names_both_flags(void **state)
{
    (void)state;
    refuses((struct tls_files){.flag = "--ssl"}, "--ssl-key", "--ssl-cert");
}

static void test_unreadable_files_are_named(void **state)
{
    (void)state;
    struct tls_files files = server_files();
    files.key_file = "/nonexistent/key.pem";
    refuses(files, "--ssl-key: cannot read /nonexistent/key.pem", "No such file");
    files = server_files();
    files.cert_file = "/nonexistent/cert.pem";
    refuses(files, "--ssl-cert: cannot read /nonexistent/cert.pem", "No such file");
    files = server_files();
    files.ca_file = "/nonexistent/ca.pem";
    refuses(files, "--ssl-ca: cannot read /nonexistent/ca.pem", "No such file");
    files = server_files();
    files.dhparam_file = "/nonexistent/dh.pem";
    refuses(files, "--ssl-dhparam: cannot read /nonexistent/dh.pem", "No such file");
}

static void test_files_without_pem_are_refused(void **state)
{
    (void)state;
    struct tls_files files = server_files();
    files.key_file = material("empty.pem");
    refuses(files, "--ssl-key", "holds no PEM private key");
    files = server_files();
    files.cert_file = material("empty.pem");
    refuses(files, "--ssl-cert", "holds no PEM certificate");
    files = server_files();
    files.ca_file = material("empty.pem");
    refuses(files, "--ssl-ca", "holds no PEM certificate");
    files.ca_file = material("cut.pem");
    refuses(files, "--ssl-ca: certificate 1", "cut.pem");
    files = server_files();
    files.cert_file = material("cut.pem");
    refuses(files, "--ssl-cert", "cut.pem");
    files = server_files();
    files.key_file = material("server.pem");
    refuses(files, "--ssl-key", "server.pem holds no PEM private key");
    files = server_files();
    files.cert_file = "/";
    refuses(files, "--ssl-cert", "/");
}

static void test_key_of_another_certificate_is_refused(void **state)
{
    (void)state;
    struct tls_files files = server_files();
    files.key_file = material("client.key");
    refuses(files, "--ssl-key", "is not the key of the certificate in");
    files.key_file = material("rsa.key");
    refuses(files, "--ssl-key", "is not the key of the certificate in");
}

static void test_encrypted_key_opens_with_its_passphrase(void **state)
{
    (void)state;
    struct tls_files files = server_files();
    files.key_file = material("locked.key");
    files.passphrase = "sesame";
    serves(files);
}

static void test_wrong_passphrase_names_its_variable(void **state)
{
    (void)state;
    struct tls_files files = server_files();
    files.key_file = material("locked.key");
    files.passphrase = "wrong";
    refuses(files, "--ssl-key: the passphrase in CONFIGPROXY_SSL_KEY_PASSPHRASE", "locked.key");
}

static void test_missing_passphrase_names_its_variable(void **state)
{
    (void)state;
    struct tls_files files = server_files();
    files.key_file = material("locked.key");
    refuses(files, "locked.key is encrypted", "CONFIGPROXY_SSL_KEY_PASSPHRASE");
    files.passphrase = "";
    files.flag = "--api-ssl";
    refuses(files, "--api-ssl-key", "CONFIGPROXY_API_SSL_KEY_PASSPHRASE");
}

static void test_errors_hold_no_passphrase(void **state)
{
    (void)state;
    struct tls_files files = server_files();
    files.key_file = material("locked.key");
    files.passphrase = "tell-nobody";
    struct error error;
    assert_null(tls_server_new(&files, &secret, &error));
    assert_null(strstr(error.text, "tell-nobody"));
}

static void test_protocol_names(void **state)
{
    (void)state;
    static const char *const good[] = {"TLS",     "TLS_method",     "SSLv23",
                                       "TLSv1_2", "TLSv1_2_method", "TLSv1_2_server_method",
                                       "TLSv1_3", "TLSv1.3"};
    for (size_t i = 0; i < COUNT(good); i++) {
        struct tls_files files = server_files();
        files.protocol = good[i];
        serves(files);
    }
    static const char *const old[] = {"SSLv2", "SSLv3_method", "TLSv1", "TLSv1_method", "TLSv1_1"};
    for (size_t i = 0; i < COUNT(old); i++) {
        struct tls_files files = server_files();
        files.protocol = old[i];
        refuses(files, "--ssl-protocol", "no longer safe");
    }
    struct tls_files files = server_files();
    files.protocol = "TLSv1_22";
    refuses(files, "--ssl-protocol: TLSv1_22", "is not one of");
}

static void test_ciphers(void **state)
{
    (void)state;
    static const char *const good[] = {"ECDHE-ECDSA-AES128-GCM-SHA256",
                                       "HIGH:!CAMELLIA",
                                       "ECDHE+AESGCM, DHE+AESGCM",
                                       "",
                                       "TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256",
                                       "TLS_AES_256_GCM_SHA384",
                                       "DEFAULT@SECLEVEL=1"};
    for (size_t i = 0; i < COUNT(good); i++) {
        struct tls_files files = server_files();
        files.ciphers = good[i];
        serves(files);
    }
    struct tls_files files = server_files();
    files.ciphers = "ROT13";
    refuses(files, "--ssl-ciphers", "ROT13");
    files.ciphers = "aNULL";
    refuses(files, "--ssl-ciphers", "aNULL");
    files.ciphers = "TLS_AES_256_GCM_SHA384";
    files.protocol = "TLSv1_2";
    refuses(files, "--ssl-ciphers", "TLS_AES_256_GCM_SHA384");
}

/* The versions, ciphers and DH parameters of all sides are given by --ssl-… alone (CHP 92). */
static void test_what_all_sides_share_is_named_by_its_one_flag(void **state)
{
    (void)state;
    static const char *const sides[] = {"--api-ssl", "--client-ssl"};
    for (size_t i = 0; i < COUNT(sides); i++) {
        struct tls_files files = server_files();
        files.flag = sides[i];
        files.protocol = "TLSv9";
        refuses(files, "--ssl-protocol: TLSv9", "is not one of");
        files.protocol = "SSLv3";
        refuses(files, "--ssl-protocol: SSLv3", "no longer safe");
        files.protocol = NULL;
        files.ciphers = "ROT13";
        refuses(files, "--ssl-ciphers: ", "ROT13");
        files.ciphers = NULL;
        files.dhparam_file = "/nonexistent/dh.pem";
        refuses(files, "--ssl-dhparam: cannot read /nonexistent/dh.pem", "No such file");
    }
}

static void test_dh_parameters(void **state)
{
    (void)state;
    struct tls_files files = server_files();
    files.dhparam_file = material("dh.pem");
    serves(files);
    files.dhparam_file = material("server.pem");
    refuses(files, "--ssl-dhparam", "holds no PEM DH parameters");
}

static void test_expiry_is_the_certificates_last_second(void **state)
{
    (void)state;
    struct tls_files files = server_files();
    struct error error;
    struct tls_context *context = tls_server_new(&files, &secret, &error);
    assert_non_null(context);
    int64_t days = (tls_context_expiry_s(context) - (int64_t)time(NULL)) / 86400;
    assert_in_range(days, 19, 20);
    tls_context_free(context);
    struct tls_files bare = {.flag = "--client-ssl"};
    context = tls_client_new(&bare, &error);
    assert_non_null(context);
    assert_int_equal(tls_context_expiry_s(context), 0);
    tls_context_free(context);
}

static void test_client_files_are_checked_too(void **state)
{
    (void)state;
    struct error error;
    struct tls_files files = {.flag = "--client-ssl",
                              .key_file = material("server.key"),
                              .cert_file = material("client.pem")};
    assert_null(tls_client_new(&files, &error));
    assert_non_null(strstr(error.text, "--client-ssl-key"));
    files.key_file = material("client.key");
    files.ca_file = material("bundle.pem");
    struct tls_context *context = tls_client_new(&files, &error);
    assert_non_null(context);
    tls_context_free(context);
}

int main(void)
{
    tls_secret_new(&secret);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_and_certificate_serve),
        cmocka_unit_test(test_one_file_may_hold_key_and_certificate),
        cmocka_unit_test(test_inline_pem_counts_before_its_file),
        cmocka_unit_test(test_nothing_given_names_both_flags),
        cmocka_unit_test(test_unreadable_files_are_named),
        cmocka_unit_test(test_files_without_pem_are_refused),
        cmocka_unit_test(test_key_of_another_certificate_is_refused),
        cmocka_unit_test(test_encrypted_key_opens_with_its_passphrase),
        cmocka_unit_test(test_wrong_passphrase_names_its_variable),
        cmocka_unit_test(test_missing_passphrase_names_its_variable),
        cmocka_unit_test(test_errors_hold_no_passphrase),
        cmocka_unit_test(test_protocol_names),
        cmocka_unit_test(test_ciphers),
        cmocka_unit_test(test_what_all_sides_share_is_named_by_its_one_flag),
        cmocka_unit_test(test_dh_parameters),
        cmocka_unit_test(test_expiry_is_the_certificates_last_second),
        cmocka_unit_test(test_client_files_are_checked_too),
    };
    return cmocka_run_group_tests(tests, material_make, material_remove);
}
