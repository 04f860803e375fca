#pragma once

/**
 * memory_give_back() - what was needed once, and is not while nothing happens
 *
 * Free pages of the heap; and the pages of the program and its libraries, of which starting has touched far more than
 * waiting does (libmicrohttpd alone brings GnuTLS). Those that are needed again come from the file, as at first.
 */
void memory_give_back(void);
