#include "keeper/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

/* The fields of /proc/PID/stat after the name (proc(5)): state is the third of all. */
enum { STATE = 3, PARENT = 4, CPU_FIRST = 14, CPU_LAST = 17, START = 22, RESIDENT = 24 };

static bool read_stat(char *text, size_t size, pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, size - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    return true;
}

bool process_read(struct process *process, pid_t pid)
{
    char text[1024];
    if (!read_stat(text, sizeof text, pid))
        return false;
    char *at = strrchr(text, ')'); /* the name may hold anything, this too */
    if (!at || at[1] != ' ')
        return false;
    *process = (struct process){.pid = pid, .root = -1};
    at += 2;
    process->ended = *at == 'Z' || *at == 'X';
    at++;
    for (int field = PARENT; field <= RESIDENT; field++) {
        uint64_t value = strtoull(at, &at, 10);
        if (field == PARENT)
            process->parent = (pid_t)value;
        else if (field >= CPU_FIRST && field <= CPU_LAST)
            process->cpu_ticks += value;
        else if (field == START)
            process->start_ticks = value;
        else if (field == RESIDENT)
            process->resident_pages = value;
    }
    return true;
}

void process_boot(char boot[static PROCESS_BOOT_BYTES])
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (!file || !fgets(boot, PROCESS_BOOT_BYTES, file))
        snprintf(boot, PROCESS_BOOT_BYTES, "unknown");
    boot[strcspn(boot, "\n")] = '\0';
    if (file)
        fclose(file);
}

int process_open(pid_t pid, uint64_t start_ticks, const char *boot)
{
    struct process process;
    char now[PROCESS_BOOT_BYTES];
    process_boot(now);
    if (pid <= 1 || strcmp(boot, now) != 0)
        return -1;
    int fd = pidfd_open(pid, 0);
    /* Looked at after it was opened: the number cannot have changed hands in between. */
    if (fd >= 0 && process_read(&process, pid) && !process.ended &&
        process.start_ticks == start_ticks)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool make_room(struct processes *all)
{
    if (all->n < all->room)
        return true;
    size_t room = all->room ? all->room * 2 : 256;
    struct process *list = realloc(all->list, room * sizeof *list);
    if (!list)
        return false;
    all->list = list;
    all->room = room;
    return true;
}

static int by_pid(const void *a, const void *b)
{
    const struct process *one = a, *other = b;
    return (one->pid > other->pid) - (one->pid < other->pid);
}

bool processes_read(struct processes *all)
{
    DIR *proc = opendir("/proc");
    if (!proc)
        return false;
    all->n = 0;
    bool room = true;
    for (struct dirent *entry; room && (entry = readdir(proc));) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid > 0 && (room = make_room(all)) && process_read(&all->list[all->n], pid))
            all->n++;
    }
    closedir(proc);
    if (all->n)
        qsort(all->list, all->n, sizeof *all->list, by_pid);
    return room;
}

void processes_release(struct processes *all)
{
    free(all->list);
    *all = (struct processes){0};
}

static struct process *find(const struct processes *all, pid_t pid)
{
    struct process wanted = {.pid = pid};
    return all->n ? bsearch(&wanted, all->list, all->n, sizeof wanted, by_pid) : NULL;
}

void processes_sort(struct processes *all, const pid_t *roots, size_t roots_n)
{
    for (size_t i = 0; i < roots_n; i++) {
        struct process *root = find(all, roots[i]);
        if (root)
            root->root = (int)i;
    }
    /* Children mostly have higher numbers than their parents: few rounds. */
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < all->n; i++) {
            struct process *process = &all->list[i];
            const struct process *parent = process->root < 0 ? find(all, process->parent) : NULL;
            if (!parent || parent->root < 0)
                continue;
            process->root = parent->root;
            changed = true;
        }
    }
}

size_t processes_kill_below(pid_t root)
{
    struct processes all = {0};
    size_t alive = 0;
    if (processes_read(&all))
        processes_sort(&all, &root, 1);
    for (size_t i = 0; i < all.n; i++) {
        const struct process *process = &all.list[i];
        if (process->root < 0 || process->pid == root || process->ended)
            continue;
        kill(process->pid, SIGKILL);
        alive++;
    }
    processes_release(&all);
    return alive;
}
