/* Benchmarks that run in the booted kernel, before its prompt (figures: benchmarks/README.md). */
#pragma once

/*
 * Run those that the word `perf=NAME[,NAME...]` of the command line asks for, in their own order.
 * A NAME is a benchmark's, or the beginning of several up to a dot: `heap`, `heap.random`,
 * `heap.random.100`. Returns at once if there is no such word.
 */
void perf_on_request(const char *command_line);
