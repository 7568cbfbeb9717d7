#include "proxy/ending.h"

static const struct {
    const char *word;
    unsigned status, distinct;
} rows[ENDINGS] = {
#define ROW(name, word, status, distinct, meaning) [END_##name] = {word, status, distinct},
    ENDING_ROWS(ROW)
#undef ROW
};

const char *ending_word(unsigned ending)
{
    return rows[ending].word;
}

unsigned ending_status(enum ending ending, bool distinct)
{
    return distinct ? rows[ending].distinct : rows[ending].status;
}
