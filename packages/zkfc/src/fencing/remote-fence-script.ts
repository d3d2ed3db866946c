/*
 * What runs on the old active's host: POSIX sh, given to `sh -s` on its standard input, so that the
 * login shell of the account (csh, fish) never has to read it and nothing needs quoting. All of it
 * is one function called in the last line: a script cut off by a broken connection does nothing.
 *
 * It says what it found in its last line, `baton-fence <verdict> <detail>`; an exit code alone is
 * never believed, since a forced command or a restricted shell may end with 0 having done nothing.
 *
 * Steps: who holds the port (fuser, else /proc by hand), with the start time of each; SIGKILL; read
 * back, for up to 5 s, that nothing listens and that those very processes have ended. A zombie has
 * ended: it holds no socket and writes nothing, it waits for its parent. fuser is asked even where
 * nothing listens: a NameNode that is shutting down may have closed its listener and still serve
 * accepted connections.
 *
 * The time limit is the remote `timeout`'s, which kills the whole group: were the remote side left
 * running after this side gave up, its late kill could hit a NameNode that was started since. Where
 * there is no `timeout`, a watchdog in the script does it for the shell and its child.
 */

export const VERDICT_MARK = 'baton-fence'

/** What the script's last line may say. `fenced` and `idle` are successes. */
export const VERDICTS = {
  fenced: { ok: true, words: 'the processes on the port were killed and are gone' },
  idle: { ok: true, words: 'logged in, and no process holds the port' },
  unseen: {
    ok: false,
    words:
      'a process holds the port, but this account cannot see which: ' +
      'use the account of the NameNode, or root',
  },
  denied: { ok: false, words: 'this account may not kill the process on the port' },
  listening: { ok: false, words: 'after the kill something still listens on the port' },
  survived: { ok: false, words: 'the killed process has not ended (is it waiting for a disk?)' },
  unverifiable: {
    ok: false,
    words: '/proc/net/tcp cannot be read there, so the result cannot be verified',
  },
  broken: { ok: false, words: 'fuser failed there' },
} as const

export type VerdictName = keyof typeof VERDICTS

export function isVerdictName(name: string): name is VerdictName {
  return Object.hasOwn(VERDICTS, name)
}

/** One line for the account's login shell, whatever shell that is. */
export function remoteCommand(port: number, limitSeconds: number): string {
  const plain = `sh -s ${port} ${limitSeconds}`
  const limited = `timeout -s KILL ${limitSeconds} sh -s ${port} 0`
  const found = 'command -v timeout >/dev/null 2>&1'
  return `sh -c 'if ${found}; then exec ${limited}; else exec ${plain}; fi'`
}

export const REMOTE_SCRIPT = `
say() { echo "${VERDICT_MARK} $1 $2"; }

# Sockets of this network namespace whose local port is $hex, as "<state> <inode>".
sockets() {
  for table in /proc/net/tcp /proc/net/tcp6; do
    [ -r "$table" ] || continue
    while read -r slot here there state queue timer retrans user timeout inode rest; do
      case $here in *:"$hex") echo "$state $inode" ;; esac
    done <"$table"
  done
}

# A socket without an inode belongs to nobody any more (TIME_WAIT).
held() { sockets | grep -qv ' 0$'; }
listening() { sockets | grep -q '^0A '; }

# Field 22 of stat, counted after the ")" that ends the program's name; empty for an ended process.
started() {
  pid=$1
  line=$(cat "/proc/$pid/stat" 2>/dev/null) || return 0
  set -- \${line##*) }
  state=$1
  start=\${20}
  case $state in
    Z | X)
      set -- /proc/"$pid"/task/*
      [ $# -gt 1 ] || return 0 ;;
  esac
  echo "$start"
}

# What fuser does, where there is no fuser: every socket on the port, then who has it open.
holders_by_hand() {
  inodes=$(sockets | while read -r state inode; do
    [ "$inode" = 0 ] || echo "socket:[$inode]"
  done)
  [ -n "$inodes" ] || return 0
  for dir in /proc/[0-9]*; do
    if ls -l "$dir/fd" 2>/dev/null | grep -qF -e "$inodes"; then echo "\${dir#/proc/}"; fi
  done
}

holders() {
  if [ -n "$fuser" ]; then fuser "$port/tcp" 2>/dev/null | tr -cs '0-9' '\\n'
  else holders_by_hand; fi
}

kill_holders() {
  if [ -n "$fuser" ]; then
    fuser -k "$port/tcp" >/dev/null 2>&1
    code=$?
    # 1: none was there any more, or none could be killed; the read-back tells which.
    [ "$code" -le 1 ] || { say broken "exit code $code"; exit 1; }
    return 0
  fi
  for one in $found; do
    [ "$(started "\${one%%:*}")" != "\${one#*:}" ] || kill -9 "\${one%%:*}" 2>/dev/null
  done
  return 0
}

alive() {
  for one in $found; do
    if [ "$(started "\${one%%:*}")" = "\${one#*:}" ]; then echo "\${one%%:*}"; fi
  done
}

pause() { sleep 0.1 2>/dev/null || sleep 1; }

main() {
  port=$1
  limit=$2
  PATH=$PATH:/sbin:/usr/sbin
  LC_ALL=C
  export PATH LC_ALL
  cd / || exit 1
  if [ "$limit" -gt 0 ]; then
    ( sleep "$limit"; kill -9 -$$ $$ ) >/dev/null 2>&1 &
    watchdog=$!
    trap 'kill $watchdog 2>/dev/null' EXIT
  fi
  [ -r /proc/net/tcp ] || [ -r /proc/net/tcp6 ] || { say unverifiable; exit 1; }
  hex=$(printf '%04X' "$port")
  fuser=$(command -v fuser)
  found=
  for pid in $(holders); do
    since=$(started "$pid")
    [ -z "$since" ] || found="$found $pid:$since"
  done
  if [ -z "$found" ]; then
    if held; then say unseen; exit 1; fi
    say idle
    exit 0
  fi
  kill_holders
  rounds=50
  while [ "$rounds" -gt 0 ]; do
    left=$(alive)
    if [ -z "$left" ] && ! listening; then say fenced "$found"; exit 0; fi
    rounds=$((rounds - 1))
    pause
  done
  for pid in $left; do
    if ! kill -0 "$pid" 2>/dev/null; then say denied "$pid"; exit 1; fi
  done
  if [ -n "$left" ]; then say survived "$left"; else say listening; fi
  exit 1
}

main "$@" </dev/null
`
