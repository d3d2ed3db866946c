import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './paths.ts'

const PROPERTY =
  /<property>\s*<name>([^<]+)<\/name>\s*<value>([\s\S]*?)<\/value>[\s\S]*?<\/property>/g

/** The properties of a shipped sample file, as they stand there. */
export function sampleProperties(file: string): Map<string, string> {
  const text = readFileSync(join(ROOT, 'deploy', file), 'utf8').replace(/<!--[\s\S]*?-->/g, '')
  return new Map([...text.matchAll(PROPERTY)].map(([, name = '', value = '']) => [name, value]))
}

/**
 * Writes core-site.xml and hdfs-site.xml into `directory`: the shipped samples, with the given
 * values in place of theirs. undefined removes a property.
 */
export function writeSite(
  directory: string,
  replaced: {
    readonly core: Readonly<Record<string, string | undefined>>
    readonly hdfs: Readonly<Record<string, string | undefined>>
  },
): void {
  mkdirSync(directory, { recursive: true })
  for (const [name, values] of [
    ['core-site.xml', replaced.core],
    ['hdfs-site.xml', replaced.hdfs],
  ] as const) {
    const properties = sampleProperties(name)
    for (const [key, value] of Object.entries(values)) {
      if (value === undefined) properties.delete(key)
      else properties.set(key, escape(value))
    }
    const rows = [...properties].map(
      ([key, value]) => `  <property><name>${key}</name><value>${value}</value></property>`,
    )
    const xml = `<?xml version="1.0"?>\n<configuration>\n${rows.join('\n')}\n</configuration>\n`
    writeFileSync(join(directory, name), xml)
  }
}

function escape(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
