import { describeEvent } from '@baton/zkfc'
import type { ControllerEvent } from '@baton/zkfc'

/** One entry of a stream: its key, and fields with their values in order. */
export interface StreamEntry {
  readonly key: string
  readonly fields: readonly (readonly [name: string, value: string])[]
}

const JSON_LENGTH_MAX = 16 * 1024

/**
 * `source` and `sequence` together name an event for good: after a lost answer an entry is written
 * again, and a reader drops the second. An event too long for an entry (a thread dump) leaves its
 * JSON out and keeps the words.
 */
export function toStreamEntry(
  event: ControllerEvent,
  place: { readonly keyPrefix: string; readonly source: string; readonly sequence: number },
): StreamEntry {
  const json = JSON.stringify(event)
  return {
    key: place.keyPrefix + event.nameserviceId,
    fields: [
      ['at', String(event.at)],
      ['kind', event.kind],
      ['nameservice', event.nameserviceId],
      ['namenode', event.namenodeId],
      ['source', place.source],
      ['sequence', String(place.sequence)],
      ['text', describeEvent(event)],
      ['event', json.length <= JSON_LENGTH_MAX ? json : ''],
    ],
  }
}
