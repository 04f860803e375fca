#include "doctor/version.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>

/* The next number of a version, and where it ends; a missing one is 0. */
static unsigned long next_number(const char **p) {
        unsigned long number = 0;

        while (isdigit((unsigned char) **p)) {
                number = number > 100000000 ? number : number * 10 + (unsigned long) (**p - '0');
                (*p)++;
        }
        return number;
}

static bool next_part(const char **p) {
        if (**p != '.')
                return false;
        (*p)++;
        return true;
}

int version_compare(const char *a, const char *b) {
        bool more_a = true, more_b = true;

        while (more_a || more_b) {
                unsigned long x = more_a ? next_number(&a) : 0, y = more_b ? next_number(&b) : 0;

                if (x != y)
                        return x < y ? -1 : 1;
                more_a = more_a && next_part(&a);
                more_b = more_b && next_part(&b);
        }
        return 0;
}
