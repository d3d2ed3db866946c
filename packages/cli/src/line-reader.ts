/** Lines of a byte stream, asked for one at a time; longer ones than the limit end it. */
const LINE_LENGTH_MAX = 1_048_576

/** undefined once the stream has ended. A last line without an end counts as a line. */
export function lineReader(
  open: () => AsyncIterable<Uint8Array | string>,
): () => Promise<string | undefined> {
  const decoder = new TextDecoder()
  let chunks: AsyncIterator<Uint8Array | string> | undefined
  let text = ''
  let ended = false
  return async () => {
    chunks ??= open()[Symbol.asyncIterator]()
    while (!ended && !text.includes('\n')) {
      const { value, done } = await chunks.next()
      if (done === true) ended = true
      else text += typeof value === 'string' ? value : decoder.decode(value, { stream: true })
      if (text.length > LINE_LENGTH_MAX) ended = true
    }
    const end = text.indexOf('\n')
    if (end < 0 && text === '') return undefined
    const line = end < 0 ? text : text.slice(0, end)
    text = end < 0 ? '' : text.slice(end + 1)
    return line.endsWith('\r') ? line.slice(0, -1) : line
  }
}
