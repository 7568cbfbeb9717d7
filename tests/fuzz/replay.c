/* Runs a fuzz target over the files of its corpus, or over those given: what fuzzing once found
 * stays found, without libFuzzer. One line a file, as cmocka prints them. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>

enum { FILE_MAX = 1 << 20 };

static void replay(const char *path)
{
    uint8_t *bytes = malloc(FILE_MAX);
    FILE *file = fopen(path, "rb");
    REQUIRE(bytes && file);
    size_t n = fread(bytes, 1, FILE_MAX, file);
    fclose(file);
    printf("[ RUN      ] %s\n", path);
    fflush(stdout); /* said before it may end here */
    LLVMFuzzerTestOneInput(bytes, n);
    printf("[       OK ] %s\n", path);
    free(bytes);
}

static int replay_all(const char *folder)
{
    struct dirent **names;
    int n = scandir(folder, &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        if (names[i]->d_name[0] != '.')
            replay(path);
        free(names[i]);
    }
    if (n < 0) {
        fprintf(stderr, "no corpus in %s\n", folder);
        return 1;
    }
    free(names);
    return n > 2 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 1)
        return replay_all(FUZZ_CORPUS);
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    return 0;
}
