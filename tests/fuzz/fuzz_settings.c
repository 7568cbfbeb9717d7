/* A file of the hub's settings: whatever is in it, it is read, or refused with a reason that names
 * it. */
#include "tests/fuzz/fuzz.h"

#include "hub/settings.h"

#include <sys/mman.h>
#include <unistd.h>

static int file = -1;
static char path[32];

static void write_file(const uint8_t *bytes, size_t n)
{
    if (file < 0)
        file = memfd_create("settings", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    REQUIRE(file >= 0 && ftruncate(file, 0) == 0 && pwrite(file, bytes, n, 0) == (ssize_t)n);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char config[] = "--config", command[] = "password", program[] = "hubgate-hub";
    char *argv[] = {program, config, path, command, NULL};
    struct settings settings;
    struct error error = {{0}};
    struct text said = {0};
    write_file(bytes, n);
    if (settings_read(&settings, 4, argv, &error) == SETTINGS_OK) {
        REQUIRE(settings.hub_port > 0 && settings.base_url[0] == '/');
        REQUIRE(settings_reload(&settings, 4, argv, &said, &error));
        REQUIRE(said.n == strlen("nothing changed"));
        text_release(&said);
        settings_release(&settings);
    } else {
        REQUIRE(strncmp(error.text, path, strlen(path)) == 0 ||
                strncmp(error.text, "error: ", 7) == 0);
    }
    return 0;
}
