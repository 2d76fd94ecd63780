/* Runs one network in plain C: the file lies in flash, the arena is a static array, nothing is allocated.
 *
 * The inputs are made of a counter, so that every machine gets the same ones: element i of a row of bytes is
 * (i * 37) mod 256 - 128. Prints the outputs of one inference, a line each. */

#include "nnz.h"
#include "board.h"

#ifndef ARENA_BYTES
#define ARENA_BYTES 16384
#endif

/* The network, see model.S. */
extern const unsigned char model[];
extern const unsigned char model_end[];

static unsigned char arena[ARENA_BYTES] __attribute__((aligned(16)));
static nnz_session session;

/* Ends the program where a call failed. */
static void check(nnz_status status, const char *what)
{
    if (status != NNZ_OK) {
        put(what);
        put(": ");
        put(nnz_status_text(status));
        put("\n");
        leave(1);
    }
}

static void put_number(long number)
{
    char text[16];
    char *at = text + sizeof text;
    unsigned long rest = number < 0 ? -(unsigned long)number : (unsigned long)number;
    *--at = '\0';
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (number < 0)
        *--at = '-';
    put(at);
}

int main(void)
{
    const size_t len = (size_t)(model_end - model);
    if (nnz_arena_len(model, len) > sizeof arena) {
        put("ARENA_BYTES is too small for this network\n");
        leave(1);
    }
    check(nnz_session_open(&session, model, len, arena, sizeof arena), "open");

    nnz_tensor input, output;
    check(nnz_session_input(&session, 0, &input), "input");
    check(nnz_session_output(&session, 0, &output), "output");
    if (input.dtype != NNZ_S8 || output.dtype != NNZ_S8 || input.elements > 4096 || output.elements > 256) {
        put("the example takes small networks of integers\n");
        leave(1);
    }
    static int8_t values[4096], results[256];
    for (size_t i = 0; i < input.elements; i++)
        values[i] = (int8_t)((int)(i * 37 % 256) - 128);
    check(nnz_session_write_s8(&session, 0, values, input.elements), "write");
    check(nnz_session_run(&session), "run");
    check(nnz_session_read_s8(&session, 0, results, output.elements), "read");
    for (size_t i = 0; i < output.elements; i++) {
        put_number(results[i]);
        put("\n");
    }
    nnz_session_close(&session);
    leave(0);
}
