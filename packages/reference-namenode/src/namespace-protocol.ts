/** What a writer and a reader may ask of the reference NameNode. */
import { defineMethod, emptyShape, type Shape } from '@baton/hadoop'
import type { DescMessage } from '@bufbuild/protobuf'
import {
  AppendRequestSchema,
  AppendResponseSchema,
  LsRequestSchema,
  LsResponseSchema,
  MkdirRequestSchema,
  MkdirResponseSchema,
  ReadRequestSchema,
  ReadResponseSchema,
  SetSafeModeRequestSchema,
  SetSafeModeResponseSchema,
} from './gen/namespace_pb.ts'
import type { ListedEntry } from './namespace.ts'

export interface PathRequest {
  /** Absolute, with `/`. */
  readonly path: string
}

export interface AppendRequest extends PathRequest {
  /** One line of text, kept as it is. */
  readonly entry: string
}

export interface ReadRequest extends PathRequest {
  readonly from: number
  readonly countMax: number
}

export interface ReadResponse {
  /** Of the whole file. */
  readonly entryCount: number
  readonly entries: readonly string[]
}

const NAME = 'org.baton.reference.NamespaceProtocol'

function pathShape<Desc extends DescMessage>(schema: Desc): Shape<PathRequest, Desc> {
  return {
    schema,
    toMessage: ({ path }) => ({ path }) as never,
    fromMessage: message => ({ path: (message as unknown as PathRequest).path }),
  }
}

const append: Shape<AppendRequest, typeof AppendRequestSchema> = {
  schema: AppendRequestSchema,
  toMessage: ({ path, entry }) => ({ path, entry }),
  fromMessage: ({ path, entry }) => ({ path, entry }),
}

/** An edit that is safe: synced, in an epoch that was still the newest after the sync. */
export interface MkdirResponse {
  readonly txid: number
}

const mkdirAnswer: Shape<MkdirResponse, typeof MkdirResponseSchema> = {
  schema: MkdirResponseSchema,
  toMessage: ({ txid }) => ({ txid: BigInt(txid) }),
  fromMessage: ({ txid }) => ({ txid: Number(txid) }),
}

export interface AppendResponse extends MkdirResponse {
  /** Entries of the file, this one included. */
  readonly entryCount: number
}

const appendAnswer: Shape<AppendResponse, typeof AppendResponseSchema> = {
  schema: AppendResponseSchema,
  toMessage: ({ txid, entryCount }) => ({ txid: BigInt(txid), entryCount }),
  fromMessage: ({ txid, entryCount }) => ({ txid: Number(txid), entryCount }),
}

const listing: Shape<{ readonly entries: readonly ListedEntry[] }, typeof LsResponseSchema> = {
  schema: LsResponseSchema,
  toMessage: ({ entries }) => ({ entries: entries.map(entry => ({ ...entry })) }),
  fromMessage: ({ entries }) => ({
    entries: entries.map(({ name, directory, entryCount }) => ({ name, directory, entryCount })),
  }),
}

const read: Shape<ReadRequest, typeof ReadRequestSchema> = {
  schema: ReadRequestSchema,
  toMessage: ({ path, from, countMax }) => ({ path, from, countMax }),
  fromMessage: ({ path, from, countMax }) => ({ path, from, countMax }),
}

const readAnswer: Shape<ReadResponse, typeof ReadResponseSchema> = {
  schema: ReadResponseSchema,
  toMessage: ({ entryCount, entries }) => ({ entryCount, entries: [...entries] }),
  fromMessage: ({ entryCount, entries }) => ({ entryCount, entries }),
}

const safeMode: Shape<{ readonly on: boolean }, typeof SetSafeModeRequestSchema> = {
  schema: SetSafeModeRequestSchema,
  toMessage: ({ on }) => ({ on }),
  fromMessage: ({ on }) => ({ on }),
}

/** Our own; there is no such protocol in Hadoop. */
export const NamespaceProtocol = {
  name: NAME,
  /** Makes missing parents; nothing is wrong where it exists. */
  mkdir: defineMethod(NAME, 'mkdir', pathShape(MkdirRequestSchema), mkdirAnswer),
  /** Adds one entry to a file, which is made where missing (its directory must exist). */
  append: defineMethod(NAME, 'append', append, appendAnswer),
  ls: defineMethod(NAME, 'ls', pathShape(LsRequestSchema), listing),
  read: defineMethod(NAME, 'read', read, readAnswer),
  setSafeMode: defineMethod(NAME, 'setSafeMode', safeMode, emptyShape(SetSafeModeResponseSchema)),
} as const
