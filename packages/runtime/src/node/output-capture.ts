import { StringDecoder } from 'node:string_decoder'
import { OUTPUT_BYTES_MAX, OUTPUT_DROPPED_MARK } from '../output-limit.ts'

/** A line without an end is handed over in pieces of this many characters. */
const LINE_LENGTH_MAX = 8 * 1024

/** Collects one output stream: its first 64 KiB as text, and each line as it comes. */
export class OutputCapture {
  readonly #onLine: (line: string) => void
  readonly #decoder = new StringDecoder('utf8')
  readonly #kept: Buffer[] = []
  #keptBytes = 0
  #dropped = false
  #line = ''

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine
  }

  add(bytes: Buffer): void {
    const room = OUTPUT_BYTES_MAX - this.#keptBytes
    if (bytes.length > room) this.#dropped = true
    if (room > 0) {
      const part = bytes.subarray(0, room)
      this.#kept.push(part)
      this.#keptBytes += part.length
    }
    this.#split(this.#decoder.write(bytes))
  }

  /** Hands over the last line where it had no end; returns the text kept. */
  end(): string {
    this.#split(this.#decoder.end())
    if (this.#line !== '') this.#onLine(this.#line)
    this.#line = ''
    const text = Buffer.concat(this.#kept).toString('utf8')
    return this.#dropped ? text + OUTPUT_DROPPED_MARK : text
  }

  #split(text: string): void {
    const lines = (this.#line + text).split('\n')
    this.#line = lines.pop() ?? ''
    for (const line of lines) this.#onLine(line.endsWith('\r') ? line.slice(0, -1) : line)
    while (this.#line.length > LINE_LENGTH_MAX) {
      this.#onLine(this.#line.slice(0, LINE_LENGTH_MAX))
      this.#line = this.#line.slice(LINE_LENGTH_MAX)
    }
  }
}
