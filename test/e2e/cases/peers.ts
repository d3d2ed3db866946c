import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { undisturbed } from '../calm-rig.ts'
import type { Rig } from '../rig.ts'

/** What a stranger may send, and whether the daemon has to end the link. */
const INPUTS: readonly (readonly [string, Buffer])[] = [
  ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
  ['a TLS hello', Buffer.from('16030100c8010000c40303deadbeefdeadbeef', 'hex')],
  ['the length of 2 GiB', Buffer.from('7fffffff00000000', 'hex')],
  ['a negative length', Buffer.from('ffffffff00000000', 'hex')],
  ['bytes of no meaning', Buffer.from(Array.from({ length: 4_096 }, (_, at) => (at * 73) % 251))],
  ['half a frame of ZooKeeper', Buffer.from('0000002d00000000', 'hex')],
  ['Hadoop RPC, then garbage', Buffer.from('68727063090000' + '00ffffffff'.repeat(9), 'hex')],
  ['half a frame of Hadoop RPC', Buffer.from('6872706309000000001000', 'hex')],
]

/** Sends, says that nothing more comes, and waits until the daemon has ended the link, too. */
function send(port: number, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }, () => socket.end(bytes))
    socket.setTimeout(15_000, () => {
      reject(new Error(`port ${port} still holds the link`))
      socket.destroy()
    })
    socket.resume()
    // A reset is an end as well; `close` follows it.
    socket.on('error', () => {})
    socket.on('close', () => resolve())
  })
}

const PORTS: readonly (readonly [string, (rig: Rig) => number])[] = [
  ['the server', rig => rig.serverPort],
  ['the controller of the active', rig => rig.ports.nn1.zkfc],
  ['the controller of the standby', rig => rig.ports.nn2.zkfc],
  ['the active NameNode', rig => rig.ports.nn1.rpc],
]

describe.concurrent('a stranger on a port', () => {
  test.each(PORTS)('%s ends every bad link and goes on', async (_, portOf) => {
    await undisturbed(async rig => {
      await Promise.all(INPUTS.map(([, bytes]) => send(portOf(rig), bytes)))
      for (const child of [rig.server, rig.controller('nn1'), rig.controller('nn2')]) {
        expect(child.exitCode, child.log).toBeUndefined()
      }
    })
  })

  test('the daemons still do their work afterwards', async () => {
    await undisturbed(async rig => {
      await Promise.all(
        PORTS.flatMap(([, portOf]) => INPUTS.map(([, bytes]) => send(portOf(rig), bytes))),
      )
      const health = await rig.baton(['haadmin', '-checkHealth', 'nn1'])
      expect(health.code, health.text).toBe(0)
      const words = ['zkcli', '-server', rig.connectString, 'ls', '/hadoop-ha/mycluster']
      const children = await rig.baton(words)
      expect(children.code, children.text).toBe(0)
      expect(children.stdout).toContain('ActiveStandbyElectorLock')
    })
  })
})
