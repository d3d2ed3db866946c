import type { Stat } from '@baton/client'

/** The eleven lines of zkCli.sh; times in UTC. */
export function formatStat(stat: Stat): string {
  const lines = [
    `cZxid = 0x${stat.czxid.toString(16)}`,
    `ctime = ${javaDate(stat.ctime)}`,
    `mZxid = 0x${stat.mzxid.toString(16)}`,
    `mtime = ${javaDate(stat.mtime)}`,
    `pZxid = 0x${stat.pzxid.toString(16)}`,
    `cversion = ${stat.cversion}`,
    `dataVersion = ${stat.version}`,
    `aclVersion = ${stat.aversion}`,
    `ephemeralOwner = ${hexadecimal(stat.ephemeralOwner)}`,
    `dataLength = ${stat.dataLength}`,
    `numChildren = ${stat.numChildren}`,
  ]
  return `${lines.join('\n')}\n`
}

/** Java's `Date.toString`: `Thu Jan 01 00:00:00 UTC 1970`. */
function javaDate(timeMs: number): string {
  const date = new Date(timeMs)
  if (Number.isNaN(date.getTime())) return String(timeMs)
  const [weekday = '', day = '', month = '', year = '', time = ''] = date.toUTCString().split(/,? /)
  return `${weekday} ${month} ${day} ${time} UTC ${year}`
}

/** Session ids are 64 bits unsigned in zkCli.sh's eyes. */
function hexadecimal(id: bigint): string {
  return `0x${BigInt.asUintN(64, id).toString(16)}`
}

/** A Stat as JSON data; the session id, which no JSON number holds, as text. */
export function statRecord(stat: Stat): object {
  return { ...stat, ephemeralOwner: hexadecimal(stat.ephemeralOwner) }
}
