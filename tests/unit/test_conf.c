/* Reading and printing option rows, with a small table of its own. */
#include "base/conf.h"
#include "base/cores.h"
#include "base/manual.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fields {
    const char *name, *address, *colour;
    unsigned level;
    bool loud, quiet, as_json;
    uint16_t port;
    uint64_t size;
    int64_t wait_ms;
    char taken[32];
};

static bool take_letters(void *into, const char *value, struct error *error)
{
    struct fields *fields = into;
    if (strcmp(value, "bad") == 0)
        return error_set(error, "not %s", value);
    strncat(fields->taken, value, sizeof fields->taken - strlen(fields->taken) - 1);
    return true;
}

#define FIELD(name) CONF_FIELD(struct fields, name)

static const struct conf_row rows[] = {
    {.type = CONF_SECTION, .help = "First"},
    {.type = CONF_TEXT,
     .flag = "--name <text>",
     .env = "TEST_CONF_NAME",
     FIELD(name),
     .fallback = "nobody",
     .help = "A name."},
    {.type = CONF_TEXT,
     .flag = "--address <ip>",
     FIELD(address),
     .fallback = "here",
     .empty_counts = true,
     .excludes = {"--port"},
     .help = "An address."},
    {.type = CONF_WORD,
     .flag = "--colour <word>",
     FIELD(colour),
     .words = {"red", "green"},
     .help = "A colour."},
    {.type = CONF_INDEX,
     .flag = "--level <word>",
     FIELD(level),
     .words = {"low", "mid", "high"},
     .fallback = "mid",
     .help = "A level."},
    {.type = CONF_INDEX,
     .flag = "--format <word>",
     FIELD(as_json),
     .words = {"text", "json"},
     .fallback = "text",
     .help = "A format."},
    {.type = CONF_SECTION, .help = "Second"},
    {.type = CONF_SWITCH, .flag = "--loud", FIELD(loud), .needs = "--name", .help = "Be loud."},
    {.type = CONF_UNSWITCH, .flag = "--no-quiet", FIELD(quiet), .help = "Be not quiet."},
    {.type = CONF_NUMBER,
     .flag = "--port <n>",
     FIELD(port),
     .max = 65535,
     .fallback = "8000",
     .help = "A port."},
    {.type = CONF_NUMBER,
     .flag = "--size <bytes>",
     FIELD(size),
     .min = 10,
     .max = INT64_MAX / 10,
     .unit = "bytes",
     .fallback = "100",
     .help = "A size."},
    {.type = CONF_NUMBER,
     .flag = "--wait <s>",
     FIELD(wait_ms),
     .max = 60,
     .scale = 1000,
     .unit = "s",
     .fallback = "1",
     .help = "A time."},
    {.type = CONF_TAKE, .flag = "--letters <text>", .take = take_letters, .help = "Letters."},
    {.type = CONF_REFUSED, .flag = "--old", .help = "It is gone."},
    {.type = CONF_VERSION, .flag = "-V, --version", .help = "The version."},
    {.type = CONF_HELP, .flag = "-h, --help", .help = "This text."},
    {.type = CONF_REFERENCE, .flag = "--print-reference <markdown|man>"},
};
static const struct conf_note examples[] = {{"Simply", "prog --loud"}};
static const struct conf_note notes[] = {{"Reporting", "Tell us."}};
static const struct conf conf = {
    .program = "prog",
    .version = "1.2",
    .summary = "a program",
    .intro = "How to give values.",
    .rows = rows,
    .rows_n = COUNT(rows),
    .examples = examples,
    .examples_n = 1,
    .notes = notes,
    .notes_n = 1,
};

static struct fields fields;
static struct conf_given given;
static struct error error;

/* Reads the words of `line`, cut at spaces; "" as a word is written ''. */
static enum conf_verdict read_line(const char *line)
{
    static char text[256];
    char *argv[32] = {(char *)"prog"};
    int argc = 1;
    snprintf(text, sizeof text, "%s", line);
    char *rest = text;
    for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " "))
        if (*word)
            argv[argc++] = strcmp(word, "''") == 0 ? (char *)"" : word;
    memset(&fields, 0, sizeof fields);
    memset(&error, 0, sizeof error);
    return conf_read(&conf, argc, argv, &fields, &given, &error);
}

static void expect_error(const char *line, const char *text)
{
    assert_int_equal(read_line(line), CONF_BAD);
    assert_string_equal(error.text, text);
}

static void test_defaults_fill_every_field(void **state)
{
    (void)state;
    assert_int_equal(read_line(""), CONF_OK);
    assert_string_equal(fields.name, "nobody");
    assert_string_equal(fields.address, "here");
    assert_null(fields.colour);
    assert_int_equal(fields.level, 1);
    assert_false(fields.loud);
    assert_true(fields.quiet);
    assert_int_equal(fields.port, 8000);
    assert_int_equal(fields.size, 100);
    assert_int_equal(fields.wait_ms, 1000);
    assert_false(conf_was_given(&conf, &given, "--port"));
}

static void test_values_follow_or_are_joined_and_the_last_wins(void **state)
{
    (void)state;
    assert_int_equal(read_line("--name a --port=1 --name=b=c --port 2 --loud --no-quiet"), CONF_OK);
    assert_string_equal(fields.name, "b=c");
    assert_int_equal(fields.port, 2);
    assert_true(fields.loud);
    assert_false(fields.quiet);
    assert_true(conf_was_given(&conf, &given, "--port"));
}

static void test_a_value_may_look_like_a_flag(void **state)
{
    (void)state;
    assert_int_equal(read_line("--name --loud"), CONF_OK);
    assert_string_equal(fields.name, "--loud");
    assert_false(fields.loud);
}

static void test_an_empty_value_is_the_default_unless_it_counts(void **state)
{
    (void)state;
    assert_int_equal(read_line("--name x --name= --port=9 --port= --colour red --colour ''"),
                     CONF_OK);
    assert_string_equal(fields.name, "nobody");
    assert_int_equal(fields.port, 8000);
    assert_null(fields.colour);
    assert_false(conf_was_given(&conf, &given, "--port"));
    assert_int_equal(read_line("--address="), CONF_OK);
    assert_string_equal(fields.address, "");
    assert_true(conf_was_given(&conf, &given, "--address"));
}

static void test_words_are_matched_without_case(void **state)
{
    (void)state;
    assert_int_equal(read_line("--level HIGH --colour Green --format json"), CONF_OK);
    assert_int_equal(fields.level, 2);
    assert_string_equal(fields.colour, "green");
    assert_true(fields.as_json);
    expect_error("--level loud",
                 "error: option '--level <word>': 'loud' is not one of: low, mid, high");
}

static void test_numbers_are_digits_within_the_range(void **state)
{
    (void)state;
    const char *const bad[] = {"65536", "-1",   "+1",  "8x",
                               "x",     "0x10", "1.5", "99999999999999999999999999"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        char line[80], text[160];
        snprintf(line, sizeof line, "--port %s", bad[i]);
        snprintf(text, sizeof text,
                 "error: option '--port <n>': '%s' is not a whole number from 0 to 65535", bad[i]);
        expect_error(line, text);
    }
    expect_error("--size 9", "error: option '--size <bytes>': '9' is not a whole number from 10 to "
                             "922337203685477580 bytes");
    assert_int_equal(read_line("--port 65535 --size 922337203685477580 --wait 60"), CONF_OK);
    assert_int_equal(fields.port, 65535);
    assert_int_equal(fields.size, 922337203685477580);
    assert_int_equal(fields.wait_ms, 60000);
}

static void test_a_row_of_its_own_kind_reads_its_value(void **state)
{
    (void)state;
    assert_int_equal(read_line("--letters a --letters=b"), CONF_OK);
    assert_string_equal(fields.taken, "ab");
    expect_error("--letters bad", "not bad");
}

static void test_errors_are_worded_as_chp_words_them(void **state)
{
    (void)state;
    expect_error("--bogus", "error: unknown option '--bogus'\n(prog --help lists them)");
    expect_error("--bogus=3", "error: unknown option '--bogus=3'\n(prog --help lists them)");
    expect_error("-x", "error: unknown option '-x'\n(prog --help lists them)");
    expect_error("--prot 8", "error: unknown option '--prot'\n(Did you mean --port?)");
    expect_error("--loud=1", "error: unknown option '--loud=1'\n(Did you mean --loud?)");
    expect_error("--quiet", "error: unknown option '--quiet'\n(Did you mean --no-quiet?)");
    expect_error("--port", "error: option '--port <n>' argument missing");
    expect_error("a b", "error: too many arguments. Expected 0 arguments but got 2: a, b.");
    expect_error("-- --loud", "error: too many arguments. Expected 0 arguments but got 1: --loud.");
    expect_error("-", "error: too many arguments. Expected 0 arguments but got 1: -.");
    expect_error("a --bogus", "error: unknown option '--bogus'\n(prog --help lists them)");
    expect_error("--address= --port 1",
                 "error: option '--address <ip>' cannot be used with option '--port <n>'");
    expect_error("--old", "error: option '--old': It is gone.");
}

static void test_help_and_version_come_before_other_errors(void **state)
{
    (void)state;
    assert_int_equal(read_line("--bogus --version"), CONF_ASKED_VERSION);
    assert_int_equal(read_line("-V"), CONF_ASKED_VERSION);
    assert_int_equal(read_line("--bogus -h"), CONF_ASKED_HELP);
    assert_int_equal(read_line("--help --port x"), CONF_BAD);
    assert_int_equal(read_line("--print-reference=man"), CONF_ASKED_MAN);
    assert_int_equal(read_line("--print-reference markdown"), CONF_ASKED_MARKDOWN);
    assert_int_equal(read_line("--print-reference pdf"), CONF_BAD);
}

static void test_the_environment_stands_between_default_and_flag(void **state)
{
    (void)state;
    setenv("TEST_CONF_NAME", "env", 1);
    assert_int_equal(read_line(""), CONF_OK);
    assert_string_equal(fields.name, "env");
    assert_int_equal(read_line("--name flag"), CONF_OK);
    assert_string_equal(fields.name, "flag");
    setenv("TEST_CONF_NAME", "", 1);
    assert_int_equal(read_line(""), CONF_OK);
    assert_string_equal(fields.name, "nobody");
    unsetenv("TEST_CONF_NAME");
}

static void test_a_flag_without_effect_is_warned_of(void **state)
{
    (void)state;
    char text[256] = "";
    int ends[2], kept = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    enum conf_verdict alone = read_line("--loud"), both = read_line("--loud --name x");
    dup2(kept, STDERR_FILENO);
    close(ends[1]);
    ssize_t n = read(ends[0], text, sizeof text - 1);
    close(ends[0]);
    close(kept);
    assert_int_equal(alone, CONF_OK);
    assert_int_equal(both, CONF_OK);
    assert_true(n > 0);
    assert_string_equal(text, "warning: --loud does nothing without --name\n");
}

/* ---- a program with a file of settings ---- */

struct filed {
    unsigned size;
    char *name;
    bool on;
};

static bool read_name(void *field, const char *value, struct error *why)
{
    char **name = field;
    if (strcmp(value, "bad") == 0)
        return error_set(why, "it is bad");
    free(*name);
    *name = must_copy(value);
    return true;
}

static void free_name(void *field)
{
    char **name = field;
    free(*name);
    *name = NULL;
}

static bool same_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b) == 0;
}

static const struct conf_kind kind_name = {read_name, free_name, same_name, .takes_trees = false};

static const struct conf_row filed_rows[] = {
    {.type = CONF_SECTION, .help = "Only"},
    {.type = CONF_NUMBER,
     .flag = "--its-size <n>",
     CONF_FIELD(struct filed, size),
     .max = 9,
     .fallback = "1",
     .help = "Size."},
    {.type = CONF_KIND,
     .flag = "--name <text>",
     CONF_FIELD(struct filed, name),
     .kind = &kind_name,
     .fallback = "nobody",
     .reloads = true,
     .help = "Name."},
    {.type = CONF_REFUSED, .flag = "--secret <text>", .help = "Not here."},
    {.type = CONF_TEXT, .flag = "--config <file>", .no_key = true, .help = "File."},
    {.type = CONF_SWITCH, .flag = "--on", CONF_FIELD(struct filed, on), .help = "On."},
};
static const struct conf filed_conf = {
    .program = "prog",
    .rows = filed_rows,
    .rows_n = COUNT(filed_rows),
    .env_prefix = "TEST_CONF_",
    .intro = "How.",
    .operands_max = 1,
};

/* Reads one line of a file, a variable and a flag; NULL: not given. */
static enum conf_verdict read_filed(struct filed *filed, const char *key, const char *text,
                                    const char *env, const char *flag)
{
    struct conf_setting setting = {(char *)(uintptr_t)key, (char *)(uintptr_t)text, false, 7};
    struct conf_file file = {"f.yaml", &setting, key ? 1 : 0};
    char *argv[] = {(char *)(uintptr_t) "prog", (char *)(uintptr_t)flag, NULL};
    if (env)
        setenv("TEST_CONF_ITS_SIZE", env, 1);
    else
        unsetenv("TEST_CONF_ITS_SIZE");
    conf_release(&filed_conf, filed);
    return conf_read_file(&filed_conf, &file, flag ? 2 : 1, argv, filed, &given, &error);
}

static void test_the_file_stands_between_default_and_environment(void **state)
{
    (void)state;
    struct filed filed = {0};
    assert_int_equal(read_filed(&filed, NULL, NULL, NULL, NULL), CONF_OK);
    assert_int_equal(filed.size, 1);
    assert_int_equal(read_filed(&filed, "its_size", "2", NULL, NULL), CONF_OK);
    assert_int_equal(filed.size, 2);
    assert_true(conf_was_set(&filed_conf, &given, "--its-size"));
    assert_false(conf_was_given(&filed_conf, &given, "--its-size"));
    assert_int_equal(read_filed(&filed, "its_size", "2", "3", NULL), CONF_OK);
    assert_int_equal(filed.size, 3);
    assert_int_equal(read_filed(&filed, "its_size", "2", "3", "--its-size=4"), CONF_OK);
    assert_int_equal(filed.size, 4);
    assert_int_equal(read_filed(&filed, "its_size", "", NULL, NULL), CONF_OK);
    assert_int_equal(filed.size, 1);
    assert_int_equal(read_filed(&filed, "name", "ada", NULL, "word"), CONF_OK);
    assert_string_equal(filed.name, "ada");
    assert_string_equal(given.operands[0], "word");
    conf_release(&filed_conf, &filed);
    assert_null(filed.name);
}

static void expect_filed_error(const char *key, const char *text, const char *what)
{
    struct filed filed = {0};
    assert_int_equal(read_filed(&filed, key, text, NULL, NULL), CONF_BAD);
    assert_string_equal(error.text, what);
    conf_release(&filed_conf, &filed);
}

static void test_what_is_wrong_in_a_file_is_told_with_its_line(void **state)
{
    (void)state;
    expect_filed_error("its_size", "x",
                       "f.yaml:7: its_size: 'x' is not a whole number from 0 to 9");
    expect_filed_error("name", "bad", "f.yaml:7: name: it is bad");
    expect_filed_error("its_siez", "1", "f.yaml:7: unknown key 'its_siez'; did you mean its_size?");
    expect_filed_error("colour", "1", "f.yaml:7: unknown key 'colour'; prog --help lists them");
    expect_filed_error("secret", "x", "f.yaml:7: secret: Not here.");
    expect_filed_error("config", "x", "f.yaml:7: config belongs on the command line, not here");
    expect_filed_error("on", "true", "f.yaml:7: unknown key 'on'; prog --help lists them");
}

static void test_a_mistake_is_told_with_where_it_was_given(void **state)
{
    (void)state;
    struct filed filed = {0};
    struct conf_file file = {.path = "f.yaml"};
    const char *const sources[][4] = {
        {"2", NULL, NULL, "f.yaml:7: its_size: too small"},
        {"2", "3", NULL, "error: environment variable 'TEST_CONF_ITS_SIZE': too small"},
        {"2", "3", "--its-size=4", "error: option '--its-size <n>': too small"},
    };
    for (size_t i = 0; i < COUNT(sources); i++) {
        const char *const *from = sources[i];
        assert_int_equal(read_filed(&filed, "its_size", from[0], from[1], from[2]), CONF_OK);
        assert_false(conf_refuse(&filed_conf, &file, &given, "--its-size", &error, "too small"));
        assert_string_equal(error.text, from[3]);
    }
    conf_release(&filed_conf, &filed);
    unsetenv("TEST_CONF_ITS_SIZE");
}

static void test_a_file_to_begin_with_has_every_key_as_a_comment(void **state)
{
    (void)state;
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    manual_print_yaml(&filed_conf, out);
    fclose(out);
    assert_non_null(strstr(text,
                           "\n# ---- Only ----\n\n# Size. [0 to 9] (default: 1)\n#its_size: 1\n"
                           "\n# Name. (default: nobody) (reloaded)\n#name: nobody\n"));
    assert_null(strstr(text, "secret"));
    assert_null(strstr(text, "config"));
    free(text);
}

/* What one of the printing functions prints; freed by the caller. */
static char *printed(void (*print)(const struct conf *, FILE *))
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    print(&conf, out);
    fclose(out);
    return text;
}

static void expect_parts(char *text, const char *const *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strstr(text, parts[i]))
            fail_msg("'%s' is missing in:\n%s", parts[i], text);
    assert_null(strstr(text, "print-reference"));
    free(text);
}

static void test_help_has_sections_ranges_units_and_defaults(void **state)
{
    (void)state;
    const char *const parts[] = {"prog 1.2: a program\n",
                                 "Usage: prog [options]",
                                 "\nFirst\n",
                                 "\nSecond\n",
                                 "  --size <bytes>",
                                 "bytes] (default: 100)",
                                 "[low, mid, high] (default: mid)",
                                 "[0 to 60 s] (default: 1)",
                                 "(environment: TEST_CONF_NAME)",
                                 "Refused: It is gone.",
                                 "  -h, --help",
                                 "  Simply:\n    prog --loud\n",
                                 "Tell us."};
    expect_parts(printed(manual_print_help), parts, COUNT(parts));
}

static void test_markdown_is_a_table_a_section(void **state)
{
    (void)state;
    const char *const parts[] = {
        "# The command line of prog", "\n## First\n\n| name | value | default | what it does |\n",
        "| `--colour <word>` | red, green | | A colour. |\n",
        "| `--wait <s>` | 0 to 60 s | 1 | A time. |\n", "```sh\nprog --loud\n```"};
    expect_parts(printed(manual_print_markdown), parts, COUNT(parts));
}

static void test_the_man_page_escapes_for_roff(void **state)
{
    (void)state;
    const char *const parts[] = {".TH \"PROG\" 1 \"\" \"prog 1.2\"",
                                 ".SH NAME\nprog \\- a program",
                                 ".SS First\n",
                                 ".TP\n\\fB\\-\\-size\\fR \\fIbytes\\fR\n",
                                 "\\fB\\-\\-no\\-quiet\\fR\n",
                                 ".SH \"REPORTING\"\n"};
    expect_parts(printed(manual_print_man), parts, COUNT(parts));
}

static void write_file(const char *root, const char *path, const char *text)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s/%s", root, path);
    for (char *p = whole + strlen(root) + 1; (p = strchr(p, '/')); *p++ = '/') {
        *p = '\0';
        mkdir(whole, 0755);
    }
    FILE *file = fopen(whole, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static unsigned cores_with(const char *const (*files)[2], size_t n)
{
    char root[] = "/tmp/test_conf_XXXXXX", command[64];
    assert_non_null(mkdtemp(root));
    for (size_t i = 0; i < n; i++)
        write_file(root, files[i][0], files[i][1]);
    unsigned cores = cores_usable(root);
    snprintf(command, sizeof command, "rm -r %s", root);
    assert_int_equal(system(command), 0);
    return cores;
}

#define CORES_WITH(...)                                                                            \
    cores_with((const char *const[][2]){__VA_ARGS__},                                              \
               COUNT(((const char *const[][2]){__VA_ARGS__})))

static void test_cores_follow_the_cgroup_quota_rounded_up(void **state)
{
    (void)state;
    unsigned all = cores_usable("/nonexistent");
    assert_true(all >= 1);
#define V2 {"proc/self/cgroup", "0::/a/b\n"}
    assert_int_equal(CORES_WITH(V2, {"sys/fs/cgroup/a/b/cpu.max", "50000 100000\n"}), 1);
    assert_int_equal(CORES_WITH(V2, {"sys/fs/cgroup/a/b/cpu.max", "max 100000\n"}), all);
    assert_int_equal(CORES_WITH(V2, {"sys/fs/cgroup/a/b/cpu.max", "max 100000\n"},
                                {"sys/fs/cgroup/a/cpu.max", "10000 100000\n"}),
                     1);
    assert_int_equal(CORES_WITH({"proc/self/cgroup", "0::/not/shown\n"},
                                {"sys/fs/cgroup/cpu.max", "100000 100000\n"}),
                     1);
    assert_int_equal(CORES_WITH(V2, {"sys/fs/cgroup/a/b/cpu.max", "garbage\n"}), all);
    assert_int_equal(CORES_WITH(V2, {"sys/fs/cgroup/a/b/cpu.max", "900000000 100000\n"}), all);
    if (all > 1)
        assert_int_equal(CORES_WITH(V2, {"sys/fs/cgroup/a/b/cpu.max", "100001 100000\n"}), 2);
#define V1 {"proc/self/cgroup", "5:devices:/x\n3:cpu,cpuacct:/pod/c\n0::/\n"}
    assert_int_equal(CORES_WITH(V1, {"sys/fs/cgroup/cpu/pod/c/cpu.cfs_quota_us", "20000\n"},
                                {"sys/fs/cgroup/cpu/pod/c/cpu.cfs_period_us", "100000\n"}),
                     1);
    assert_int_equal(CORES_WITH(V1, {"sys/fs/cgroup/cpu/pod/c/cpu.cfs_quota_us", "-1\n"},
                                {"sys/fs/cgroup/cpu/pod/c/cpu.cfs_period_us", "100000\n"}),
                     all);
    assert_int_equal(CORES_WITH(V1, {"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000\n"},
                                {"sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}),
                     1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_fill_every_field),
        cmocka_unit_test(test_values_follow_or_are_joined_and_the_last_wins),
        cmocka_unit_test(test_a_value_may_look_like_a_flag),
        cmocka_unit_test(test_an_empty_value_is_the_default_unless_it_counts),
        cmocka_unit_test(test_words_are_matched_without_case),
        cmocka_unit_test(test_numbers_are_digits_within_the_range),
        cmocka_unit_test(test_a_row_of_its_own_kind_reads_its_value),
        cmocka_unit_test(test_errors_are_worded_as_chp_words_them),
        cmocka_unit_test(test_help_and_version_come_before_other_errors),
        cmocka_unit_test(test_the_environment_stands_between_default_and_flag),
        cmocka_unit_test(test_a_flag_without_effect_is_warned_of),
        cmocka_unit_test(test_the_file_stands_between_default_and_environment),
        cmocka_unit_test(test_what_is_wrong_in_a_file_is_told_with_its_line),
        cmocka_unit_test(test_a_mistake_is_told_with_where_it_was_given),
        cmocka_unit_test(test_a_file_to_begin_with_has_every_key_as_a_comment),
        cmocka_unit_test(test_help_has_sections_ranges_units_and_defaults),
        cmocka_unit_test(test_markdown_is_a_table_a_section),
        cmocka_unit_test(test_the_man_page_escapes_for_roff),
        cmocka_unit_test(test_cores_follow_the_cgroup_quota_rounded_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
