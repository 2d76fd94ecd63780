/* nnz: sparse neural networks in fixed memory. The C interface.
 *
 * One network, memory of the caller, no operating system needed:
 *
 *     alignas(16) static uint8_t arena[N];              N at least nnz_arena_len(model, model_len)
 *     nnz_session session = {0};
 *     nnz_session_open(&session, model, model_len, arena, sizeof arena);
 *     nnz_session_write_s8(&session, 0, features, 490);
 *     nnz_session_run(&session);
 *     nnz_session_read_s8(&session, 0, scores, 12);
 *
 * With NNZ_HOST, where there is an operating system: nnz_network_open, nnz_session_of_network.
 *
 * Made by cbindgen from bindings/c/src; do not edit. */

#ifndef NNZ_H
#define NNZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// How a call went.
typedef enum nnz_status {
  // As it should.
  NNZ_OK = 0,
  // A pointer is null that may not be.
  NNZ_NULL,
  // The session was not opened, or it was closed or moved.
  NNZ_NOT_OPEN,
  // The bytes are not a network that this version reads.
  NNZ_MODEL,
  // The network's bytes do not begin at a multiple of 4.
  NNZ_MODEL_ALIGNMENT,
  // The library was built without a kernel that the network needs.
  NNZ_KERNELS,
  // The arena is shorter than `nnz_arena_len` says.
  NNZ_ARENA_LEN,
  // The arena does not begin at a multiple of 16.
  NNZ_ARENA_ALIGNMENT,
  // There is no input or output of this index.
  NNZ_NO_SUCH_TENSOR,
  // The tensor has another number of elements.
  NNZ_ELEMENTS,
  // The tensor holds elements of another type.
  NNZ_ELEMENT_TYPE,
  // The file cannot be read.
  NNZ_FILE,
  // Something else, which a later version may tell apart.
  NNZ_OTHER,
} nnz_status;

// Type of a tensor's elements.
typedef enum nnz_dtype {
  // `int8_t`: a real number is `scale * (q - zero_point)`.
  NNZ_S8 = 0,
  // `float`.
  NNZ_F32 = 1,
} nnz_dtype;

#if defined(NNZ_HOST)
// A network of a host: its file in memory, weights packed for the CPU. Threads may share it.
typedef struct nnz_network nnz_network;
#endif

// A network bound to memory. Do not copy or move it while it is open.
typedef struct nnz_session {
  // Not for you.
  uint64_t words[48];
} nnz_session;

// An input or an output, in the order and with the dimensions of the network it was made from.
typedef struct nnz_tensor {
  // Its name, `name_len` bytes of UTF-8 in the network's file, no zero behind them.
  const char *name;
  // Bytes of the name.
  size_t name_len;
  // Type of the elements.
  enum nnz_dtype dtype;
  // Number of elements.
  size_t elements;
  // Number of dimensions, 1 to 4, a batch of 1 included.
  uint32_t rank;
  // The dimensions, those past `rank` 0.
  uint32_t dims[4];
  // Step between two values of `NNZ_S8`; 1 for floats.
  float scale;
  // What stands for 0; 0 for floats.
  int32_t zero_point;
} nnz_tensor;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

#if defined(NNZ_HOST)
// Why this thread's last `nnz_network_open` or `nnz_network_from_bytes` that failed did; empty before. The text stays
// until the thread's next failure.
const char *nnz_last_error(void);
#endif

#if defined(NNZ_HOST)
// Reads and proves a file. `*network` is null where that fails.
//
// # Safety
//
// `path` is a text that ends with a zero, and `network` is writable.
enum nnz_status nnz_network_open(const char *path, struct nnz_network **network);
#endif

#if defined(NNZ_HOST)
// Copies and proves the bytes of a file. `*network` is null where that fails.
//
// # Safety
//
// `bytes` points to `len` bytes, and `network` is writable.
enum nnz_status nnz_network_from_bytes(const uint8_t *bytes,
                                       size_t len,
                                       struct nnz_network **network);
#endif

#if defined(NNZ_HOST)
// Frees a network; null is nothing. Its sessions may go on.
//
// # Safety
//
// `network` came from `nnz_network_open` or `nnz_network_from_bytes` and was not closed.
void nnz_network_close(struct nnz_network *network);
#endif

#if defined(NNZ_HOST)
// The instruction set that runs a network: `portable`, `avx2`, `avx512vnni`…; a text that is always there.
//
// # Safety
//
// `network` is null or an open network.
const char *nnz_network_isa(const struct nnz_network *network);
#endif

#if defined(NNZ_HOST)
// Opens a session with memory of its own; `nnz_session_close` frees it.
//
// # Safety
//
// `session` is writable and not an open session, `network` is an open network.
enum nnz_status nnz_session_of_network(struct nnz_session *session,
                                       const struct nnz_network *network);
#endif

#if defined(NNZ_HOST)
// As `nnz_session_of_network`, with threads of its own that share each run, the caller included: 0 and 1 are the caller
// alone. Outputs are the same bytes for any number. `NNZ_OTHER` where there are more than 256, or the system has no more.
//
// # Safety
//
// As of `nnz_session_of_network`.
enum nnz_status nnz_session_of_network_with_threads(struct nnz_session *session,
                                                    const struct nnz_network *network,
                                                    size_t threads);
#endif

// Bytes of the arena that a network needs; 0 where the bytes are not a network.
//
// # Safety
//
// `model` is null or points to `model_len` bytes.
size_t nnz_arena_len(const uint8_t *model, size_t model_len);

// Proves a network and binds it to an arena: no other memory is used.
//
// # Safety
//
// `session` is writable and not an open session. `model` points to `model_len` bytes that do not change, `arena` to
// `arena_len` bytes that nobody else uses, until the session is closed. The session stays where it is.
enum nnz_status nnz_session_open(struct nnz_session *session,
                                 const uint8_t *model,
                                 size_t model_len,
                                 uint8_t *arena,
                                 size_t arena_len);

// Closes a session; one that is not open stays so.
//
// # Safety
//
// `session` is null or points to a session that was opened, closed or zeroed.
void nnz_session_close(struct nnz_session *session);

// Number of inputs; 0 where the session is not open.
//
// # Safety
//
// As `nnz_session_run`.
size_t nnz_session_inputs(struct nnz_session *session);

// Number of outputs; 0 where the session is not open.
//
// # Safety
//
// As `nnz_session_run`.
size_t nnz_session_outputs(struct nnz_session *session);

// What input `index` is.
//
// # Safety
//
// As `nnz_session_run`, and `tensor` is null or writable.
enum nnz_status nnz_session_input(struct nnz_session *session,
                                  size_t index,
                                  struct nnz_tensor *tensor);

// What output `index` is.
//
// # Safety
//
// As `nnz_session_run`, and `tensor` is null or writable.
enum nnz_status nnz_session_output(struct nnz_session *session,
                                   size_t index,
                                   struct nnz_tensor *tensor);

// Fills input `index`, which must hold `NNZ_S8`. Inputs may share their memory with later tensors: write them again
// before every run.
//
// # Safety
//
// As `nnz_session_run`, and `values` is null or points to `count` elements.
enum nnz_status nnz_session_write_s8(struct nnz_session *session,
                                     size_t index,
                                     const int8_t *values,
                                     size_t count);

// Fills input `index`, which must hold `NNZ_F32`.
//
// # Safety
//
// As `nnz_session_write_s8`.
enum nnz_status nnz_session_write_f32(struct nnz_session *session,
                                      size_t index,
                                      const float *values,
                                      size_t count);

// Copies output `index`, which must hold `NNZ_S8`.
//
// # Safety
//
// As `nnz_session_run`, and `values` is null or has room for `count` elements.
enum nnz_status nnz_session_read_s8(struct nnz_session *session,
                                    size_t index,
                                    int8_t *values,
                                    size_t count);

// Copies output `index`, which must hold `NNZ_F32`.
//
// # Safety
//
// As `nnz_session_read_s8`.
enum nnz_status nnz_session_read_f32(struct nnz_session *session,
                                     size_t index,
                                     float *values,
                                     size_t count);

// Runs the network.
//
// # Safety
//
// `session` is null or points to a session that was opened, closed or zeroed, and no other thread uses it meanwhile.
enum nnz_status nnz_session_run(struct nnz_session *session);

// Goes back to the first step, for `nnz_session_step`.
//
// # Safety
//
// As `nnz_session_run`.
enum nnz_status nnz_session_begin(struct nnz_session *session);

// Runs on for about `budget` multiply-accumulates, so that other work waits no longer than one slice; true when the
// network is done. A session of `nnz_session_of_network` runs whole. False also where the session is not open.
//
// # Safety
//
// As `nnz_session_run`.
bool nnz_session_step(struct nnz_session *session,
                      uint32_t budget);

// What a status means, in English: a text that is always there.
const char *nnz_status_text(int status);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* NNZ_H */
