#include "base/id.h"

#include <errno.h>
#include <sys/random.h>

#include "base/clock.h"

void id_new(char ret[static ID_LENGTH + 1]) {
        static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz"; /* Crockford's base 32 */
        uint64_t msec = clock_realtime_usec() / USEC_PER_MSEC;
        unsigned char random[16];

        /* 16 bytes are never handed out in part; EINTR only comes before the pool is ready. */
        while (getrandom(random, sizeof(random), 0) < 0 && errno == EINTR)
                ;
        for (int i = 9; i >= 0; i--, msec >>= 5)
                ret[i] = letters[msec & 31];
        for (int i = 0; i < 16; i++)
                ret[10 + i] = letters[random[i] & 31];
        ret[ID_LENGTH] = '\0';
}
