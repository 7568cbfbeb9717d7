/* hubgate-hub: people log in, it starts their Jupyter servers and keeps the proxy's table true. */
#include <stdio.h>

int main(void)
{
    fputs("hubgate-hub: nothing here yet\n", stderr);
    return 1;
}
