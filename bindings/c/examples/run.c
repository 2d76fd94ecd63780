/* Runs a network in memory of its own, and with what the operating system offers, by one thread and by two; prints the
 * outputs.
 *
 *     cc run.c -I ../include -L DIR -lnnz_c -o run && ./run model.nnz 17
 *
 * The input is made of the second argument: element i is (i * seed) mod 256 - 128 of an s8 tensor, a 256th of that of
 * floats. Ends with 1 where anything fails or runs differ. */

#define NNZ_HOST
#include "nnz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(nnz_status status, const char *what)
{
    if (status != NNZ_OK) {
        fprintf(stderr, "%s: %s\n", what, nnz_status_text(status));
        exit(1);
    }
}

/* A whole file in memory, which malloc aligns well enough. */
static unsigned char *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) {
        perror(path);
        exit(1);
    }
    *len = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*len + 1);
    if (!bytes || fread(bytes, 1, *len, file) != *len) {
        perror(path);
        exit(1);
    }
    fclose(file);
    return bytes;
}

static int8_t byte(size_t i, unsigned seed)
{
    return (int8_t)((int)((i * seed) % 256) - 128);
}

/* Fills input 0, runs, and copies output 0 as bytes; returns how many. */
static size_t infer(nnz_session *session, unsigned seed, unsigned char **out)
{
    nnz_tensor input, output;
    check(nnz_session_input(session, 0, &input), "input");
    check(nnz_session_output(session, 0, &output), "output");
    float *reals = calloc(input.elements, sizeof *reals);
    int8_t *bytes = calloc(input.elements, 1);
    for (size_t i = 0; i < input.elements; i++) {
        bytes[i] = byte(i, seed);
        reals[i] = byte(i, seed) / 256.0f;
    }
    if (input.dtype == NNZ_S8)
        check(nnz_session_write_s8(session, 0, bytes, input.elements), "write");
    else
        check(nnz_session_write_f32(session, 0, reals, input.elements), "write");
    check(nnz_session_run(session), "run");
    size_t size = output.elements * (output.dtype == NNZ_S8 ? 1 : sizeof(float));
    *out = calloc(size, 1);
    if (output.dtype == NNZ_S8)
        check(nnz_session_read_s8(session, 0, (int8_t *)*out, output.elements), "read");
    else
        check(nnz_session_read_f32(session, 0, (float *)*out, output.elements), "read");
    free(reals);
    free(bytes);
    return size;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s MODEL.nnz SEED\n", argv[0]);
        return 1;
    }
    unsigned seed = (unsigned)atoi(argv[2]);

    /* As a microcontroller does: the caller's memory only. */
    size_t len;
    unsigned char *model = read_file(argv[1], &len);
    size_t arena_len = nnz_arena_len(model, len);
    unsigned char *arena = aligned_alloc(16, (arena_len + 15) / 16 * 16 + 16);
    static nnz_session plain;
    check(nnz_session_open(&plain, model, len, arena, arena_len), argv[1]);
    unsigned char *first, *second;
    size_t size = infer(&plain, seed, &first);
    nnz_session_close(&plain);

    /* As a host does: memory of its own, the vectors of this CPU. */
    nnz_network *network;
    if (nnz_network_open(argv[1], &network) != NNZ_OK) {
        fprintf(stderr, "%s\n", nnz_last_error());
        return 1;
    }
    static nnz_session session;
    for (size_t threads = 1; threads <= 2; threads++) {
        check(nnz_session_of_network_with_threads(&session, network, threads), "session");
        if (infer(&session, seed, &second) != size || memcmp(first, second, size)) {
            fprintf(stderr, "runs differ\n");
            return 1;
        }
        free(second);
        nnz_session_close(&session);
    }
    nnz_network_close(network);
    for (size_t i = 0; i < size; i++)
        printf("%02x", first[i]);
    printf("\n");
    free(first);
    free(arena);
    free(model);
    return 0;
}
