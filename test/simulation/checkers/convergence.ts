/** What must hold some time after everything was healed. */
export interface ConvergenceFacts {
  readonly nodes: readonly string[]
  readonly runningNameNodes: ReadonlyMap<string, { readonly state: string }>
  readonly runningControllers: ReadonlyMap<string, { status(): { readonly role: string } }>
  /** Virtual time of the newest acknowledgement. */
  readonly lastAcknowledgedMs: number
}

/** One role, one active NameNode, all others standby, writes go on. Undefined: it holds. */
export function whyNotConverged(facts: ConvergenceFacts, healedMs: number): string | undefined {
  const { nodes, runningNameNodes, runningControllers } = facts
  const states = nodes.map(node => ({
    node,
    state: runningNameNodes.get(node)?.state ?? 'down',
    role: runningControllers.get(node)?.status().role ?? 'down',
  }))
  const active = states.filter(({ state, role }) => state === 'active' && role === 'active')
  const standby = states.filter(({ state, role }) => state === 'standby' && role === 'standby')
  const inWords = states.map(({ node, state, role }) => `${node} ${state}/${role}`).join(', ')
  if (active.length !== 1 || standby.length !== nodes.length - 1) {
    return `no single active NameNode with all others standby (NameNode/controller: ${inWords})`
  }
  // A write acknowledged just after the healing may be an answer that was under way.
  const settledMs = healedMs + 1
  if (facts.lastAcknowledgedMs > settledMs) return undefined
  return `no write was acknowledged since the healing (${inWords})`
}
