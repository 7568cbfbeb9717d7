#include "ctl/look.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

struct table_look look_here(void)
{
    const char *term = getenv("TERM");
    bool able = isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
    return (struct table_look){.colour = able && !is_set("NO_COLOR")};
}

size_t look_lines(size_t *columns)
{
    struct winsize size;
    *columns = 0;
    if (!isatty(STDOUT_FILENO))
        return 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
        size = (struct winsize){.ws_row = 24, .ws_col = 80};
    *columns = size.ws_col;
    return size.ws_row;
}
