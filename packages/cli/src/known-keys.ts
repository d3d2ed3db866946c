/** Baton's own keys of the site files, and a warning for those that nobody knows. */
import type { Configuration } from '@baton/hadoop'
import { nearest } from './nearest.ts'

/** As in the key tables of the packages' READMEs, in their order; a test compares the two. */
export const KNOWN_KEYS: readonly string[] = [
  'baton.log.level',
  'baton.zkfc.on-stop',
  'baton.zkfc.state-dir',
  'baton.zkfc.activation-backoff.base.ms',
  'baton.zkfc.activation-backoff.max.ms',
  'baton.zkfc.process-evidence.limit.ms',
  'baton.zkfc.breadcrumb-delete.limit.ms',
  'baton.zkfc.breadcrumb.trust-configured-address',
  'baton.zkfc.graceful-fence.connect-timeout.ms',
  'baton.zkfc.thread-dump.bytes.max',
  'baton.fencing.ssh.command-timeout.ms',
  'baton.fencing.ssh.known-hosts',
  'baton.fencing.ssh.known-hosts-file',
  'baton.fencing.shell.timeout.ms',
  'baton.fencing.shell.warn-after.ms',
  'baton.fencing.shell.pass-secrets',
  'baton.events.redis.url',
  'baton.events.redis.stream-prefix',
  'baton.events.redis.stream-length-max',
  'baton.events.redis.queue-max',
  'baton.events.redis.command-timeout.ms',
  'baton.events.redis.close-timeout.ms',
]

/** One text for each `baton.*` key that is no key of ours, naming the one that was meant. */
export function unknownKeyWarnings(conf: Configuration): readonly string[] {
  return [...conf.keys()]
    .filter(key => key.startsWith('baton.') && !KNOWN_KEYS.includes(key))
    .map(key => {
      const near = nearest(key, KNOWN_KEYS)
      return conf.describe(
        key,
        `no such key is known${near === undefined ? '' : `; is ${near} meant?`}`,
      )
    })
}
