/* A Cortex-M without an operating system: vectors, start, and semihosting, with which a debugger or an emulator
 * prints for the program (Arm, "Semihosting for AArch32 and AArch64", 2.0). */

#include "board.h"
#include <stdint.h>

extern uint32_t stack_top, data_start, data_end, data_load, bss_start, bss_end;
int main(void);
void start(void);

static long semihost(long operation, const void *argument)
{
    register long r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void put(const char *text)
{
    semihost(0x04, text); /* SYS_WRITE0 */
}

void leave(int code)
{
    /* SYS_EXIT_EXTENDED with ADP_Stopped_ApplicationExit, so that an emulator ends with the code. */
    const uint32_t block[2] = {0x20026, (uint32_t)code};
    semihost(0x20, block);
    for (;;) {
    }
}

static void fault(void)
{
    put("fault\n");
    leave(2);
}

void start(void)
{
#if defined(__ARM_FP)
    /* The floating-point unit, CPACR: kernels of integers do not use it, the C interface's scales do. */
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20;
    __asm__ volatile("dsb\n isb");
#endif
    for (uint32_t *to = &data_start, *from = &data_load; to < &data_end;)
        *to++ = *from++;
    for (uint32_t *to = &bss_start; to < &bss_end;)
        *to++ = 0;
    main();
    leave(0);
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    &stack_top, (const void *)start, (const void *)fault, (const void *)fault,
    (const void *)fault, (const void *)fault, (const void *)fault,
};
