/* Boot, and show a prompt: a line that is typed is answered by the number of free frames. */
#include "kernel.h"

_Noreturn void kernel_main(uint64_t info) {
    console_init();
    print("textbook kernel\r\n");
    *(uint64_t *)at_physical(kernel_root()) = 0; /* the boot code's mapping at 0 */
    asm volatile("mov %0, %%cr3" : : "r"(kernel_root()) : "memory");
    frames_init(at_physical(info));
    for (;;) {
        print("> ");
        for (char key = read_key(); key != '\r' && key != '\n'; key = read_key()) {
            print((char[]){key, '\0'});
        }
        print("\r\nfree frames: ");
        print_number(free_frames);
        print("\r\n");
    }
}
