/**
 * The locks that a server holds for its life: two servers on one directory would destroy it. The
 * logs have a lock of their own, since servers with a dataDir each may by mistake share a
 * dataLogDir.
 */
import type { Disk, DiskLock } from '@baton/runtime'
import type { ServerConfig } from './config.ts'

const LOCK_FILE = 'baton.lock'
const LOG_LOCK_FILE = 'baton-log.lock'

/** Takes both or none; rejects with `ELOCKED` where another process has one. */
export async function lockDirectories(
  disk: Disk,
  config: Pick<ServerConfig, 'dataDir' | 'dataLogDir'>,
): Promise<DiskLock> {
  const data = await disk.lock(`${config.dataDir}/${LOCK_FILE}`)
  try {
    const log = await disk.lock(`${config.dataLogDir}/${LOG_LOCK_FILE}`)
    return { release: async () => void (await Promise.all([data.release(), log.release()])) }
  } catch (error) {
    await data.release()
    throw error
  }
}
