import { DiskError, type Disk, type DiskFile } from '@baton/runtime'

/** A disk that can only be read: path -> text. Everything else is a mistake of the test. */
export function filesDisk(files: Readonly<Record<string, string | Uint8Array | DiskError>>): Disk {
  const refuse = (): never => {
    throw new Error('this disk is for reading only')
  }
  const bytesOf = (path: string): Uint8Array | undefined => {
    const content = files[path]
    if (content instanceof DiskError) throw content
    return typeof content === 'string' ? new TextEncoder().encode(content) : content
  }
  const open = async (path: string): Promise<DiskFile> => {
    const bytes = bytesOf(path)
    if (bytes === undefined) throw new DiskError('ENOENT', path)
    return {
      path,
      size: async () => bytes.length,
      read: async (at, length) => bytes.slice(at, at + length),
      append: refuse,
      write: refuse,
      sync: refuse,
      truncate: refuse,
      close: async () => {},
    }
  }
  return {
    open,
    stat: async path => {
      const bytes = bytesOf(path)
      return bytes === undefined ? undefined : { size: bytes.length, isDirectory: false }
    },
    rename: refuse,
    remove: refuse,
    list: refuse,
    makeDirectory: refuse,
    syncDirectory: refuse,
    lock: refuse,
  }
}

export const configurationXml = (body: string): string =>
  '<?xml version="1.0"?>\n<configuration xmlns:xi="http://www.w3.org/2001/XInclude">' +
  `${body}</configuration>`

export const property = (name: string, value: string, rest = ''): string =>
  `<property><name>${name}</name><value>${value}</value>${rest}</property>\n`

export const FINAL = '<final>true</final>'
