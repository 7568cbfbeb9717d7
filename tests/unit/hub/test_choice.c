/* Profiles of KubeSpawner's form: how the list is read, what users may choose of it, and which maps
 * come of it. Slugs, defaults and the order of maps are what KubeSpawner 7.1 was seen to make. */
#include "hub/choice.h"
#include "hub/profile_list.h"

#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *tree(const char *text)
{
    json_error_t fault;
    json_t *made = json_loads(text, JSON_DECODE_ANY, &fault);
    if (!made)
        fail_msg("%s: %s", text, fault.text);
    return made;
}

static json_t *read_list(const char *text)
{
    struct error why;
    json_t *list = tree(text), *profiles = profile_list_read(list, &why);
    json_decref(list);
    if (!profiles)
        fail_msg("%s: %s", text, why.text);
    return profiles;
}

static void expect_fault(const char *text, const char *what)
{
    struct error why;
    json_t *list = tree(text), *profiles = profile_list_read(list, &why);
    json_decref(list);
    if (profiles)
        fail_msg("%s was taken", text);
    assert_string_equal(why.text, what);
}

/* ---- the list ---- */

static void expect_slug(const char *name, const char *slug)
{
    json_t *list = json_pack("[{ss}]", "display_name", name);
    struct error why;
    json_t *profiles = profile_list_read(list, &why);
    assert_non_null(profiles);
    assert_string_equal(json_string_value(json_object_get(json_array_get(profiles, 0), "slug")),
                        slug);
    json_decref(profiles);
    json_decref(list);
}

static void test_slugs_are_those_of_kubespawner(void **state)
{
    (void)state;
    expect_slug("Demo - profile_list entry 1", "demo-profile-list-entry-1");
    expect_slug("GPU, 1,000 cores", "gpu-1000-cores");
    expect_slug("R & D", "r-d");
    expect_slug("Ada's  GPU (A100)!", "ada-s-gpu-a100");
    expect_slug("--a--b--", "a-b");
    expect_slug("1, 2,x,3", "1-2-x-3");
    expect_slug("深度学习", "profile-1"); /* there they are transliterated */
}

static void test_a_map_counts_in_the_order_of_its_keys(void **state)
{
    (void)state;
    json_t *profiles = read_list("{\"b\":{\"display_name\":\"First\"},"
                                 "\"a\":{\"display_name\":\"Second\",\"slug\":\"Two_2.x\"}}");
    json_t *expected = tree("[{\"name\":\"Second\",\"slug\":\"Two_2.x\",\"where\":\".a\"},"
                            "{\"name\":\"First\",\"slug\":\"first\",\"where\":\".b\"}]");
    assert_true(json_equal(profiles, expected));
    json_decref(expected);
    json_decref(profiles);
}

static void test_faults_are_told_with_where_they_are(void **state)
{
    (void)state;
    expect_fault("3", ": a list or map of profiles was expected");
    expect_fault("[3]", "[0]: a map was expected");
    expect_fault("[{}]", "[0]: it has no display_name");
    expect_fault("{\"gpu\":{\"display_name\":\"\"}}", ".gpu.display_name: a text was expected");
    expect_fault("[{\"display_name\":\"A\"},{\"display_nam\":\"B\"}]",
                 "[1]: unknown member 'display_nam'; did you mean display_name?");
    expect_fault("[{\"display_name\":\"A\",\"slug\":\"a b\"}]",
                 "[0].slug: a word of letters, digits, -, _ and . was expected");
    expect_fault("[{\"display_name\":\"A\"},{\"display_name\":\"a\"}]",
                 "[1]: two profiles have the slug a; give one of them another");
    expect_fault("[{\"display_name\":\"A\",\"kubespawner_override\":[]}]",
                 "[0].kubespawner_override: a map was expected");
    expect_fault("[{\"display_name\":\"A\",\"profile_options\":{\"image\":{\"choices\":"
                 "{\"torch\":{\"display_name\":[]}}}}}]",
                 "[0].profile_options.image.choices.torch.display_name: a text was expected");
    expect_fault("[{\"display_name\":\"A\",\"profile_options\":{\"image\":{\"choices\":"
                 "{\"torch\":{\"name\":\"x\"}}}}}]",
                 "[0].profile_options.image.choices.torch: unknown member 'name'; there are "
                 "display_name, default, kubespawner_override");
    expect_fault("[{\"display_name\":\"A\",\"profile_options\":{\"image\":{}}}]",
                 "[0].profile_options.image: nothing can be chosen: it has no choices, and "
                 "unlisted_choice is not enabled");
    expect_fault("[{\"display_name\":\"A\",\"profile_options\":{\"image\":{\"unlisted_choice\":"
                 "{\"enabled\":true,\"validation_regex\":\"(?!x)\"}}}}]",
                 "[0].profile_options.image.unlisted_choice.validation_regex: '(?!' is not known "
                 "here");
    expect_fault("[{\"display_name\":\"A\",\"profile_options\":{\"profile\":{\"choices\":"
                 "{\"a\":{}}}}}]",
                 "[0].profile_options.profile: an option cannot have this name");
}

/* ---- choosing ---- */

static const char list_text[] =
    "[{\"display_name\":\"CPU\",\"slug\":\"cpu\",\"kubespawner_override\":{\"cpu_limit\":1},"
    "\"profile_options\":{"
    "\"image\":{\"display_name\":\"Image\",\"choices\":{"
    "\"torch\":{\"display_name\":\"PyTorch\",\"kubespawner_override\":{\"image\":\"torch:1\"}},"
    "\"sci\":{\"default\":true,\"kubespawner_override\":{\"image\":\"sci:1\"}}},"
    "\"unlisted_choice\":{\"enabled\":true,\"validation_regex\":\"our/.+\","
    "\"validation_message\":\"An image of ours, our/NAME\",\"kubespawner_override\":"
    "{\"image\":\"{value}\",\"environment\":{\"{value}\":\"{{{value}}} {user}\"}}}},"
    "\"size\":{\"choices\":{\"small\":{\"kubespawner_override\":{\"mem_limit\":\"1G\"}},"
    "\"large\":{\"kubespawner_override\":{\"mem_limit\":\"8G\"}}},"
    "\"unlisted_choice\":{\"enabled\":false}}}}]";

/* options, "null" for none, and the maps that come of them; or what is wrong. */
static void expect(const char *options, const char *overrides, const char *what)
{
    struct error why = {""};
    json_t *profiles = read_list(list_text), *chosen = tree(options);
    json_t *made =
        choice_overrides(json_array_get(profiles, 0), json_is_null(chosen) ? NULL : chosen, &why);
    json_t *expected = overrides ? tree(overrides) : NULL;
    if (!made && !what)
        fail_msg("%s: %s", options, why.text);
    if (what)
        assert_string_equal(why.text, what);
    char *text = json_dumps(made, JSON_COMPACT);
    if (overrides && !json_equal(made, expected))
        fail_msg("%s gives %s", options, text);
    free(text);
    json_decref(expected);
    json_decref(made);
    json_decref(chosen);
    json_decref(profiles);
}

#define CPU   "{\"cpu_limit\":1}"
#define SCI   "{\"image\":\"sci:1\"}"
#define TORCH "{\"image\":\"torch:1\"}"
#define SMALL "{\"mem_limit\":\"1G\"}"

static void test_choices_are_laid_over_the_profile_in_order(void **state)
{
    (void)state;
    expect("null", "[" CPU "," SCI "," SMALL "]", NULL);
    expect("{\"profile\":\"cpu\"}", "[" CPU "," SCI "," SMALL "]", NULL);
    expect("{\"profile\":\"cpu\",\"size\":\"small\",\"image\":\"torch\"}",
           "[" CPU "," TORCH "," SMALL "]", NULL);
    expect("{\"image\":\"torch\",\"size\":null,\"image--unlisted-choice\":\"\"}",
           "[" CPU "," TORCH "," SMALL "]", NULL);
}

static void test_a_value_of_ones_own_is_filled_in(void **state)
{
    (void)state;
    expect("{\"image--unlisted-choice\":\"our/lab:2\",\"image\":\"unlisted-choice\"}",
           "[" CPU ",{\"image\":\"our/lab:2\",\"environment\":{\"our/lab:2\":"
           "\"{our/lab:2} {user}\"}}," SMALL "]",
           NULL);
    expect("{\"image--unlisted-choice\":\"their/lab\"}", NULL, "Image: An image of ours, our/NAME");
    expect("{\"image\":\"unlisted-choice\"}", NULL, "Image: An image of ours, our/NAME");
    expect("{\"image--unlisted-choice\":\"x our/lab\"}", NULL, "Image: An image of ours, our/NAME");
    expect("{\"image--unlisted-choice\":\"our/a\\nb\"}", NULL, "Image: An image of ours, our/NAME");
    expect("{\"size--unlisted-choice\":\"9G\"}", NULL,
           "size: only what is in the list can be chosen");
}

static void test_what_is_not_offered_is_refused(void **state)
{
    (void)state;
    expect("{\"image\":\"tensorflow\"}", NULL, "Image: tensorflow is not offered; choose another");
    expect("{\"image\":[\"torch\"]}", NULL, "Image: a text was expected");
    expect("{\"size\":1}", NULL, "size: a text was expected");
    expect("{\"imag\":\"torch\"}", NULL, "imag: CPU has no such option");
    expect("{\"image--unlisted\":\"our/x\"}", NULL, "image--unlisted: CPU has no such option");
}

/* ---- the form ---- */

static void expect_options(const char *fields, const char *options)
{
    json_t *given = tree(fields), *expected = tree(options), *made = choice_of_form(given);
    if (json_is_null(expected))
        assert_null(made);
    else
        assert_true(json_equal(made, expected));
    json_decref(made);
    json_decref(expected);
    json_decref(given);
}

static void test_fields_of_the_chosen_profile_are_its_options(void **state)
{
    (void)state;
    expect_options(
        "{\"profile\":\"cpu\",\"profile-option-cpu--image\":\"torch\","
        "\"profile-option-cpu--image--unlisted-choice\":\"our/x\","
        "\"profile-option-gpu--image\":\"sci\",\"utm_source\":\"mail\"}",
        "{\"profile\":\"cpu\",\"image\":\"torch\",\"image--unlisted-choice\":\"our/x\"}");
    expect_options("{\"profile-option---image\":\"torch\",\"profile\":\"\"}", "null");
    expect_options("{\"utm_source\":\"mail\"}", "null");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slugs_are_those_of_kubespawner),
        cmocka_unit_test(test_a_map_counts_in_the_order_of_its_keys),
        cmocka_unit_test(test_faults_are_told_with_where_they_are),
        cmocka_unit_test(test_choices_are_laid_over_the_profile_in_order),
        cmocka_unit_test(test_a_value_of_ones_own_is_filled_in),
        cmocka_unit_test(test_what_is_not_offered_is_refused),
        cmocka_unit_test(test_fields_of_the_chosen_profile_are_its_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
