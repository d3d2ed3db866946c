/**
 * Host names and address texts as Java's `InetSocketAddress` has and prints them. They matter in
 * three places: the host name inside the znodes (two controllers compare those bytes), the
 * environment of fencing commands, and the texts of haadmin.
 */
import type { Address, Network } from '@baton/runtime'

/** True for a dotted IPv4 or any IPv6 literal. */
export function isIpLiteral(host: string): boolean {
  return isIpv4(host) || (host.includes(':') && /^[0-9a-fA-F:.]+$/.test(host))
}

function isIpv4(host: string): boolean {
  const parts = host.split('.')
  return parts.length === 4 && parts.every(part => /^[0-9]{1,3}$/.test(part) && Number(part) < 256)
}

/**
 * The host name Java writes into the znodes: a name stays as configured, an IP literal becomes its
 * reverse lookup name (127.0.0.1 gives `localhost`), or stays a literal where it has none.
 */
export async function configuredHostName(
  address: Pick<Address, 'host'>,
  network: Pick<Network, 'reverse'>,
): Promise<string> {
  return isIpLiteral(address.host) ? network.reverse(address.host) : address.host
}

/**
 * `host/1.2.3.4:8020`, `/1.2.3.4:8020` where only a literal is known, `host/<unresolved>:8020`.
 * `hostName` undefined or equal to a literal: Java has not asked for a name. An IPv6 literal is
 * printed in full and in brackets.
 */
export function javaAddressText(
  hostName: string | undefined,
  ip: string | undefined,
  port: number,
): string {
  const name = hostName === undefined || isIpLiteral(hostName) ? '' : hostName
  if (ip === undefined) return `${name}/<unresolved>:${port}`
  return `${name}/${ip.includes(':') ? `[${fullIpv6(ip)}]` : ip}:${port}`
}

/**
 * The Java text of a configured address. With `named`, an IP literal is first asked for its name,
 * as Java does once anything called `getHostName` on the address.
 */
export async function resolveJavaAddressText(
  address: Address,
  network: Pick<Network, 'resolve' | 'reverse'>,
  options: { readonly named: boolean },
): Promise<string> {
  const { host, port } = address
  if (isIpLiteral(host)) {
    const name = options.named ? await network.reverse(host) : undefined
    return javaAddressText(name, host, port)
  }
  const ips = await network.resolve(host).catch(() => [] as readonly string[]) // <unresolved>
  return javaAddressText(host, ips.find(ip => !ip.includes(':')) ?? ips[0], port)
}

/** Eight groups without leading zeros, `::` written out: Java never shortens. */
function fullIpv6(ip: string): string {
  const [plain = ip] = ip.split('%')
  const [head = '', tail] = expandIpv4Tail(plain).split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const missing = Math.max(0, 8 - left.length - right.length)
  const groups =
    tail === undefined ? left : [...left, ...new Array<string>(missing).fill('0'), ...right]
  return groups.map(group => parseInt(group, 16).toString(16)).join(':')
}

function expandIpv4Tail(ip: string): string {
  const at = ip.lastIndexOf(':')
  const tail = ip.slice(at + 1)
  if (!isIpv4(tail)) return ip
  const [a = 0, b = 0, c = 0, d = 0] = tail.split('.').map(Number)
  return `${ip.slice(0, at + 1)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
}

/** 127.0.0.0/8, ::1 and the unspecified addresses: always this machine. */
export function isLoopbackOrAny(ip: string): boolean {
  if (isIpv4(ip)) return ip.startsWith('127.') || ip === '0.0.0.0'
  return ['0:0:0:0:0:0:0:1', '0:0:0:0:0:0:0:0'].includes(fullIpv6(ip))
}
