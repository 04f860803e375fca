#include "agent/call.h"
const Route source_routes[] = { { 0 } };
