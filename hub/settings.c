#include "hub/settings.h"

enum settings_verdict settings_read(struct settings *settings, int argc, char **argv,
                                    struct error *error)
{
    (void)argc;
    (void)argv;
    *settings = (struct settings){0};
    error_set(error, "no settings can be read yet");
    return SETTINGS_BAD;
}

void settings_release(struct settings *settings)
{
    *settings = (struct settings){0};
}

bool settings_secrets(struct settings *settings, struct error *error)
{
    (void)settings;
    return error_set(error, "no secrets can be read yet");
}

bool settings_reload(struct settings *current, int argc, char **argv, struct text *said,
                     struct error *error)
{
    (void)current;
    (void)argc;
    (void)argv;
    (void)said;
    return error_set(error, "nothing can be read again yet");
}
