#include "spawner/usage.h"

#include "keeper/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const uint64_t second_ns = 1000000000;

/* Sums over a tree of processes. */
struct sum {
    uint64_t cpu_ns, memory_bytes;
};

void usage_begin(struct usage *usage, uint64_t id, pid_t pid, const struct cgroup *cgroup,
                 struct usage_mark mark)
{
    *usage = (struct usage){.id = id, .pid = pid, .mark = mark};
    usage->cgroup.version = cgroup->version;
    for (size_t i = 0; i < CGROUP_KINDS; i++)
        if (cgroup->paths[i])
            usage->cgroup.paths[i] = must_copy(cgroup->paths[i]);
}

void usage_release(struct usage *usage)
{
    cgroup_release(&usage->cgroup);
}

/* Pages of its own: those it shares, with its parent most of all, would count several times. */
static uint64_t private_pages(const struct process *process)
{
    char path[64];
    unsigned long long resident = 0, shared = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)process->pid);
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%*u %llu %llu", &resident, &shared) != 2)
        resident = shared = 0;
    if (file)
        fclose(file);
    return resident > shared ? resident - shared : 0;
}

static void add_trees(struct sum *sums, const struct usage *list, size_t n)
{
    struct processes all = {0};
    pid_t *roots = must_alloc((n + 1) * sizeof *roots);
    const uint64_t tick_ns = second_ns / (uint64_t)sysconf(_SC_CLK_TCK);
    const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < n; i++)
        roots[i] = list[i].pid;
    if (processes_read(&all))
        processes_sort(&all, roots, n);
    for (size_t i = 0; i < all.n; i++) {
        const struct process *process = &all.list[i];
        if (process->root < 0)
            continue;
        sums[process->root].cpu_ns += process->cpu_ticks * tick_ns;
        sums[process->root].memory_bytes += private_pages(process) * page_bytes;
    }
    processes_release(&all);
    free(roots);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * second_ns + (uint64_t)now.tv_nsec;
}

/* Cores since the last measure. A tree's time shrinks when a process goes that nobody waited for:
 * then nothing is known of this once. */
static void compare(struct usage *usage, const struct sum *sum)
{
    struct usage_mark before = usage->mark;
    usage->mark = (struct usage_mark){sum->cpu_ns, now_ns()};
    usage->used.memory_bytes = sum->memory_bytes;
    usage->used.known = sum->memory_bytes > 0;
    if (before.at_ns && usage->mark.at_ns > before.at_ns && sum->cpu_ns > before.cpu_ns)
        usage->used.cpu =
            (double)(sum->cpu_ns - before.cpu_ns) / (double)(usage->mark.at_ns - before.at_ns);
}

void usage_measure(struct usage *list, size_t n)
{
    struct sum *sums = must_alloc((n + 1) * sizeof *sums);
    bool trees = false;
    for (size_t i = 0; i < n; i++) {
        uint64_t number;
        trees = trees || !cgroup_memory(&list[i].cgroup, &number) ||
                !cgroup_cpu_time(&list[i].cgroup, &number);
    }
    if (trees)
        add_trees(sums, list, n);
    for (size_t i = 0; i < n; i++) {
        uint64_t number;
        if (cgroup_memory(&list[i].cgroup, &number))
            sums[i].memory_bytes = number;
        if (cgroup_cpu_time(&list[i].cgroup, &number))
            sums[i].cpu_ns = number;
        compare(&list[i], &sums[i]);
    }
    free(sums);
}
