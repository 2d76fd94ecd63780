/* What the program needs of a machine: somewhere to print, and an end. A project of yours has its own. */

#ifndef BOARD_H
#define BOARD_H

/* Prints a text. */
void put(const char *text);

/* Ends the program. */
void leave(int code) __attribute__((noreturn));

#endif
