/** `Connection.send` answers false above this; `onDrain` comes below half of it. */
export const SEND_MARK_BYTES = 1024 * 1024
/** A sender that ignores the mark loses its link here rather than the process its memory. */
export const SEND_QUEUE_BYTES_MAX = 256 * 1024 * 1024
export const SEND_QUEUE_REASON = 'the send queue passed its bound'
