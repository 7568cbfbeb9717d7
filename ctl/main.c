/* hubctl: the operator's command. A command line becomes an order, and the order's verb does it. */
#include "base/nearest.h"
#include "base/str.h"
#include "ctl/completion.h"
#include "ctl/reference.h"
#include "ctl/verb.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum exit_status verb_completion(struct order *order)
{
    if (strcmp(order->read.words[0], "bash") != 0)
        return order_misused(order, "there is a script for bash alone");
    completion_bash(stdout);
    return EXIT_DONE;
}

/* What is asked of the program itself; -1: nothing. */
static int answer_about(int argc, char *const *argv)
{
    if (argc < 2) {
        reference_help(stderr);
        return EXIT_USAGE;
    }
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        reference_help(stdout);
    else if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0))
        printf("%s\n", HUBGATE_VERSION);
    else if (argc == 3 && strcmp(argv[1], "--print-reference") == 0 && strcmp(argv[2], "man") == 0)
        reference_man(stdout);
    else if (argc == 3 && strcmp(argv[1], "--print-reference") == 0)
        reference_markdown(stdout);
    else
        return -1;
    return EXIT_DONE;
}

static enum exit_status refuse_unknown(struct order *order, const char *word)
{
    struct nearest nearest = {.name = span_of(word)};
    for (size_t i = 0; i < verbs_n; i++)
        nearest_try(&nearest, span_of(verbs[i].name));
    if (!nearest.best.p)
        return order_misused(order, "there is no verb '%.80s'", word);
    return order_misused(order, "there is no verb '%.80s' (did you mean %.*s?)", word,
                         (int)nearest.best.n, nearest.best.p);
}

/* Takes the verb from the words, and holds its flags and words against its row. */
static enum exit_status check(struct order *order)
{
    struct flags_read *read = &order->read;
    if (read->words_n == 0)
        return order_misused(order, "which verb?");
    order->verb = verb_find(read->words[0]);
    if (!order->verb)
        return refuse_unknown(order, read->words[0]);
    memmove(read->words, read->words + 1, --read->words_n * sizeof *read->words);
    for (enum flag flag = 0; flag < FLAGS_N; flag++) {
        if (read->given & TAKES(flag) & ~verb_takes(order->verb))
            return order_misused(order, "%s takes no --%s", order->verb->name,
                                 flag_row(flag)->name);
    }
    if (order->flags.help)
        return EXIT_DONE;
    if (read->words_n < order->verb->words_min)
        return order_misused(order, "%s what? It takes %s", order->verb->name,
                             order->verb->operands);
    if (read->words_n > order->verb->words_max)
        return order_misused(order, "%s: '%.80s' is one word too many", order->verb->name,
                             read->words[order->verb->words_max]);
    for (size_t i = 0; i < read->words_n; i++) {
        for (struct span word = span_of(read->words[i]); word.n;) {
            size_t n = utf8_sequence(word);
            if (n == 0)
                return order_misused(order, "'%.80s' is not UTF-8, as names are", read->words[i]);
            word = (struct span){word.p + n, word.n - n};
        }
    }
    return EXIT_DONE;
}

static enum exit_status carry_out(struct order *order)
{
    struct error error;
    if (order->flags.help) {
        reference_verb(order->verb, stdout);
        return EXIT_DONE;
    }
    if (order->verb->asks == ASKS_HUB && !order_ask_hub(order, &error))
        return order_failed(order, &error);
    return order->verb->run(order);
}

/* Twice: what a letter means, the verb says, and the verb is the first word that is no flag. */
static bool read_line(struct order *order, int argc, char *const *argv, struct error *error)
{
    if (!flags_read(argc, argv, 0, &order->flags, &order->read, error))
        return false;
    const struct verb *verb = order->read.words_n ? verb_find(order->read.words[0]) : NULL;
    if (!verb)
        return true;
    free(order->read.words);
    order->flags = (struct flags){0};
    order->read = (struct flags_read){0};
    return flags_read(argc, argv, verb_takes(verb), &order->flags, &order->read, error);
}

/* Whoever read our stdout has gone: we end by the signal that this would have been to us at once,
 * had it not been put off (ctl/kube). Returns if it is something else. */
static void end_with_reader(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    struct sigaction action = {.sa_handler = SIG_DFL};
    if (poll(&out, 1, 0) != 1 || !(out.revents & POLLERR))
        return;
    sigaction(SIGPIPE, &action, NULL);
    raise(SIGPIPE);
}

int main(int argc, char **argv)
{
    struct order order = {0};
    struct error error;
    int about = answer_about(argc, argv);
    /* For the widths of characters: what a hub says is UTF-8, and so is what we print. */
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        setlocale(LC_CTYPE, "");
    note_start(&order.note);
    enum exit_status status = about >= 0 ? (enum exit_status)about : EXIT_DONE;
    if (about < 0) {
        if (read_line(&order, argc, argv, &error))
            status = check(&order);
        else
            status = order_misused(&order, "%s", error.text);
        if (status == EXIT_DONE)
            status = carry_out(&order);
    }
    order_release(&order);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        int why = errno;
        end_with_reader();
        fprintf(stderr, "hubctl: cannot write to stdout: %s\n", strerror(why));
        return EXIT_FAILED;
    }
    return (int)status;
}
