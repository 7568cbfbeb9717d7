#include "ctl/completion.h"

#include "ctl/verb.h"

#include <string.h>

/* What is the same whatever the rows say. */
static const char script_start[] =
    "# bash completion for hubctl, written by `make docs` from the rows of its verbs and flags.\n"
    "\n"
    "# Offers what begins with the word under the cursor, quoted for the shell. Bash replaces only "
    "what\n"
    "# stands behind the last of : = @, so that what is before it is left out.\n"
    "_hubctl_offer() {\n"
    "  local offer\n"
    "  for offer; do\n"
    "    if [[ $offer == \"$word\"* ]]; then\n"
    "      printf -v offer %q \"$offer\"\n"
    "      COMPREPLY+=(\"${offer#\"$before\"}\")\n"
    "    fi\n"
    "  done\n"
    "}\n"
    "\n"
    "# Names as those have them who are asked. Users are asked for from the first letter on: there "
    "may be\n"
    "# thousands.\n"
    "_hubctl_names() {\n"
    "  local -a names ask=(hubctl get \"$1\" -o name --timeout 2 ${word:+--filter \"$word\"})\n"
    "  case $1 in\n"
    "  users) [ -n \"$word\" ] || return 0 ;;&\n"
    "  users | servers) ask+=(\"${hub[@]}\") ;;\n"
    "  pods) ask+=(\"${file[@]}\" \"${cluster[@]}\") ;;\n"
    "  contexts) ask=(hubctl contexts -o name \"${file[@]}\") ;;\n"
    "  esac\n"
    "  mapfile -t names < <(\"${ask[@]}\" 2>/dev/null </dev/null)\n"
    "  _hubctl_offer \"${names[@]}\"\n"
    "}\n"
    "\n"
    "_hubctl() {\n"
    "  local line=${COMP_LINE:0:COMP_POINT} part=${COMP_WORDS[COMP_CWORD]}\n"
    "  local word previous before verb='' first='' words=0 i\n"
    "  local -a typed hub=() file=() cluster=()\n"
    "  COMPREPLY=()\n"
    "  # Bash's own words end at every : and @; ours at blanks, unless a backslash is before "
    "them.\n"
    "  # shellcheck disable=SC2162\n"
    "  read -a typed <<<\"$line\"\n"
    "  if [[ $line == *[[:blank:]] && $line != *\\\\[[:blank:]] ]]; then typed+=(''); fi\n"
    "  i=$((${#typed[@]} - 1))\n"
    "  word=${typed[i]} previous=${typed[i - 1]}\n"
    "  printf -v before %q \"$word\"\n"
    "  case $part in\n"
    "  : | = | :=) ;;\n"
    "  *) before=${before%\"$part\"} ;;\n"
    "  esac\n"
    "  if [ -z \"$word\" ]; then before=''; fi\n"
    "  for ((i = 1; i < ${#typed[@]} - 1; i++)); do\n"
    "    case ${typed[i]} in\n";

static const char script_words[] =
    "    -*) ;;\n"
    "    *)\n"
    "      case $words in 0) verb=${typed[i]} ;; 1) first=${typed[i]} ;; esac\n"
    "      words=$((words + 1))\n"
    "      ;;\n"
    "    esac\n"
    "  done\n"
    "  case $previous in\n";

static const char script_end[] = "}\n"
                                 "complete -F _hubctl hubctl\n";

/* "-o | --output", as a pattern of case. */
static void print_pattern(FILE *out, enum flag flag)
{
    const struct flag_row *row = flag_row(flag);
    if (row->letter)
        fprintf(out, "-%c | ", row->letter);
    fprintf(out, "--%s", row->name);
}

static bool is_file(enum flag flag)
{
    return flag == FLAG_TOKEN_FILE || flag == FLAG_CA_FILE || flag == FLAG_KUBECONFIG;
}

/* Words that are a flag, and the next one if it takes a value. Those that say who is asked are kept
 * in an array, to be given to hubctl again; the others skipped. */
static void print_skipped(FILE *out, const char *array, flag_set which)
{
    const char *start = "    ";
    for (enum flag flag = 0; flag < FLAGS_N; flag++) {
        if (!flag_row(flag)->value || !(which & TAKES(flag)))
            continue;
        fputs(start, out);
        print_pattern(out, flag);
        start = " | ";
    }
    if (array)
        fprintf(out, ") %s+=(\"${typed[i]}\" \"${typed[i + 1]}\"); i=$((i + 1)) ;;\n", array);
    else
        fputs(") i=$((i + 1)) ;;\n", out);
    start = "    ";
    for (enum flag flag = 0; array && flag < FLAGS_N; flag++) {
        if (!(which & TAKES(flag)))
            continue;
        fprintf(out, "%s--%s=*", start, flag_row(flag)->name);
        start = " | ";
    }
    if (array)
        fprintf(out, ") %s+=(\"${typed[i]}\") ;;\n", array);
}

/* After a flag that takes a value: its words, a file, or nothing that could be known. */
static void print_values(FILE *out)
{
    for (enum flag flag = 0; flag < FLAGS_N; flag++) {
        const struct flag_row *row = flag_row(flag);
        if (!row->value)
            continue;
        fputs("  ", out);
        print_pattern(out, flag);
        fputs(") ", out);
        for (size_t i = 0; i < FLAG_WORDS_MAX && row->words[i]; i++)
            fprintf(out, "%s%s", i ? " " : "_hubctl_offer ", row->words[i]);
        if (row->words[0])
            fputs("; ", out);
        else if (flag == FLAG_CONTEXT)
            fputs("_hubctl_names contexts; ", out);
        else if (is_file(flag))
            fputs("mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); ", out);
        fputs("return ;;\n", out);
    }
}

static void print_flags(FILE *out, const struct verb *verb)
{
    fputs("if [[ $word == -* ]]; then _hubctl_offer", out);
    for (enum flag flag = 0; flag < FLAGS_N; flag++) {
        if (verb_takes(verb) & TAKES(flag))
            fprintf(out, " --%s", flag_row(flag)->name);
    }
    fputs("; return; fi\n", out);
}

/* The names that go with a first word like "users", "user" or "server". */
static const char *names_after(const char *choice)
{
    if (strncmp(choice, "server", 6) == 0)
        return "servers";
    if (strncmp(choice, "pod", 3) == 0)
        return "pods";
    if (strncmp(choice, "user", 4) == 0 || strcmp(choice, "tokens") == 0)
        return "users";
    return NULL;
}

static const char *const names_of[] = {[NAMES_USERS] = "users",
                                       [NAMES_SERVERS] = "servers",
                                       [NAMES_PODS] = "pods",
                                       [NAMES_CONTEXTS] = "contexts"};

static void print_choices(FILE *out, const struct verb *verb)
{
    fputs("    if [ \"$words\" = 1 ]; then _hubctl_offer", out);
    for (size_t i = 0; i < VERB_CHOICES_MAX && verb->choices[i]; i++)
        fprintf(out, " %s", verb->choices[i]);
    if (verb->names != NAMES_NONE)
        fprintf(out, "; _hubctl_names %s", names_of[verb->names]);
    fputs("; return; fi\n    case $first in\n", out);
    for (size_t i = 0; i < VERB_CHOICES_MAX && verb->choices[i]; i++) {
        const char *names = verb->words_max > 1 ? names_after(verb->choices[i]) : NULL;
        if (names)
            fprintf(out, "    %s) _hubctl_names %s ;;\n", verb->choices[i], names);
    }
    fputs("    esac\n", out);
}

static void print_verb(FILE *out, const struct verb *verb)
{
    fprintf(out, "  %s)\n    ", verb->name);
    print_flags(out, verb);
    if (verb->choices[0])
        print_choices(out, verb);
    else if (verb->names != NAMES_NONE)
        fprintf(out, "    _hubctl_names %s\n", names_of[verb->names]);
    fputs("    ;;\n", out);
}

void completion_bash(FILE *out)
{
    fputs(script_start, out);
    print_skipped(out, "hub", FLAGS_HUB);
    print_skipped(out, "file", TAKES(FLAG_KUBECONFIG));
    print_skipped(out, "cluster", FLAGS_CLUSTER & ~TAKES(FLAG_KUBECONFIG));
    print_skipped(out, NULL, ~(FLAGS_HUB | FLAGS_CLUSTER));
    fputs(script_words, out);
    print_values(out);
    fputs("  esac\n  case $verb in\n  '') _hubctl_offer", out);
    for (size_t i = 0; i < verbs_n; i++)
        fprintf(out, " %s", verbs[i].name);
    fputs(" ;;\n", out);
    for (size_t i = 0; i < verbs_n; i++)
        print_verb(out, &verbs[i]);
    fputs("  esac\n", out);
    fputs(script_end, out);
}
