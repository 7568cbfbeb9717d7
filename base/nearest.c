#include "base/nearest.h"

/* Edits between two names: insert, remove, replace, each one step. */
static size_t distance(struct span a, struct span b)
{
    enum { MAX = 64 };
    size_t row[MAX + 1];
    if (a.n > MAX || b.n > MAX)
        return MAX;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t best = diagonal + (a.p[i - 1] != b.p[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b.n];
}

/* Near enough to be a slip of the finger: at most three edits, and most of the letters right. */
static bool is_near(size_t steps, size_t a, size_t b)
{
    size_t letters = a > b ? a : b;
    return steps <= 3 && (letters - steps) * 5 > letters * 2;
}

void nearest_try(struct nearest *nearest, struct span known)
{
    size_t steps = distance(nearest->name, known);
    if ((nearest->best.p && steps >= nearest->steps) || !is_near(steps, nearest->name.n, known.n))
        return;
    nearest->best = known;
    nearest->steps = steps;
}
