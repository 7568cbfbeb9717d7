/* What of YAML a file of settings may have, and how each refusal names its line. */
#include "base/text.h"
#include "kube/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/test_yaml_XXXXXX";
static struct conf_file file;
static struct error error;

static void write_bytes(const char *bytes, size_t n)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, n, out), n);
    fclose(out);
}

static bool read_text(const char *text)
{
    yaml_release(&file);
    write_bytes(text, strlen(text));
    return yaml_read(&file, path, NULL, &error);
}

/* Reads the text and finds the key in it. */
static const struct conf_setting *setting(const char *text, const char *key)
{
    if (!read_text(text))
        fail_msg("%s", error.text);
    for (size_t i = 0; i < file.n; i++)
        if (strcmp(file.settings[i].key, key) == 0)
            return &file.settings[i];
    fail_msg("no %s", key);
    return NULL;
}

static void expect_text(const char *text, const char *value)
{
    assert_string_equal(setting(text, "key")->text, value);
}

static void expect_error(const char *text, const char *what)
{
    char whole[256];
    if (read_text(text))
        fail_msg("%s was taken", text);
    snprintf(whole, sizeof whole, "%s%s", path, what);
    assert_string_equal(error.text, whole);
}

static void test_scalars_are_their_text(void **state)
{
    (void)state;
    expect_text("key: value\n", "value");
    expect_text("key: 0017\n", "0017");
    expect_text("key: 1.10\n", "1.10");
    expect_text("key: yes\n", "yes");
    expect_text("key: \"a: b\"\n", "a: b");
    expect_text("key: 'null'\n", "null");
    expect_text("key: >\n  two\n  lines\n", "two lines\n");
    expect_text("key: 秀樹 # comment\n", "秀樹");
    assert_false(setting("key: value\n", "key")->is_tree);
}

static void test_null_is_nothing(void **state)
{
    (void)state;
    expect_text("key:\n", "");
    expect_text("key: ~\n", "");
    expect_text("key: null\n", "");
    expect_text("key: ''\n", "");
    expect_text("key: [~, a]\n", "[null,\"a\"]");
}

static void test_trees_are_their_json(void **state)
{
    (void)state;
    expect_text("key: [a, 1, 1.50]\n", "[\"a\",\"1\",\"1.50\"]");
    expect_text("key: {}\n", "{}");
    expect_text("key:\n  - name: \"q\\\"\"\n    on: true\n",
                "[{\"name\":\"q\\\"\",\"on\":\"true\"}]");
    assert_true(setting("key: []\n", "key")->is_tree);
}

static void test_keys_have_their_lines(void **state)
{
    (void)state;
    const char *text = "# c\n\nfirst: 1\nsecond:\n  - a\n\n  - b\nthird: 3\n";
    assert_int_equal(setting(text, "first")->line, 3);
    assert_int_equal(setting(text, "second")->line, 4);
    assert_int_equal(setting(text, "third")->line, 8);
    assert_int_equal(file.n, 3);
}

static void test_empty_files_have_no_settings(void **state)
{
    (void)state;
    const char *const texts[] = {"", "\n", "# nothing\n", "---\n", "---\n...\n", "~\n"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_true(read_text(texts[i]));
        assert_int_equal(file.n, 0);
    }
}

static void test_the_top_is_a_map_of_one_document(void **state)
{
    (void)state;
    expect_error("- a\n", ":1: lines like `key: value` were expected");
    expect_error("\nword\n", ":2: lines like `key: value` were expected");
    expect_error("a: 1\n---\nb: 2\n", ":2: a second document begins here; one is read");
    expect_error("[a]: 1\n", ":1: a key is one word");
    expect_error("\"a\\nb\": 1\n", ":1: a key has a control character");
}

static void test_a_key_comes_once(void **state)
{
    (void)state;
    expect_error("a: 1\nb: 2\na: 3\n", ":3: the key 'a' is here twice");
    expect_error("a:\n  b: 1\n  c: 2\n  b: 3\n", ":4: the key 'b' is here twice");
}

static void test_aliases_anchors_and_tags_are_refused(void **state)
{
    (void)state;
    expect_error("a: 1\nb: *x\n", ":2: an alias (*name) is not taken; write the value out");
    expect_error("a: &x 1\n", ":1: an anchor (&name) is not taken; leave it out");
    expect_error("a: &x [1]\n", ":1: an anchor (&name) is not taken; leave it out");
    expect_error("a: &x {b: 1}\n", ":1: an anchor (&name) is not taken; leave it out");
    expect_error("&x a: 1\n", ":1: an anchor (&name) is not taken; leave it out");
    expect_error("a: !!python/object:os.system x\n",
                 ":1: a tag (!name) is not taken; leave it out");
    expect_error("--- !!map\na: 1\n", ":1: a tag (!name) is not taken; leave it out");
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    char text[256];
    snprintf(text, sizeof text, "key: %.*s%.*s\n", 31, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 31,
             "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
    assert_true(read_text(text));
    snprintf(text, sizeof text, "key: %.*s%.*s\n", 33, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 33,
             "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
    expect_error(text, ":1: lists and maps are nested too deeply");
}

static void test_a_million_brackets_end_early(void **state)
{
    (void)state;
    char *text = must_alloc(500001);
    memset(text, '[', 500000);
    memcpy(text, "a: ", 3);
    expect_error(text, ":1: lists and maps are nested too deeply");
    free(text);
}

static void test_size_is_bounded(void **state)
{
    (void)state;
    char *text = must_alloc(YAML_BYTES_MAX + 1);
    memset(text, '#', YAML_BYTES_MAX + 1);
    write_bytes(text, YAML_BYTES_MAX);
    assert_true(yaml_read(&file, path, NULL, &error));
    yaml_release(&file);
    write_bytes(text, YAML_BYTES_MAX + 1);
    assert_false(yaml_read(&file, path, NULL, &error));
    assert_non_null(strstr(error.text, ": has more than 1048576 bytes"));
    free(text);
}

static void test_what_is_no_yaml_is_told_with_its_line(void **state)
{
    (void)state;
    expect_error("a: 1\nb: [1\nc: 2\n",
                 ":3: while parsing a flow sequence: did not find expected ',' "
                 "or ']'");
    expect_error("a: \"x\n", ":2: while scanning a quoted scalar: found unexpected end of stream");
    assert_false(read_text("a: \xff\n"));
    assert_non_null(strstr(error.text, "invalid leading UTF-8 octet"));
    expect_error("a: \"\\0\"\n", ":1: a zero byte is not taken");
}

static void test_a_file_that_is_not_there(void **state)
{
    (void)state;
    assert_false(yaml_read(&file, "/nonexistent/x.yaml", NULL, &error));
    assert_string_equal(error.text,
                        "/nonexistent/x.yaml: cannot be read: No such file or directory");
    assert_false(yaml_read(&file, "/", NULL, &error));
}

static bool is_typed(const char *key)
{
    return strcmp(key, "key") == 0;
}

static bool read_typed(const char *text)
{
    yaml_release(&file);
    write_bytes(text, strlen(text));
    return yaml_read(&file, path, is_typed, &error);
}

/* The value of `key`, of which the scalars keep their types. */
static void expect_typed(const char *text, const char *json)
{
    if (!read_typed(text))
        fail_msg("%s: %s", text, error.text);
    assert_string_equal(file.settings[file.n - 1].key, "key");
    assert_string_equal(file.settings[file.n - 1].text, json);
}

static void expect_untyped(const char *text, const char *what)
{
    if (read_typed(text))
        fail_msg("%s was taken", text);
    assert_non_null(strstr(error.text, what));
}

static void test_scalars_keep_their_types_where_asked(void **state)
{
    (void)state;
    expect_typed("key: [1, -2, +3, 0, 0o17, 0x1F, 9223372036854775807]\n",
                 "[1,-2,3,0,15,31,9223372036854775807]");
    expect_typed("key: [0.5, .5, 2., 1e3, -2.5E-1, 0e0]\n", "[0.5,0.5,2.0,1000.0,-0.25,0.0]");
    expect_typed("key: [true, True, FALSE, null, ~, Null]\n", "[true,true,false,null,null,null]");
    expect_typed("key: ['1', \"true\", 'null', \"0644\"]\n", "[\"1\",\"true\",\"null\",\"0644\"]");
    expect_typed(
        "key: [yes, On, n, 1.2.3, 0o8, 0x, 1_000, 1e, 12:30, -, ., +.]\n",
        "[\"yes\",\"On\",\"n\",\"1.2.3\",\"0o8\",\"0x\",\"1_000\",\"1e\",\"12:30\",\"-\",\".\","
        "\"+.\"]");
    expect_typed("key:\n  a: {b: [1]}\n  true: |\n    1\n",
                 "{\"a\":{\"b\":[1]},\"true\":\"1\\n\"}");
}

static void test_types_are_of_that_key_alone(void **state)
{
    (void)state;
    expect_typed("other: [1]\nkey: [1]\n", "[1]");
    assert_string_equal(file.settings[0].text, "[\"1\"]");
    expect_typed("key: 1\n", "1");
    expect_typed("key: True\n", "True");
}

static void test_numbers_that_readers_read_differently_are_refused(void **state)
{
    (void)state;
    expect_untyped("key:\n  mode: 0644\n", ":2: a number that begins with 0 is octal for some");
    expect_untyped("key: [-07]\n", "write 0o644 for octal");
    expect_untyped("key: [9223372036854775808]\n", ":1: this number is too large");
    expect_untyped("key: [.inf]\n", "no number that can be used");
    expect_untyped("key: [.NaN]\n", "no number that can be used");
    expect_untyped("key: [1e999]\n", "no number that can be used");
}

static int set_up(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    close(fd);
    return fd < 0;
}

static int tear_down(void **state)
{
    (void)state;
    yaml_release(&file);
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars_are_their_text),
        cmocka_unit_test(test_null_is_nothing),
        cmocka_unit_test(test_trees_are_their_json),
        cmocka_unit_test(test_keys_have_their_lines),
        cmocka_unit_test(test_empty_files_have_no_settings),
        cmocka_unit_test(test_the_top_is_a_map_of_one_document),
        cmocka_unit_test(test_a_key_comes_once),
        cmocka_unit_test(test_aliases_anchors_and_tags_are_refused),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_a_million_brackets_end_early),
        cmocka_unit_test(test_size_is_bounded),
        cmocka_unit_test(test_what_is_no_yaml_is_told_with_its_line),
        cmocka_unit_test(test_a_file_that_is_not_there),
        cmocka_unit_test(test_scalars_keep_their_types_where_asked),
        cmocka_unit_test(test_types_are_of_that_key_alone),
        cmocka_unit_test(test_numbers_that_readers_read_differently_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
