/** What is kept of one output stream of a program; see `ExecResult`. */
export const OUTPUT_BYTES_MAX = 64 * 1024
export const OUTPUT_DROPPED_MARK = '\n[output beyond 64 KiB dropped]\n'
