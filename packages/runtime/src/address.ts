/** A TCP end point. `host` is a name or an IP literal as configured; it is never canonicalised. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** `host:port`, with brackets around an IPv6 literal. */
export function formatAddress(address: Address): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return `${host}:${address.port}`
}

/**
 * Parses `host:port`, `[v6]:port`, or `host` where `defaultPort` is given.
 * Throws `RangeError` with a plain-word message; the caller adds the key or option it came from.
 */
export function parseAddress(text: string, defaultPort?: number): Address {
  const trimmed = text.trim()
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s]+))(?::(\d+))?$/.exec(trimmed)
  const host = match?.[1] ?? match?.[2]
  if (match === null || host === undefined) {
    throw new RangeError(`"${text}" is not host:port`)
  }
  if (match[3] === undefined && defaultPort === undefined) {
    throw new RangeError(`"${text}" names no port: expected host:port`)
  }
  const port = match[3] === undefined ? (defaultPort ?? 0) : Number(match[3])
  if (port > 65_535) throw new RangeError(`port ${match[3]} of "${text}" is out of range 0-65535`)
  return { host, port }
}

export function sameAddress(a: Address, b: Address): boolean {
  return a.host === b.host && a.port === b.port
}
