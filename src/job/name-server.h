#pragma once

/*
 * The name servers that a Docker on this machine hands to containers: these ask them from inside of their own network,
 * so what is out of reach there answers no names either.
 */

/**
 * name_servers_read() - "dns" of the daemon's settings; or those of /etc/resolv.conf, or where that names nothing but
 * systemd-resolved on the loopback, those that it asks
 * @root: where the files are looked for; "" but in tests
 * @ret:  IPv4 and IPv6 addresses; NULL: there are none, or they cannot be read
 *
 * Source: dockerd(8), --dns; "DNS services" in Docker's "Networking overview".
 *
 * Return: 0; -ENOMEM.
 */
int name_servers_read(const char *root, char ***ret);

/** name_server_find_link_local() - the first in 169.254.0.0/16; NULL: none */
const char *name_server_find_link_local(char *const *servers);
