/* Certificates made on the fly in a directory of their own, for the tls room's tests. */
#ifndef TESTS_UNIT_TLS_MATERIAL_H
#define TESTS_UNIT_TLS_MATERIAL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <unistd.h>

#include <cmocka.h>

#include "tls/tls.h"

static char material_dir[] = "/tmp/hubgate-tls-XXXXXX";

/* The path of a file of the material; eight of them stay valid at a time. */
static const char *material(const char *file)
{
    static char paths[8][128];
    static unsigned turn;
    char *path = paths[turn++ % COUNT(paths)];
    snprintf(path, sizeof paths[0], "%s/%s", material_dir, file);
    return path;
}

/* A server that shows NAME.pem; clients_ca: and lets in only whom one of its certificates signed.
 * The secret is made, and must live as long as the context, which is the caller's. */
static inline struct tls_context *material_server(const char *name, const char *clients_ca,
                                                  struct tls_secret *secret)
{
    char key[64], cert[64];
    struct error error;
    snprintf(key, sizeof key, "%s.key", name);
    snprintf(cert, sizeof cert, "%s.pem", name);
    struct tls_files files = {.key_file = material(key),
                              .cert_file = material(cert),
                              .ca_file = clients_ca ? material(clients_ca) : NULL,
                              .request_cert = clients_ca != NULL,
                              .reject_unauthorized = clients_ca != NULL,
                              .flag = "test"};
    tls_secret_new(secret);
    struct tls_context *context = tls_server_new(&files, secret, &error);
    assert_non_null(context);
    return context;
}

static const char material_script[] =
    "set -eu; cd \"$1\"; exec >log 2>&1\n"
    "ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'\n"
    "root() { openssl req -x509 $ec -keyout $1.key -out $1.pem -days 30 -subj /CN=$1; }\n"
    "leaf() { # name, issuer, days, subjectAltName, how the key is made\n"
    "  openssl req -x509 -CA $2.pem -CAkey $2.key -keyout $1.key -out $1.pem -days $3 \\\n"
    "    -subj /CN=$1.test -addext basicConstraints=CA:FALSE -addext subjectAltName=$4 $5; }\n"
    "root ca; root other\n"
    "openssl req -x509 -CA ca.pem -CAkey ca.key $ec -keyout middle.key -out middle.pem -days 30 "
    "\\\n"
    "  -subj /CN=middle -addext basicConstraints=critical,CA:TRUE\n"
    "leaf server ca 20 'DNS:hub.test,DNS:*.wild.test,IP:127.0.0.1,IP:::1' \"$ec\"\n"
    "leaf client ca 20 DNS:client.test \"$ec\"\n"
    "leaf stranger other 20 DNS:hub.test \"$ec\"\n"
    "leaf deep middle 20 DNS:hub.test \"$ec\"\n"
    "leaf rsa ca 20 DNS:hub.test '-newkey rsa:2048 -nodes'\n"
    "cat deep.pem middle.pem >chain.pem; cat server.pem server.key >both.pem\n"
    "cat other.pem ca.pem >bundle.pem; cat ca.pem middle.pem >with-middle.pem\n"
    "openssl ec -in server.key -aes256 -passout pass:sesame -out locked.key\n"
    "openssl genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048 -out dh.pem\n"
    "echo nothing >empty.pem; head -c 300 ca.pem >cut.pem\n";

static int material_make(void **state)
{
    (void)state;
    if (!mkdtemp(material_dir))
        return -1;
    char command[128];
    snprintf(command, sizeof command, "bash -c \"$MATERIAL\" bash %s", material_dir);
    setenv("MATERIAL", material_script, 1);
    return system(command);
}

static int material_remove(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", material_dir);
    return system(command);
}

#endif
