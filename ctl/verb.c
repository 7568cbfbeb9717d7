#include "ctl/verb.h"

#include <string.h>

enum { MANY = 100000 };

const struct verb verbs[] = {
    {
        .name = "get",
        .operands = "users|servers|routes|tokens|groups|pods [NAME...]",
        .summary = "list users, servers, routes, tokens, groups or pods",
        .text =
            "Prints one line for each, or for those that are named. Servers are listed while they "
            "run; --state all shows the others too. Tokens are those of the users named, else "
            "your own; --all asks for everybody's. Times are ages: ACTIVE is how long ago it was "
            "last used, AGE since when it has been there. A dash is what the hub does not know: "
            "JupyterHub measures neither CPU nor memory, hubgate-hub does. Pods are the cluster's: "
            "those of users, whose names may follow, with the words of kubectl; all else is the "
            "hub's.",
        .run = verb_get,
        .words_min = 1,
        .words_max = MANY,
        .takes = TAKES(FLAG_OUTPUT) | TAKES(FLAG_SORT) | TAKES(FLAG_FILTER) | TAKES(FLAG_STATE) |
                 TAKES(FLAG_ALL) | TAKES(FLAG_WATCH),
        .asks = ASKS_BOTH,
        .choices = {"users", "servers", "routes", "tokens", "groups", "pods"},
        .examples = {{"Everybody, the longest idle first", "hubctl get users --sort -active"},
                     {"What starts or stops now", "hubctl get servers --state pending"},
                     {"All there is about one user", "hubctl get users ada -o yaml"},
                     {"Stop every server whose name holds \"test\"",
                      "hubctl get servers --filter test -o name | xargs -rd '\\n' hubctl stop"},
                     {"Whose pods are where", "hubctl get pods -n hub -o wide"}},
    },
    {
        .name = "describe",
        .operands = "[user|server|pod] NAME[/SERVER]",
        .summary = "say all about a user's server and its pod, or about one of these alone",
        .text =
            "The server as the hub has it: its state, address, options, CPU and memory, what its "
            "spawner keeps of it, and its last log lines, as far as the hub gives these out; then "
            "its pod as the cluster has it, where the hub says that there is one or --context or "
            "-n is given: its status, node, image, claims and events. A word before the name asks "
            "for one of them alone, or for the user with groups, roles and servers.",
        .run = verb_describe,
        .words_min = 1,
        .words_max = 2,
        .takes = TAKES(FLAG_OUTPUT),
        .asks = ASKS_BOTH,
        .choices = {"user", "server", "pod"},
        .names = NAMES_SERVERS,
        .examples = {{"Ada's server, and its pod if it is one", "hubctl describe ada"},
                     {"A user", "hubctl describe user ada"},
                     {"Ada's server called gpu, as the hub has it",
                      "hubctl describe server ada/gpu"},
                     {"The pod alone, also while the hub is away",
                      "hubctl describe pod ada -n hub"}},
    },
    {
        .name = "logs",
        .operands = "USER[/SERVER]",
        .summary = "print what a server wrote",
        .text =
            "The last lines of the log that the hub keeps for the server, running or not. "
            "Colours are left out, and other control characters are shown as \\x1b. Of the hubs, "
            "hubgate-hub keeps such logs. With --context, -n, -c or -p it is the log of the "
            "server's pod, which the cluster keeps; so it is where the hub has none, but says that "
            "the server is a pod.",
        .run = verb_logs,
        .words_min = 1,
        .words_max = 1,
        .takes =
            TAKES(FLAG_FOLLOW) | TAKES(FLAG_TAIL) | TAKES(FLAG_CONTAINER) | TAKES(FLAG_PREVIOUS),
        .asks = ASKS_BOTH,
        .names = NAMES_SERVERS,
        .examples = {{"Why it did not start", "hubctl logs ada"},
                     {"Look on", "hubctl logs -f --tail 20 ada/gpu"},
                     {"What a pod said before it was restarted", "hubctl logs -p ada -n hub"}},
    },
    {
        .name = "start",
        .operands = "USER[/SERVER]...",
        .summary = "start servers",
        .text =
            "Returns when the hub has agreed; with --wait when the server answers or has failed, "
            "and the progress is shown meanwhile. A server that runs already is no failure.",
        .run = verb_start,
        .words_min = 1,
        .words_max = MANY,
        .takes = TAKES(FLAG_PROFILE) | TAKES(FLAG_WAIT),
        .asks = ASKS_HUB,
        .names = NAMES_USERS,
        .examples = {{"Start and look on", "hubctl start ada --wait"},
                     {"A second server with another profile",
                      "hubctl start ada/gpu --profile large -w"}},
    },
    {
        .name = "stop",
        .operands = "USER[/SERVER]...",
        .summary = "stop servers",
        .text = "Waits until each is gone, and says so. A server that does not run is no failure.",
        .run = verb_stop,
        .words_min = 1,
        .words_max = MANY,
        .takes = TAKES(FLAG_NO_WAIT),
        .asks = ASKS_HUB,
        .names = NAMES_SERVERS,
        .examples = {{"Two of them", "hubctl stop ada ada/gpu"},
                     {"All that run", "hubctl get servers -o name | xargs -rd '\\n' hubctl stop"}},
    },
    {
        .name = "add",
        .operands = "USER...",
        .summary = "add users",
        .text = "Makes them known to the hub, so that they may have servers and tokens before they "
                "first log in. Exit status 1 if one of them was there already.",
        .run = verb_add,
        .words_min = 1,
        .words_max = MANY,
        .takes = TAKES(FLAG_ADMIN),
        .asks = ASKS_HUB,
        .examples = {{"Two students", "hubctl add ada grace"},
                     {"An admin", "hubctl add linus --admin"}},
    },
    {
        .name = "delete",
        .operands = "USER[/SERVER]...",
        .summary = "delete users, or named servers",
        .text =
            "Stops what runs, then has the hub forget them with their tokens; their files stay. "
            "Asks before, unless -y is given. USER/SERVER deletes that server alone.",
        .run = verb_delete,
        .words_min = 1,
        .words_max = MANY,
        .takes = TAKES(FLAG_YES),
        .asks = ASKS_HUB,
        .names = NAMES_USERS,
        .examples = {{"One user, after a question", "hubctl delete ada"},
                     {"A server that is not needed any more", "hubctl delete -y ada/gpu"}},
    },
    {
        .name = "token",
        .operands = "USER",
        .summary = "make a token for a user, or revoke one",
        .text = "Prints the new token once, alone on stdout; what else there is to know goes to "
                "stderr. The hub keeps only its hash, so nobody can print it again.",
        .run = verb_token,
        .words_min = 1,
        .words_max = 1,
        .takes = TAKES(FLAG_NOTE) | TAKES(FLAG_EXPIRES) | TAKES(FLAG_SCOPES) | TAKES(FLAG_REVOKE) |
                 TAKES(FLAG_OUTPUT),
        .asks = ASKS_HUB,
        .names = NAMES_USERS,
        .examples =
            {{"One for a script, good for 90 days",
              "hubctl token ada --note backup --expires 90d --scopes read:users"},
             {"Keep your own where hubctl finds it",
              "(umask 077; mkdir -p ~/.config/hubgate; hubctl token ada >~/.config/hubgate/token)"},
             {"Take one back", "hubctl token ada --revoke a12"}},
    },
    {
        .name = "top",
        .operands = "[servers|pods]",
        .summary = "watch running servers or pods: CPU, memory, last activity",
        .text = "A table that is drawn again every two seconds, those with the most CPU first, as "
                "many as the terminal has lines. Goes on while the hub restarts. CPU is in cores. "
                "Servers are the hub's; what they use is measured by the hub, or by the cluster "
                "where they are pods and the hub does not know. Pods are the cluster's. A cluster "
                "measures if it has metrics-server.",
        .run = verb_top,
        .words_min = 0,
        .words_max = 1,
        .takes = TAKES(FLAG_ONCE) | TAKES(FLAG_EVERY) | TAKES(FLAG_SORT) | TAKES(FLAG_FILTER),
        .asks = ASKS_BOTH,
        .choices = {"servers", "pods"},
        .examples = {{"Who uses the memory", "hubctl top --sort -memory"},
                     {"Which pods do, by the cluster's measures", "hubctl top pods -n hub"},
                     {"Into a file", "hubctl top --once >servers.txt"}},
    },
    {
        .name = "events",
        .operands = "",
        .summary = "list what happened in the cluster",
        .text = "What Kubernetes noted of its objects, which it keeps for an hour: pods scheduled, "
                "images pulled, containers killed. The oldest first.",
        .run = verb_events,
        .takes = TAKES(FLAG_FOR) | TAKES(FLAG_OUTPUT) | TAKES(FLAG_SORT) | TAKES(FLAG_FILTER) |
                 TAKES(FLAG_ALL) | TAKES(FLAG_WATCH),
        .asks = ASKS_CLUSTER,
        .examples = {{"Why a pod does not start", "hubctl events --for ada"},
                     {"Look on", "hubctl events -n hub -w"}},
    },
    {
        .name = "exec",
        .operands = "USER[/SERVER] -- COMMAND [WORD...]",
        .summary = "run a command in a server's pod",
        .text =
            "In the container where the server runs, as its user. What the command writes comes "
            "to stdout and stderr as it is, and its exit code becomes hubctl's. Without -i it "
            "has no stdin. It needs the right to get and create pods/exec.",
        .run = verb_exec,
        .words_min = 2,
        .words_max = MANY,
        .takes = TAKES(FLAG_CONTAINER) | TAKES(FLAG_STDIN) | TAKES(FLAG_TTY),
        .asks = ASKS_CLUSTER,
        .names = NAMES_PODS,
        .examples = {{"What fills the home directory", "hubctl exec ada -- du -sh /home/jovyan"},
                     {"A shell", "hubctl exec -it ada/gpu -- bash"},
                     {"A file into it", "hubctl exec -i ada -- tee notes.txt <notes.txt"}},
    },
    {
        .name = "contexts",
        .operands = "",
        .summary = "list the clusters that a kubeconfig knows",
        .text = "The contexts of the kubeconfig: a cluster, a user of it and a namespace each. The "
                "current one, which verbs use that are given no --context, has a star.",
        .run = verb_contexts,
        .takes =
            TAKES(FLAG_OUTPUT) | TAKES(FLAG_SORT) | TAKES(FLAG_FILTER) | TAKES(FLAG_KUBECONFIG),
        .asks = ASKS_NOBODY,
        .examples = {{"Which cluster is asked, and where", "hubctl contexts -o wide"}},
    },
    {
        .name = "use-context",
        .operands = "NAME",
        .summary = "make a context the current one",
        .text = "Changes that one line of the kubeconfig, for kubectl too; all else in it stays as "
                "it was written.",
        .run = verb_use_context,
        .words_min = 1,
        .words_max = 1,
        .takes = TAKES(FLAG_KUBECONFIG),
        .asks = ASKS_NOBODY,
        .names = NAMES_CONTEXTS,
        .examples = {{"From now on, the lab's cluster", "hubctl use-context lab"}},
    },
    {
        .name = "whoami",
        .operands = "",
        .summary = "say whose token is used, and what it may do",
        .text = "The user or service that the token belongs to, its scopes, where the token was "
                "found, and which hub was asked.",
        .run = verb_whoami,
        .takes = TAKES(FLAG_OUTPUT),
        .asks = ASKS_HUB,
        .examples = {{"Before anything else", "hubctl whoami"}},
    },
    {
        .name = "version",
        .operands = "",
        .summary = "print the versions of hubctl and of the hub",
        .text = "Needs no token. hubctl --version prints the first alone and asks no hub.",
        .run = verb_version,
        .takes = TAKES(FLAG_OUTPUT),
        .asks = ASKS_HUB,
        .examples = {{"Both", "hubctl version"}},
    },
    {
        .name = "completion",
        .operands = "bash",
        .summary = "print the script that completes hubctl's words in bash",
        .text = "It completes verbs, flags, and names, for which it asks the hub, two seconds at "
                "most. make install puts it where bash finds it.",
        .run = verb_completion,
        .words_min = 1,
        .words_max = 1,
        .asks = ASKS_NOBODY,
        .choices = {"bash"},
        .examples = {{"In this shell", "source <(hubctl completion bash)"}},
    },
};

const size_t verbs_n = COUNT(verbs);

const struct verb *verb_find(const char *name)
{
    for (size_t i = 0; i < verbs_n; i++) {
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    }
    return NULL;
}

flag_set verb_takes(const struct verb *verb)
{
    bool hub = verb->asks == ASKS_HUB || verb->asks == ASKS_BOTH;
    bool cluster = verb->asks == ASKS_CLUSTER || verb->asks == ASKS_BOTH;
    return verb->takes | FLAGS_EVERY | (hub ? FLAGS_HUB : 0) | (cluster ? FLAGS_CLUSTER : 0);
}

const char *verb_asks(const struct verb *verb)
{
    static const char *const whom[] = {[ASKS_HUB] = "the hub",
                                       [ASKS_CLUSTER] = "the cluster",
                                       [ASKS_BOTH] = "the hub and the cluster"};
    return whom[verb->asks];
}
