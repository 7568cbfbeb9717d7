/* hubctl: the operator's command. */
#include <stdio.h>

int main(void)
{
    fputs("hubctl: nothing here yet\n", stderr);
    return 1;
}
