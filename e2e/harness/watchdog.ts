import { type ChildProcess, spawn } from 'node:child_process'

/**
 * A shell of about one megabyte that reads from a pipe whose other end only this process holds. However this process
 * ends (a return, an uncaught error, Ctrl-C, SIGKILL), the pipe closes, and the shell kills every process group that is
 * still on its list and removes every directory. It ignores the signals that a terminal sends to a whole group.
 */
const SCRIPT = `
trap '' HUP INT TERM
groups=' '
dirs=''
while IFS=' ' read -r verb value; do
  case "$verb" in
    group) groups="$groups$value " ;;
    ended) case "$groups" in *" $value "*) groups="\${groups%% $value *} \${groups#* $value }" ;; esac ;;
    dir) dirs="$dirs$value
" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
printf '%s' "$dirs" | while IFS= read -r dir; do
  for again in 1 2 3; do rm -rf -- "$dir" 2>/dev/null && break; sleep 0.2; done
done
`

let watchdog: ChildProcess | undefined

function tell(line: string): void {
  watchdog ??= start()
  watchdog.stdin?.write(`${line}\n`)
}

function start(): ChildProcess {
  const child = spawn('/bin/sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  // Neither the shell nor its pipe keeps a test alive that has nothing else to do.
  child.unref()
  const pipe = child.stdin as unknown as { unref?: () => void; on: (event: 'error', listener: () => void) => void }
  pipe.unref?.()
  pipe.on('error', () => undefined)
  return child
}

/** From now on this process group does not outlive this process. */
export const watchGroup = (pid: number): void => tell(`group ${pid}`)

/** The group has ended, and its number may be another's by now. */
export const forgetGroup = (pid: number): void => tell(`ended ${pid}`)

/** From now on this directory does not outlive this process. */
export const watchDirectory = (path: string): void => tell(`dir ${path}`)
