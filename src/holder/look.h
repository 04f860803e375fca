#pragma once

/**
 * look() - podstep-holder look PID [TARGET SOURCE DEVICE INODE]...: what is mounted in the container of a process
 *
 * Each TARGET, inside its root, must be the file of this device and inode. SOURCE is what it is called on the host, and
 * only told.
 */
int look(char **argv);
