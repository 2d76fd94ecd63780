// Runs the network in model.h (`xxd -i net.nnz > model.h`, the array aligned to 16) on zeros and prints its outputs.

#include <nnz.h>
#include "model.h"

alignas(16) static uint8_t arena[16384];
static nnz_session session;
static int8_t inputs[4096], outputs[256];

void setup()
{
    Serial.begin(115200);
    nnz_status status = nnz_session_open(&session, net_nnz, net_nnz_len, arena, sizeof arena);
    if (status != NNZ_OK)
        Serial.println(nnz_status_text(status));
}

void loop()
{
    nnz_tensor input, output;
    if (nnz_session_input(&session, 0, &input) != NNZ_OK || input.elements > sizeof inputs)
        return;
    if (nnz_session_output(&session, 0, &output) != NNZ_OK || output.elements > sizeof outputs)
        return;
    nnz_session_write_s8(&session, 0, inputs, input.elements);
    const unsigned long begin = micros();
    nnz_session_run(&session);
    const unsigned long taken = micros() - begin;
    nnz_session_read_s8(&session, 0, outputs, output.elements);
    for (size_t i = 0; i < output.elements; i++)
        Serial.println(outputs[i]);
    Serial.print(taken);
    Serial.println(" us");
    delay(1000);
}
