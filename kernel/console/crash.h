/* Deliberate ends, for testing what watches the kernel (kinds: README.md). */
#pragma once

/*
 * End the machine in the way that a word `crash=KIND` of the command line asks for. Returns if
 * there is none; of an unknown KIND it says so and returns.
 */
void crash_on_request(const char *command_line);
