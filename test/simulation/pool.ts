import { Worker } from 'node:worker_threads'

export interface PoolOptions<Task, Result> {
  /** The bundle of `worker-main.ts`. */
  readonly path: string
  readonly tasks: readonly Task[]
  readonly threadsMax: number
  /** True: enough, end all threads. */
  readonly onResult: (result: Result) => boolean
}

/** Deals tasks out to threads. Which thread runs one changes nothing in it. */
export async function runPool<Task, Result>(options: PoolOptions<Task, Result>): Promise<void> {
  const { path, tasks, threadsMax, onResult } = options
  const threads = Math.max(1, Math.min(threadsMax, tasks.length))
  const workers: Worker[] = []
  let stopped = false
  const runThread = (at: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const mine = tasks.filter((_, index) => index % threads === at)
      const worker = new Worker(path, { workerData: mine, execArgv: [] })
      workers.push(worker)
      worker.on('message', (result: Result) => {
        if (stopped || !onResult(result)) return
        stopped = true
        for (const other of workers) void other.terminate()
      })
      worker.on('error', reject)
      worker.on('exit', code => {
        if (code === 0 || stopped) resolve()
        else reject(new Error(`a thread of the simulation ended with ${code}`))
      })
    })
  await Promise.all(Array.from({ length: threads }, (_, at) => runThread(at)))
}
