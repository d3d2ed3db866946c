import type {
  FenceMethod,
  FencingConfiguration,
  FencingRuntime,
  FencingSurroundings,
} from './fence-method.ts'
import type { FencingLine, MethodName } from './fencing-grammar.ts'
import { ShellCommandFencer } from './shell-command-fencer.ts'
import { SshFenceByTcpPort } from './ssh-fence-by-tcp-port.ts'

/** Throws `BadFencingConfigurationError` where the argument or a key of the method is wrong. */
export type MethodFactory = (
  line: FencingLine,
  conf: FencingConfiguration,
  runtime: FencingRuntime,
  surroundings: FencingSurroundings,
) => FenceMethod

export const METHOD_FACTORIES: Readonly<Record<MethodName, MethodFactory>> = {
  shell: ShellCommandFencer.create,
  sshfence: SshFenceByTcpPort.create,
}
