/**
 * Room for znodes, carved from buffers of our own. Node's shared pool would mix them with buffers
 * that live for one request, and one surviving node would then keep eight kilobytes of rubbish.
 *
 * Room is never given back piece by piece: a slab goes when its last node has gone. `wastedBytes`
 * says how much lies idle; the tree relocates all nodes when that outgrows what lives, so memory
 * stays within a factor of two and the cost of moving is spread over the writes that caused it.
 */
const SLAB_BYTES = 16 * 1024
/** Larger pieces get a buffer of their own. */
const SHARED_PIECE_BYTES_MAX = 4 * 1024

/** What of a piece keeps others company, and so lies idle when it is let go. */
export function sharedBytes(length: number): number {
  return length > SHARED_PIECE_BYTES_MAX ? 0 : length
}

export class Slab {
  /** Where the last reserved piece lies. */
  bytes: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES)
  #shared: Buffer = this.bytes
  #used = 0

  /** Offset of `length` fresh bytes in `bytes`. What they hold is arbitrary. */
  reserve(length: number): number {
    if (length > SHARED_PIECE_BYTES_MAX) {
      this.bytes = Buffer.allocUnsafeSlow(length)
      return 0
    }
    if (this.#used + length > SLAB_BYTES) {
      this.#shared = Buffer.allocUnsafeSlow(SLAB_BYTES)
      this.#used = 0
    }
    this.bytes = this.#shared
    const at = this.#used
    this.#used += length
    return at
  }
}
