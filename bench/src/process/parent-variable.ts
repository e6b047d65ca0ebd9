/** The variable that tells a measured process who asks it. */

/** Holds the number of the process that started it, so that processes which inherit it know that they are not meant. */
export const parentVariable = "BENCH_PARENT_PID";
