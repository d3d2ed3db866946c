/**
 * The line grammar of Java's `Properties`, as far as zoo.cfg files use it: `key=value`,
 * `key: value` or `key value`; `#` and `!` open comments; a backslash at the end continues the
 * line; `\t`, `\n`, `\\`, `\uXXXX` are escapes. Later lines win, as in Java.
 */
export interface Property {
  readonly key: string
  readonly value: string
  /** 1 for the first line of the file. */
  readonly line: number
}

export function parseProperties(text: string): readonly Property[] {
  const found: Property[] = []
  const lines = text.split(/\r\n|\n|\r/)
  for (let at = 0; at < lines.length; at++) {
    const line = at + 1
    let logical = (lines[at] ?? '').trimStart()
    if (logical === '' || logical.startsWith('#') || logical.startsWith('!')) continue
    while (endsInOddBackslashes(logical) && at + 1 < lines.length) {
      at++
      logical = logical.slice(0, -1) + (lines[at] ?? '').trimStart()
    }
    const match = /^((?:\\.|[^\\=:\s])*)(?:\s*[=:]\s*|\s+|$)(.*)$/s.exec(logical)
    if (match === null) continue
    found.push({ key: unescape(match[1] ?? ''), value: unescape(match[2] ?? '').trim(), line })
  }
  return found
}

function endsInOddBackslashes(text: string): boolean {
  const run = /\\+$/.exec(text)
  return run !== null && run[0].length % 2 === 1
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

function unescape(text: string): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|.)/gs, (_, code: string) =>
    code.length === 5
      ? String.fromCharCode(Number.parseInt(code.slice(1), 16))
      : (ESCAPES[code] ?? code),
  )
}
