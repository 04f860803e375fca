#pragma once

/* What the holder takes, for those who start it. */

#define HOLDER_TARGETS_MAX 512 /* HOST:PORT */
