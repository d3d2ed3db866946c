export * from './fence-method.ts'
export * from './fencing-grammar.ts'
export * from './node-fencer.ts'
export { warnOfUnusableMethods } from './start-check.ts'
export {
  SHELL_PASS_SECRETS_KEY,
  SHELL_TIMEOUT_KEY,
  SHELL_WARN_KEY,
} from './shell-command-fencer.ts'
export {
  SSH_COMMAND_TIMEOUT_KEY,
  SSH_KNOWN_HOSTS_FILE_KEY,
  SSH_KNOWN_HOSTS_KEY,
} from './ssh-fence-by-tcp-port.ts'
