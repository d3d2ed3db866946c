export interface Random {
  /** An integer in [0, below). */
  int(below: number): number
  bytes(count: number): Uint8Array
}
