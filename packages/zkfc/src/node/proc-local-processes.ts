import { readdir, readFile, readlink } from 'node:fs/promises'
import { ProcessScan, type ProcReader } from '../process-evidence.ts'
import type { LocalProcesses } from '../process-evidence.ts'

/**
 * Reads the kernel's files as they are: their size is 0 in `stat` and their descriptors are links,
 * neither of which `Disk` is made for, hence the one place of this package that opens `node:fs`.
 */
const procReader: ProcReader = {
  read: path => readFile(path, 'latin1'),
  list: path => readdir(path),
  link: path => readlink(path),
}

/** What the kernel of this host knows of its processes; knows nothing where there is no /proc. */
export function createProcLocalProcesses(): LocalProcesses {
  return new ProcessScan(procReader)
}
