/* A program of its own, linked far from the kernel. */
struct session {
    int id;
    long opened;
} session = {9, 1000};
void _start(void) {
    session.id++;
}
